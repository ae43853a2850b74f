"""A Bitrix24 that the dashboard takes for one of the internet: https, under a public name of its own."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.bitrix import network as network_module
from app.bitrix.sandbox import Sandbox, running
from app.services import Services
from tests.certificates import self_signed

_numbers = itertools.count(1)


class Bitrix24:
    """The stand-in, and the URL of its webhook as it stands in a form."""

    def __init__(self, sandbox: Sandbox, domain: str) -> None:
        self.sandbox, self.domain = sandbox, domain

    @property
    def webhook_url(self) -> str:
        port = self.sandbox.socket.getsockname()[1]
        return f"https://{self.domain}:{port}/rest/{self.sandbox.portal.webhook}/"

    @property
    def secret(self) -> str:
        return self.sandbox.portal.webhook.rpartition("/")[2]

    @property
    def methods(self) -> list[str]:
        """What was called."""
        return [call.method for call in self.sandbox.calls]


@contextmanager
def bitrix24(services: Services, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bitrix24]:
    """Run it, and let the service find its name here and trust its certificate."""
    domain = f"company-{next(_numbers)}.bitrix24.example"
    certificate = self_signed(folder, domain)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate)
    sandbox = Sandbox()
    sandbox.socket = served.wrap_socket(sandbox.socket, server_side=True)
    monkeypatch.setattr(network_module, "look_up", lambda *_: ["127.0.0.1"])
    monkeypatch.setattr(network_module, "is_public", lambda _: True)
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(services.portal_calls._network, "_tls", trusting)
    with running(sandbox):
        yield Bitrix24(sandbox, domain)
