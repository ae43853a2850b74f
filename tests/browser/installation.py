"""A service that runs as an operator starts it, and what a test puts into it without going through pages."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from app import sessions
from app.config import Config
from app.keyring import Issued
from app.ledger import Actor
from app.models import Account
from app.services import Services
from app.wiring import create_flask, open_services
from tests.dashboard.browser import USER_AGENT, signed
from tests.serve.processes import Service

OPERATOR = Actor("cli")

_numbers = itertools.count(1)


class Dashboard:
    """A running service. `services` are a command's: what they change is in force at once."""

    def __init__(self, service: Service, services: Services) -> None:
        self.service, self.services = service, services
        self.url = services.config.public_url
        self._flask = create_flask(services)

    def sign_in(self, page: Page, account: Account) -> None:
        """Give the window's browser a session of the account, without the tenth of a second of a password."""
        with self.services.ledger.change(Actor("account", account.id, address="127.0.0.1")) as change:
            token = sessions.begin(change, account, USER_AGENT)
        value = signed(self._flask, {"token": token})
        page.context.add_cookies([{"name": "vibekeys", "value": value, "url": self.url}])

    def account(self, **fields: Any) -> Account:
        """An account that no other test has."""
        fields = {"email": f"team-{next(_numbers)}@example.com", "tier": "pro", **fields}
        return self.services.accounts.create(OPERATOR, **fields)

    def key(self, owner: Account, **fields: Any) -> Issued:
        """A personal key, unless `fields` say otherwise."""
        fields = {"type": "personal", "name": "CI", "integrations": ["cli"], **fields}
        return self.services.keyring.issue(OPERATOR, owner=owner, **fields)


def new_service(folder: Path) -> Service:
    """A service that is to have its files in `folder`, and does not run yet."""
    return Service(folder, {"REDIS_TIMEOUT_MS": "5000"}, ("--no-worker",))


@contextmanager
def serving(service: Service) -> Iterator[Dashboard]:
    """Start a service and yield its dashboard; it ends with the block."""
    service.start()
    try:
        services = open_services(Config.from_env(service.environ), redis="if running")
        try:
            yield Dashboard(service, services)
        finally:
            services.close()
    finally:
        assert service.stop() == 0, service.said()
