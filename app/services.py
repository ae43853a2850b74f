"""The parts of the service, put together once and handed round as one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from flask import current_app
from peewee import Database

from app.accounts import Accounts
from app.bitrix.own_fields import OwnFields
from app.bitrix.portal_calls import PortalCalls
from app.bitrix.webhook import Prober
from app.config import Config
from app.documents import Artifacts, Memories, Prompts
from app.feedback import Feedback
from app.hooks import Hooks
from app.idempotency import IdempotencyStore
from app.keyring import Keyring
from app.ledger import Ledger
from app.oidc import Provider
from app.portals import Portals
from app.preferences import AccountPreferences
from app.publisher import Publisher
from app.secrets import Secrets
from app.servers import Servers
from app.sessions import Sessions
from app.sign_in import SignIn
from app.source import DatabaseSource
from gateway.authorize import Policy
from gateway.host_table import HostTable
from gateway.store import Store
from gateway.trust import Trust


class OutOfReach(Exception):
    """A service runs here whose Redis does not answer, so a change would not reach it; one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that a request, a command or the worker needs.

    `oidc` is None where nobody signs in by a provider.

    `store`, `trust` and `host_table` are None for a command while no service runs: it changes the
    database, and the next start publishes.
    """

    config: Config
    policy: Policy
    clock: Callable[[], float]
    db: Database
    secrets: Secrets
    publisher: Publisher
    source: DatabaseSource
    ledger: Ledger
    accounts: Accounts
    portals: Portals
    portal_calls: PortalCalls
    own_fields: OwnFields
    prober: Prober
    keyring: Keyring
    feedback: Feedback
    servers: Servers
    prompts: Prompts
    artifacts: Artifacts
    memories: Memories
    preferences: AccountPreferences
    hooks: Hooks
    idempotency: IdempotencyStore
    sessions: Sessions
    sign_in: SignIn
    oidc: Provider | None
    store: Store | None
    trust: Trust | None
    host_table: HostTable | None

    def close(self) -> None:
        """Let go of database, Redis and the host table."""
        if self.store is not None:
            self.store.close()
        if self.host_table is not None:
            self.host_table.close()
        self.portal_calls.close()
        if self.oidc is not None:
            self.oidc.close()
        self.db.close()


def services() -> Services:
    """Return the services of the application that answers the current request."""
    return cast(Services, current_app.extensions["vibekeys"])
