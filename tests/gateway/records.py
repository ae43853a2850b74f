"""Records and a source for the gateway's tests: the least that a management service must be."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

from gateway.keys import digest, display_parts, mint
from gateway.records import AccountRecord, KeyRecord, Snapshot, Tombstone
from gateway.source import LegacyForms, Publications, SourceError
from gateway.store import Store

_numbers = itertools.count(1)


def new_key(raw_key: str | None = None, **fields: Any) -> tuple[str, KeyRecord]:
    """Return a raw key and its record, of a new lineage unless told otherwise."""
    raw_key = raw_key or mint("personal")
    number = next(_numbers)
    prefix, suffix = display_parts(raw_key)
    defaults: dict[str, Any] = {
        "key_id": f"key-{number}",
        "lineage_id": f"lineage-{number}",
        "account_id": "account-1",
        "revision": 1,
        "type": "personal",
        "name": "a key",
    }
    return raw_key, KeyRecord(digest=digest(raw_key), prefix=prefix, suffix=suffix, **(defaults | fields))


class MemorySource:
    """A source in memory, which publishes like the real one when it is given a store."""

    def __init__(self) -> None:
        self.keys: dict[str, KeyRecord] = {}
        self.accounts: dict[str, AccountRecord] = {}
        self.forms = LegacyForms()
        self.away = False
        self.store: Store | None = None
        self.lookups = 0
        self._published = 0
        self._pending: list[KeyRecord | AccountRecord | Tombstone] = []
        self._revisions = itertools.count(10)

    def add(self, key: KeyRecord, account: AccountRecord | None = None) -> None:
        """Put a key and its account in place without publishing."""
        self.keys[key.digest] = key
        self.accounts[key.account_id] = account or AccountRecord(key.account_id, 1)

    def change_key(self, key_digest: str, **fields: Any) -> None:
        self._commit(dataclasses.replace(self.keys[key_digest], revision=next(self._revisions), **fields))

    def change_account(self, account_id: str, **fields: Any) -> None:
        self._commit(dataclasses.replace(self.accounts[account_id], revision=next(self._revisions), **fields))

    def delete_key(self, key_digest: str) -> None:
        key = self.keys.pop(key_digest)
        self._publish(Tombstone(key_digest, key.account_id, next(self._revisions)))

    def note_published(self, number: int) -> None:
        """Record that so many publications were made."""
        self._published = number

    def lookup(self, key_digest: str) -> Snapshot | None:
        self.lookups += 1
        self._must_answer()
        key = self.keys.get(key_digest)
        return None if key is None else Snapshot(key, self.accounts[key.account_id])

    def publications(self) -> Publications:
        self._must_answer()
        return Publications(self._published, len(self._pending))

    def publish_pending(self) -> None:
        self._must_answer()
        while self._pending:
            assert self.store is not None
            self._published = max(self._published, self.store.publish(self._pending[0]))
            self._pending.pop(0)

    def legacy_forms(self) -> LegacyForms:
        self._must_answer()
        return self.forms

    def _commit(self, record: KeyRecord | AccountRecord) -> None:
        if isinstance(record, KeyRecord):
            self.keys[record.digest] = record
        else:
            self.accounts[record.account_id] = record
        self._publish(record)

    def _publish(self, record: KeyRecord | AccountRecord | Tombstone) -> None:
        self._pending.append(record)
        if self.store is not None:
            self.publish_pending()

    def _must_answer(self) -> None:
        if self.away:
            raise SourceError("the source is away")
