"""The database as the gateway's source: what it says of a key is what counts."""

from __future__ import annotations

import apsw
from peewee import Database

from app.publisher import Publisher
from app.records import one, read_snapshot, reading
from gateway.keys import PREFIXES
from gateway.records import Snapshot
from gateway.source import LegacyForms, Publications

_PUBLICATIONS = "SELECT published, (SELECT count(*) FROM unpublished) FROM heads WHERE id = 1"
# The first row that the index has is the answer: the number of legacy keys does not matter.
_ANY_LEGACY = 'SELECT EXISTS (SELECT 1 FROM "key" WHERE is_legacy)'
_ANY_UNCHECKED = """
    SELECT EXISTS (SELECT 1 FROM "key"
    WHERE is_legacy AND unchecked_prefix = TRUE AND key_prefix >= ? AND key_prefix < ?)"""
_BEHIND_ASCII = "\x7f"  # and so behind all that a prefix can be followed by


class DatabaseSource:
    """Implements `gateway.source.Source`. Thread-safe: each thread reads on its own connection."""

    def __init__(self, db: Database, publisher: Publisher) -> None:
        self._db = db
        self._publisher = publisher

    def lookup(self, digest: str) -> Snapshot | None:
        """Return the current records of the key with this digest; None if there is none."""
        return read_snapshot(self._db, digest)

    def publications(self) -> Publications:
        """Return the highest publication number that was confirmed, and how many changes are pending."""
        done, pending = reading(self._db, lambda connection: one(connection, _PUBLICATIONS))
        return Publications(done, pending)

    def publish_pending(self) -> None:
        """Publish every committed change that may not have reached Redis (`StoreError` if it refuses)."""
        self._publisher.publish_pending()

    def legacy_forms(self) -> LegacyForms:
        """Return whether there are legacy keys, and under which of our own prefixes."""
        return reading(self._db, _legacy_forms)


def _legacy_forms(connection: apsw.Connection) -> LegacyForms:
    (legacy,) = one(connection, _ANY_LEGACY)
    unchecked = [
        prefix
        for prefix in PREFIXES.values()
        if one(connection, _ANY_UNCHECKED, prefix, prefix + _BEHIND_ASCII)[0]
    ]
    return LegacyForms(any=bool(legacy), unchecked_prefixes=frozenset(unchecked))
