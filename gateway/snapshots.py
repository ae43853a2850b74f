"""The parsed records of one worker, kept to save work and never trusted: Redis confirms each use."""

from __future__ import annotations

from threading import Lock
from typing import TypeVar

from gateway.records import AccountRecord, KeyRecord, Snapshot

# Some 2 kB a key with its parsed whitelist.
_MOST = 20_000


_Record = TypeVar("_Record", KeyRecord, AccountRecord)


class SnapshotCache:
    """Keys by digest and accounts by id; the longest known go first when there are too many.

    Only records of existing keys come in, so wrong keys never fill it.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._keys: dict[str, KeyRecord] = {}
        self._accounts: dict[str, AccountRecord] = {}
        self._lock = Lock()

    def get(self, digest: str) -> Snapshot | None:
        """Return both records of a key, if both are known."""
        key = self._keys.get(digest)
        account = self._accounts.get(key.account_id) if key is not None else None
        return Snapshot(key, account) if key is not None and account is not None else None

    def put(self, snapshot: Snapshot) -> None:
        """Remember both records, unless a newer one is known."""
        key, account = snapshot
        if self._keys.get(key.digest) is key and self._accounts.get(account.account_id) is account:
            return
        with self._lock:
            _put(self._keys, key.digest, key, self._most)
            _put(self._accounts, account.account_id, account, self._most)

    def drop(self, digest: str) -> None:
        """Forget a key."""
        with self._lock:
            self._keys.pop(digest, None)


def _put(known: dict[str, _Record], name: str, record: _Record, most: int) -> None:
    older = known.get(name)
    if older is None or older.revision < record.revision:
        known[name] = record
    while len(known) > most:
        del known[next(iter(known))]
