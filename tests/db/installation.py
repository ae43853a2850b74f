"""A management service without its web side, put together by hand on real files."""

from __future__ import annotations

from pathlib import Path

from app import migrations, sessions
from app.accounts import Accounts
from app.config import Config
from app.db import connect
from app.idempotency import IdempotencyStore
from app.keyring import Issued, Keyring
from app.ledger import Actor, Ledger
from app.models import Account, Key, Portal, Session
from app.portals import Portals
from app.publisher import Publisher
from app.secrets import Secrets
from app.source import DatabaseSource
from gateway.host_table import HostTable
from gateway.redis_link import open_link
from gateway.store import PUBLISHED_KEY, Store
from gateway.trust import Trust

START = 1_700_002_800.0
HOUR = 3_600.0
CLI = Actor("cli")
ADDRESS = "203.0.113.7"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    @property
    def ms(self) -> int:
        return int(self.now * 1000)


class Installation:
    """Database, secrets and everything that changes keys; Redis when `use_redis` is called."""

    def __init__(self, folder: Path, busy_timeout: float = 5.0, **settings: str) -> None:
        self.config = Config.from_env(
            {"DATABASE_URL": f"sqlite:///{folder}/vibekeys.db", "ROTATION_GRACE_HOURS": "24", **settings}
        )
        self.clock = Clock()
        self.db = connect(self.config, create=True, busy_timeout=busy_timeout)
        migrations.migrate(self.db, self.config.state_dir)
        self.secrets = Secrets.load(self.config, create=True)
        self.publisher = Publisher(self.db)
        self.source = DatabaseSource(self.db, self.publisher)
        self.ledger = Ledger(self.db, self.secrets, self.clock, self.publisher)
        self.accounts = Accounts(self.ledger)
        self.portals = Portals(self.ledger, self.secrets)
        self.keyring = Keyring(self.ledger, self.config)
        self.idempotency = IdempotencyStore(self.db, self.clock)
        self.host_table: HostTable | None = None

    def use_redis(self, url: str) -> tuple[Store, Trust]:
        self.host_table = HostTable(self.config.state_dir)
        trust = Trust(self.host_table)
        store = Store(open_link(url, 1.0, PUBLISHED_KEY, lambda greeting: trust.greet(greeting, self.source)))
        self.publisher.store, self.publisher.trust = store, trust
        trust.recover(store, self.source)
        return store, trust

    def close(self) -> None:
        if self.publisher.store is not None:
            self.publisher.store.close()
        if self.host_table is not None:
            self.host_table.close()
        self.db.close()

    def account(self, email: str = "owner@example.com", **fields: object) -> Account:
        return self.accounts.create(CLI, email, **fields)  # type: ignore[arg-type]

    def portal(self, *members: Account, domain: str = "company.bitrix24.com") -> Portal:
        portal = self.portals.create(CLI, domain)
        for account in members:
            self.portals.set_member(CLI, portal.id, account.id, "ADMIN")
        return portal

    def key(self, owner: Account, **fields: object) -> Issued:
        """A personal key unless `fields` say otherwise."""
        settings = {"type": "personal", "name": "a key", "integrations": ["cli"], **fields}
        return self.keyring.issue(CLI, owner=owner, **settings)  # type: ignore[arg-type]

    def holder(self, account: Account) -> Actor:
        """Whoever holds a key of the account, which is made for the purpose."""
        key = self.key(account, integrations=["ai_tools", "cli"]).key
        return Actor("key", account.id, key.id, "192.0.2.7")

    def visitor(self, account: Account, *, as_operator: bool = False) -> Actor:
        """The account, signed in to the dashboard."""
        with self.ledger.change(Actor("account", account.id, address=ADDRESS)) as change:
            sessions.begin(change, account, "a browser")
        session = Session.select().where(Session.account == account).order_by(Session.id.desc()).get()
        return Actor("account", account.id, address=ADDRESS, session_id=session.id, as_operator=as_operator)

    def rotate(self, key: Key, **options: object) -> Issued:
        return self.keyring.rotate(CLI, Key.select(), key.id, **options)  # type: ignore[arg-type]

    def change(self, key: Key, actor: Actor = CLI, **fields: object) -> Key:
        return self.keyring.change(actor, Key.select(), key.id, fields)

    def working(self, *keys: Key) -> list[str]:
        """The ids of those of the lineage's keys that the gateway would let in now."""
        now = self.clock()
        found = []
        for key in keys:
            snapshot = self.source.lookup(key.digest)
            if (
                snapshot
                and not snapshot.key.revoked
                and now < min(snapshot.key.expires_at or 1e12, snapshot.key.grace_ends_at or 1e12)
            ):
                found.append(key.id)
        return found
