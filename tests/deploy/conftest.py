"""One installation behind nginx for all tests that leave it running."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import ValkeyServer
from tests.deploy.rig import PROXY, Nginx, Web, nginx, with_our_programs
from tests.faults import changer
from tests.faults.crowd import in_a_process
from tests.serve.processes import environment, free_port

PATIENT = {"client_body_timeout 10s;": "client_body_timeout 60s;"}
"""So that tests of slow clients do not fail on a machine that is slower than these."""


@dataclass
class Deployment:
    """An installation with one portal, and what stands in front of it."""

    nginx: Nginx
    web: Web
    portal: str
    management_key: str
    key: str
    """A portal key that nobody changes."""
    limited: str
    """The id of a portal key, and its raw key, that may be used from one address only."""
    limited_key: str

    def change_limited(self, **fields: Any) -> None:
        """PATCH the key of that id, through nginx."""
        body = json.dumps(fields).encode()
        path = f"/v1/keys/{self.limited}"
        assert self.nginx.ask("PATCH", path, self.management_key, body=body).status == 200


@pytest.fixture(scope="package")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("deployed")
    valkey = ValkeyServer()
    environ = environment(
        folder,
        PORT=str(free_port()),
        REDIS_URL=valkey.url,
        REDIS_TIMEOUT_MS="5000",
        TRUSTED_PROXIES=PROXY,
        WEB_CONCURRENCY="2",
        TIER_PRO_HOURLY="100000000",
        AUTH_FAILURES_PER_MINUTE="0",
    )
    made = in_a_process(changer.install, environ, 2)
    (key, _), (limited_key, limited) = made["keys"].items()
    web = Web(with_our_programs(environ), folder / "web.log")
    try:
        with nginx(folder / "nginx", web.port, PATIENT) as proxy:
            yield Deployment(proxy, web, made["portal"], made["management_key"], key, limited, limited_key)
    finally:
        web.end()
        valkey.close()
