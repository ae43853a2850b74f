"""Bringing committed changes to Redis, and remembering which have arrived.

A change leaves an `unpublished` row in its own transaction. Publishing reads the record as it is
now, which may be newer than the row, stores it over any lower revision, and then removes the row. A
process killed anywhere in between leaves rows behind, and publishing them again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import structlog
from peewee import Database, DatabaseError, InterfaceError

from app.db import writing
from app.errors import ApiError
from app.models import Account, Heads, Key, Tombstone, Unpublished
from app.records import read_record
from gateway.source import SourceError
from gateway.store import Store, StoreError
from gateway.trust import Trust

T = TypeVar("T")

_BATCH = 200
"""Records between two confirmations in the database."""

log = structlog.get_logger(__name__)


class Publisher:
    """Publishes to `store`; without one (a command while no service runs) everything stays pending.

    `trust` is this host's belief in Redis. When a change cannot be published, belief is withdrawn
    before the change is answered, so that every worker of the host judges from the database. Both
    may be set later: what they are made of needs a publisher first.
    """

    def __init__(self, db: Database, store: Store | None = None, trust: Trust | None = None) -> None:
        self.store = store
        self.trust = trust
        self._db = db
        self._confirms = True

    def publish(self, changes: Sequence[Unpublished]) -> None:
        """Publish what was just committed, or else see to it that nobody relies on Redis.

        Raises `StoreError` or `SourceError` only without a `trust` to withdraw.
        """
        if self.store is None or not changes:
            return
        if self.trust is not None and not self.trust.believed():
            # Again, although it is lost already: a recovery that is under way must not succeed.
            self.trust.lose("changes were committed meanwhile")
            return
        try:
            self._publish(self.store, _batches(changes))
        except (StoreError, SourceError) as error:
            if self.trust is None:
                raise
            self.trust.lose(str(error))
        except ApiError as error:
            # The records have arrived. The rows stay, and are published once more.
            log.warning("publication.unconfirmed", reason=error.code)

    def publish_pending(self) -> None:
        """Publish every committed change that may not have reached Redis.

        Raises `StoreError` if Redis refuses or there is none, `SourceError` if the database can't tell
        or can't be written; what was not published stays pending.
        """
        store = self._store_at_hand()
        try:
            self._publish(store, _pending())
        except (ApiError, DatabaseError, InterfaceError) as error:
            raise SourceError(str(error)) from error

    def republish(self) -> int:
        """Publish every record that there is and return how many.

        Raises as `publish_pending` does, and `ApiError` DATABASE_UNAVAILABLE.
        """
        store = self._store_at_hand()
        every = list(_every_record())
        for batch in _batches(every):
            # A Redis that remembers more publications than the database is not believed.
            self._confirm((), store.publish(*(read_record(self._db, kind, ref) for kind, ref in batch)))
        self.publish_pending()
        return len(every)

    def _store_at_hand(self) -> Store:
        if self.store is None:
            raise StoreError("there is no Redis to publish to")
        return self.store

    def _publish(self, store: Store, batches: Iterable[Sequence[Unpublished]]) -> None:
        """Publish all that there is, also when the database is too busy to confirm it; `ApiError` then."""
        busy: ApiError | None = None
        for batch in batches:
            number = self._publish_batch(store, batch)
            try:
                # Not tried again: each time would wait as long for the lock, and the changes with it.
                if busy is None:
                    self._confirm(batch, number)
            except ApiError as error:
                busy = error
        if busy is not None:
            raise busy

    def _publish_batch(self, store: Store, batch: Sequence[Unpublished]) -> int:
        # One record changed twice is published once, where its first change stands: a new key
        # reaches Redis before the end of the one that it replaces.
        records = dict.fromkeys((change.kind, change.ref) for change in batch)
        done = self._done()
        number = store.publish(*(read_record(self._db, kind, ref) for kind, ref in records))
        if number <= done:
            # Were it to count on from here, a backup of it could seem as complete as it is now.
            raise StoreError("it was emptied, and has forgotten how much was published")
        return number

    def _done(self) -> int:
        try:
            return int(Heads.get_by_id(1).published)
        except (DatabaseError, InterfaceError) as error:
            raise SourceError(str(error)) from error

    def _confirm(self, batch: Sequence[Unpublished], number: int) -> None:
        with writing(self._db, self._warn):
            revisions = [change.revision for change in batch]
            Unpublished.delete().where(Unpublished.revision.in_(revisions)).execute()
            Heads.update(published=number).where(Heads.id == 1, Heads.published < number).execute()
        self._confirms = True

    def _warn(self, reason: str) -> None:
        # Once until it works again: while Redis is away, every worker tries ten times a second.
        if self._confirms:
            log.warning("database.unavailable", reason=reason)
        self._confirms = False


def _batches(changes: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(changes), _BATCH):
        yield changes[start : start + _BATCH]


def _pending() -> Iterator[Sequence[Unpublished]]:
    # By revision, not from the top each time: rows that could not be confirmed are still there.
    passed = 0
    following = Unpublished.select().order_by(Unpublished.revision).limit(_BATCH)
    while batch := list(following.where(Unpublished.revision > passed)):
        yield batch
        passed = batch[-1].revision


def _every_record() -> Iterator[tuple[str, str]]:
    # Read to the end first: an open cursor would keep the database's log from being emptied.
    yield from [("account", account.id) for account in Account.select(Account.id)]
    yield from [("key", key.digest) for key in Key.select(Key.digest)]
    yield from [("key", tombstone.digest) for tombstone in Tombstone.select(Tombstone.digest)]
