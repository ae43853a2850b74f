"""Every change of keys, accounts and portals: one transaction with its audit row, then published.

    with ledger.change(actor) as change:
        key = Key.get_by_id(key_id)          # read under the write lock, never before it
        key.revoked = True
        change.key(key)
        change.audit("key.revoked", "key", key.id, {"revoked": False}, {"revoked": True})

On leaving the block the transaction commits and what changed is published; only then may an answer
be sent. An exception in the block undoes everything. There is no network call inside the block: it
holds the write lock.

A key that changes something is judged once more under the lock. Between its admission and this moment it
may have waited for seconds, for a webhook or for the lock itself, and the answer to its revocation may have
been sent: nothing that it does may come after that. So is an account that is signed in to the dashboard: its
session may have been ended meanwhile, or the account suspended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import structlog
from peewee import SQL, Database, fn

from app import audit
from app.db import writing
from app.errors import DATABASE_RETRY_AFTER, ApiError, integration_required, of_denial
from app.models import Account, Audit, Event, Heads, Key, Session, Tombstone, Unpublished, new_id
from app.models.activity import EVENT_TYPES
from app.publisher import Publisher
from app.records import read_holder
from app.secrets import Secrets
from gateway.checks import first_denial
from gateway.records import Snapshot
from gateway.source import SourceError

_OTHERS = {"key": "other", "account": "other", "cli": "operator", "system": "system"}
"""Who did it, as the account is told to which it was done."""

_PLACES = 2**30

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something: a person at the command line, a key's holder, an account that is signed in to
    the dashboard, or the service itself.

    `scope` is the one that the route asks of the key, None if it asks for none; of `integrations` it asks for
    any one. `session_id` is what the account is signed in by; None where it signs in or out, which any
    account may. `as_operator`: it does what only operators may.
    """

    kind: Literal["account", "cli", "key", "system"]
    account_id: str | None = None
    key_id: str | None = None
    address: str | None = None
    scope: str | None = None
    integrations: frozenset[str] = frozenset()
    session_id: str | None = None
    as_operator: bool = False


class SignedOut(Exception):
    """The session by which an account was about to change something is over."""


class Change:
    """One open write transaction. `now_ms` is its time, in unix milliseconds."""

    def __init__(self, actor: Actor, now_ms: int, secrets: Secrets) -> None:
        self.actor = actor
        self.now_ms = now_ms
        self.unpublished: list[Unpublished] = []
        self.audit_rows: list[Audit] = []
        self._secrets = secrets
        self._place = 0

    def key(self, key: Key, *, new: bool = False) -> None:
        """Save the key under the next revision."""
        key.revision = self._next_revision("key", key.digest)
        key.save(force_insert=new, only=None if new else key.dirty_fields)

    def key_deleted(self, key: Key) -> None:
        """Delete the key's row and leave its tombstone."""
        revision = self._next_revision("key", key.digest)
        Tombstone.create(digest=key.digest, account_id=key.owner_id, revision=revision)
        key.delete_instance()

    def account(self, account: Account, *, new: bool = False) -> None:
        """Save the account under the next revision; also called when only its memberships changed."""
        account.revision = self._next_revision("account", account.id)
        account.save(force_insert=new)

    def audit(
        self,
        action: str,
        target_kind: str,
        target_id: str,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
        *,
        owner_id: str | None = None,
    ) -> None:
        """Write the audit row: what was and what is now, never a secret.

        The same is told in the activity of the account that does it, and of the one that it is done to, if
        `owner_id` names one.
        """
        row = Audit(
            at=self.now_ms,
            actor_kind=self.actor.kind,
            actor_account_id=self.actor.account_id,
            actor_key_id=self.actor.key_id,
            address=self.actor.address,
            action=action,
            target_kind=target_kind,
            target_id=target_id,
            before=audit.facts(before),
            after=audit.facts(after),
        )
        audit.append(self._secrets, row, self.audit_rows[-1] if self.audit_rows else None)
        self.audit_rows.append(row)
        for account_id in dict.fromkeys((self.actor.account_id, owner_id)):
            if account_id is not None:
                self.event(account_id, action, target_kind, target_id, before, after)

    def event(
        self,
        account_id: str,
        type: str,
        target_kind: str,
        target_id: str,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
        *,
        key_id: str | None = None,
    ) -> None:
        """Tell of something in an account's activity; where from and by which key, if it did it itself.

        `key_id` is the key that it is about, where that is neither the target nor the one that did it. Raises
        ValueError for a type that is not in `EVENT_TYPES`: nobody could ask for it.
        """
        if type not in EVENT_TYPES:
            raise ValueError(f"{type} is no type of events")
        actor, own = self.actor, self.actor.account_id == account_id
        by_key_id = actor.key_id if own else None
        Event.create(
            id=new_id(self.now_ms, self._next_place()),
            account=account_id,
            created_at=self.now_ms,
            type=type,
            key_id=target_id if target_kind == "key" else key_id or by_key_id,
            by="account" if own else "operator" if actor.as_operator else _OTHERS[actor.kind],
            by_key_id=by_key_id,
            address=actor.address if own else None,
            target_kind=target_kind,
            target_id=target_id,
            before=audit.facts(before),
            after=audit.facts(after),
        )

    def _next_place(self) -> int:
        """Return by what events of one millisecond are put in the order of their commits."""
        if not self._place:
            self._place = Event.select(fn.MAX(SQL("rowid"))).scalar() or 0
        self._place += 1
        return self._place % _PLACES

    def revision_of_new_keys(self) -> int:
        """Return the revision of keys that are written here and not published.

        Only for keys that nobody can have sent before: Redis has nothing of them that would have to be
        replaced, and gets each with its first use.
        """
        raised = Heads.update(revision=Heads.revision + 1).where(Heads.id == 1).returning(Heads.revision)
        ((revision,),) = raised.tuples().execute()
        return int(revision)

    def _next_revision(self, kind: str, ref: str) -> int:
        revision = self.revision_of_new_keys()
        self.unpublished.append(Unpublished.create(revision=revision, kind=kind, ref=ref))
        return revision


class Ledger:
    """Opens changes. `clock` tells unix seconds."""

    def __init__(
        self, db: Database, secrets: Secrets, clock: Callable[[], float], publisher: Publisher
    ) -> None:
        self._db = db
        self._secrets = secrets
        self._clock = clock
        self._publisher = publisher

    @contextmanager
    def change(self, actor: Actor) -> Iterator[Change]:
        """Open one change, commit it, and publish it.

        Raises `ApiError`, with nothing changed: DATABASE_UNAVAILABLE if it cannot be written, and where a
        key or an account acts that may not any more, what its next request would be answered. Raises
        `SignedOut` where its session is over.
        """
        with writing(self._db):
            # The clock is read under the lock, so that rows are timed in the order of their commits.
            now = self._clock()
            self._check(actor, now)
            change = Change(actor, int(now * 1000), self._secrets)
            yield change
        # Only after the commit: a row that was undone must not be remembered as the log's head.
        for row in change.audit_rows:
            log.info("audit.row", seq=row.seq, mac=row.mac, action=row.action)
        self._publisher.publish(change.unpublished)

    def check(self, actor: Actor) -> None:
        """Raise what `change` would raise of this actor now: before what is done outside of a change."""
        self._check(actor, self._clock())

    def _check(self, actor: Actor, now: float) -> None:
        if actor.kind == "key":
            _check_holder(actor, self._holder(actor), now)
        if actor.kind == "account" and actor.session_id is not None:
            _check_account(actor, int(now * 1000))

    def _holder(self, actor: Actor) -> Snapshot | None:
        try:
            return read_holder(self._db, actor.key_id or "")
        except SourceError as error:
            raise ApiError("DATABASE_UNAVAILABLE", retry_after=DATABASE_RETRY_AFTER) from error


def _check_holder(actor: Actor, holder: Snapshot | None, now: float) -> None:
    if holder is None:
        raise ApiError("INVALID_API_KEY", hint="The API key was deleted.")
    denial = first_denial(holder, actor.address or "", now)
    if denial is not None:
        raise of_denial(denial)
    if holder.account.status == "RESTRICTED":
        raise _restricted()
    if actor.scope is not None and actor.scope not in holder.key.scopes:
        code = "MANAGEMENT_SCOPE_REQUIRED" if holder.key.type == "management" else "SCOPE_DENIED"
        raise ApiError(code, details={"requiredScope": actor.scope, "scopes": list(holder.key.scopes)})
    if actor.integrations and actor.integrations.isdisjoint(holder.key.integrations):
        raise integration_required(actor.integrations, holder.key.integrations)


def _check_account(actor: Actor, now_ms: int) -> None:
    mine = (Session.id == actor.session_id) & (Session.account == actor.account_id)
    session = Session.select(Session, Account).join(Account).where(mine, Session.expires_at > now_ms).first()
    if session is None:
        raise SignedOut
    if session.account.status == "SUSPENDED":
        raise ApiError("ACCOUNT_SUSPENDED")
    if session.account.status == "RESTRICTED":
        raise _restricted()
    if actor.as_operator and not session.account.is_operator:
        raise ApiError("ENTITY_NOT_FOUND")


def _restricted() -> ApiError:
    return ApiError("ACCOUNT_RESTRICTED", details={"accountStatus": "RESTRICTED"})
