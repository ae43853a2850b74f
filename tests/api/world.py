"""The whole service in one process, and the tenants that live in it: what the tests of the API stand on."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import Client

from app.config import Config
from app.db import connect
from app.keyring import Issued
from app.ledger import Actor
from app.migrations import migrate
from app.models import (
    MODELS,
    Account,
    Heads,
    Key,
    Portal,
    Unpublished,
    UsageAction,
    UsageDay,
    UsageHour,
    UsageKey,
    UsageSplitDay,
    UsageSplitHour,
    WrongKeys,
)
from app.secrets import Secrets
from app.wiring import build
from tests.conftest import ValkeyServer

PUBLIC_URL = "https://keys.example.test"
START = 1_900_000_000.0
"""In the middle of an hour: 2030-03-17T17:46:40Z."""
USAGE = (UsageKey, UsageHour, UsageDay, UsageSplitHour, UsageSplitDay, UsageAction, WrongKeys)
UNKNOWN_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
MANAGEMENT_SCOPES = ("vibe:mgmt:keys", "vibe:mgmt:portals")

_SYSTEM = Actor("cli")
_numbers = itertools.count(1)


class Clock:
    """A clock that stands until it is moved, and only forward: one service serves all tests."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        assert self.json["success"] is True, self.body
        return self.json["data"]

    @property
    def error(self) -> Any:
        assert self.json["success"] is False, self.body
        return self.json["error"]

    @property
    def code(self) -> str:
        return str(self.error["code"])

    @property
    def bytes_but_request_id(self) -> bytes:
        return self.body.replace(self.error["requestId"].encode(), b"")


class Service:
    """The service as `build` makes it, on a database and a Valkey server of its own."""

    def __init__(self, folder: Path, redis_url: str, **settings: str) -> None:
        self.clock = Clock()
        self.config = Config.from_env(
            {
                "DATABASE_URL": f"sqlite:///{folder}/vibekeys.db",
                "REDIS_URL": redis_url,
                "REDIS_TIMEOUT_MS": "5000",
                "PUBLIC_URL": PUBLIC_URL,
                **settings,
            }
        )
        db = connect(self.config, create=True)
        migrate(db, self.config.state_dir)
        Secrets.load(self.config, create=True)
        db.close()
        self.wsgi = build(self.config, self.clock)
        self.flask = _flask_within(self.wsgi.application)
        self.services = self.wsgi.services

    def close(self) -> None:
        """End the thread that `build` started, and let go of database and Redis."""
        self.wsgi.close()

    def call(self, method: str, path: str, key: str | None = None, **kwargs: Any) -> Answer:
        """Send one request; what werkzeug's `EnvironBuilder` takes may be given."""
        headers = dict(kwargs.pop("headers", {}))
        if key is not None:
            headers["X-Api-Key"] = key
        kwargs.setdefault("environ_base", {"REMOTE_ADDR": "127.0.0.1"})
        # buffered: to the end and closed, as a server does it
        response = Client(self.wsgi).open(path, method=method, headers=headers, buffered=True, **kwargs)
        return Answer(response.status_code, response.headers, response.get_data())

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that the database holds but usage, which every call adds to, and what is still to be
        told to Redis, which is told later if it was slow."""
        kept = (model for model in MODELS if model not in (*USAGE, Heads, Unpublished))
        return {model.__name__: sorted(model.select().tuples(), key=repr) for model in kept}


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Service]:
    """Yield a service in `folder`, on a Redis server of its own; `settings` are those of the environment."""
    server = ValkeyServer()
    service = Service(folder, server.url, **settings)
    yield service
    service.close()
    server.close()


@dataclass
class Tenant:
    """One account with a management key."""

    account: Account
    management_key: str


class World:
    """Two portals and three accounts, unlike those of any other test.

    `admin` is ADMIN of `portal`, `member` MEMBER of it; `stranger` is ADMIN of `other_portal` only.
    """

    def __init__(self, service: Service) -> None:
        self.service, self.services = service, service.services
        self.portal, self.other_portal = self.new_portal(), self.new_portal()
        self.admin, self.member, self.stranger = self.new_tenant(), self.new_tenant(), self.new_tenant()
        self.join(self.portal, self.admin, "ADMIN")
        self.join(self.portal, self.member, "MEMBER")
        self.join(self.other_portal, self.stranger, "ADMIN")

    def call(self, method: str, path: str, key: str | None = None, **kwargs: Any) -> Answer:
        """Send a request with a key, the admin's management key if none is named."""
        return self.service.call(method, path, key or self.admin.management_key, **kwargs)

    def new_tenant(self, **fields: Any) -> Tenant:
        email = f"owner-{next(_numbers)}@example.test"
        account = self.services.accounts.create(_SYSTEM, email, **{"tier": "pro", **fields})
        issued = self.issue("management", account, scopes=MANAGEMENT_SCOPES)
        return Tenant(account, issued.raw_key)

    def new_portal(self, **fields: Any) -> Portal:
        return self.services.portals.create(_SYSTEM, f"portal-{next(_numbers)}.example.test", **fields)

    def join(self, portal: Portal, tenant: Tenant, role: str) -> None:
        self.services.portals.set_member(_SYSTEM, portal.id, tenant.account.id, role)

    def leave(self, portal: Portal, tenant: Tenant) -> None:
        self.services.portals.remove_member(_SYSTEM, portal.id, tenant.account.id)

    def change_portal(self, portal: Portal, **fields: Any) -> None:
        self.services.portals.update(_SYSTEM, portal.id, **fields)

    def change_account(self, tenant: Tenant, **fields: Any) -> None:
        self.services.accounts.update(_SYSTEM, tenant.account.id, **fields)

    def change_key(self, key: Key, **fields: Any) -> Key:
        return self.services.keyring.change(_SYSTEM, Key.select(), key.id, fields)

    def revoke_all(self, tenant: Tenant) -> int:
        return self.services.keyring.revoke_all(_SYSTEM, tenant.account)

    def rotate(self, key: Key, **fields: Any) -> Issued:
        self._a_moment_later()
        return self.services.keyring.rotate(_SYSTEM, Key.select(), key.id, **fields)

    def issue(self, key_type: str, owner: Account, **fields: Any) -> Issued:
        self._a_moment_later()
        return self.services.keyring.issue(
            _SYSTEM, type=key_type, owner=owner, **{"name": f"a key of type {key_type}", **fields}
        )

    def portal_key(
        self,
        owner: Tenant | None = None,
        *,
        portal: Portal | None = None,
        key_type: str = "api",
        **fields: Any,
    ) -> Issued:
        """A key of `portal`, of the admin unless another owner is named."""
        return self.issue(
            key_type,
            (owner or self.admin).account,
            **{"portal": portal or self.portal, "scopes": ["crm"], **fields},
        )

    def _a_moment_later(self) -> None:
        """Keys of one millisecond have no order."""
        self.service.clock.now += 0.001

    def personal_key(self, owner: Tenant | None = None, **fields: Any) -> Issued:
        """A personal key of the admin unless another owner is named."""
        return self.issue("personal", (owner or self.admin).account, **{"integrations": ["cli"], **fields})


def _flask_within(wsgi: Any) -> Flask:
    while not isinstance(wsgi, Flask):
        wsgi = wsgi._app
    return wsgi
