"""The database as the gateway's source: what it says of a key is what counts."""

from __future__ import annotations

from peewee import Database

from app.publisher import Publisher
from app.records import one, read_snapshot, reading
from gateway.keys import PREFIXES
from gateway.records import Snapshot
from gateway.source import LegacyForms, Publications

_PUBLICATIONS = "SELECT published, (SELECT count(*) FROM unpublished) FROM heads WHERE id = 1"
_LEGACY_FORMS = 'SELECT DISTINCT key_prefix, unchecked_prefix FROM "key" WHERE is_legacy'


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
        rows = reading(self._db, lambda connection: list(connection.execute(_LEGACY_FORMS)))
        unchecked = [key_prefix for key_prefix, unchecked_prefix in rows if unchecked_prefix]
        return LegacyForms(
            any=bool(rows),
            unchecked_prefixes=frozenset(
                prefix for prefix in PREFIXES.values() if any(shown.startswith(prefix) for shown in unchecked)
            ),
        )
