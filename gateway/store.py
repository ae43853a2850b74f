"""Everything that the gateway keeps in Redis.

======================================== =============================================================
``vk:{account}:k:<digest>``              a key's record
``vk:{account}:a``                       the account's record
``vk:{account}:c:<scope>:<owner>:<start>`` a counter, expiring by itself
``vk:i:<digest>``                        the account of a digest, which never changes
``vk:published``                         how many records were ever published
======================================== =============================================================

The braces are a hash tag: what one script call touches lies in one slot of a Redis Cluster. Redis
holds copies and counts only, never a raw key, and may lose everything at any time.

`StoreError` is the only exception that leaves here.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import redis

from gateway.limits import Limit
from gateway.records import AccountRecord, KeyRecord, Snapshot, Tombstone
from gateway.redis_link import Link, LinkError, Reply, Script, raise_first

PUBLISHED_KEY = "vk:published"

_FOLDER = Path(__file__).parent

# A window's counter outlives the window by this, for workers whose clock is late.
_LINGER = 60
# Long enough that no reader of the deleted key's record is still on its way.
_TOMBSTONE_SECONDS = 24 * 3600
# Publishing is not on a request's way through the gateway, but a caller waits for it.
_PUBLISH_SECONDS = 1.0


_Record = TypeVar("_Record", KeyRecord, AccountRecord)


class StoreError(Exception):
    """Redis is away, late, full, or answered nonsense."""


class Counted(NamedTuple):
    """The records are current. `counts` are those after this request; `refusing` is the place of the
    limit that it would have broken, and then nothing was counted."""

    counts: tuple[int, ...]
    refusing: int | None


class Changed(NamedTuple):
    """Redis has newer records, these. `key` is None when the key was deleted."""

    key: KeyRecord | None
    account: AccountRecord


class Absent(NamedTuple):
    """A record is to be read from the source and filled in.

    The tokens, empty for a record that Redis has in an older revision, give the right to do so.
    """

    key_token: str
    account_token: str

    @property
    def lost(self) -> bool:
        """Whether Redis knew a record not at all, as after it was emptied."""
        return bool(self.key_token or self.account_token)


class Store:
    """Records and counters in Redis, over one link."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._consume = Script(_FOLDER / "consume.lua")
        self._publish = Script(_FOLDER / "publish.lua")

    @property
    def has_one_past(self) -> bool:
        """Whether the number of publications speaks for every record that Redis holds."""
        return self._link.has_one_past

    def consume(
        self,
        snapshot: Snapshot,
        limits: Sequence[Limit],
        now: float,
        floors: Sequence[int],
        deadline: float,
        fill: Absent | None = None,
    ) -> Counted | Changed | Absent:
        """Confirm that `snapshot` is current and count one request against `limits`: one trip.

        `floors` are counts below which Redis may not begin. `deadline` (monotonic seconds) bounds
        the trip, and Redis will not run it later. `fill` is the earlier answer after which
        `snapshot` was read from the source.
        """
        key, account = snapshot.key, snapshot.account
        command: list[Any] = [
            _key_name(key.account_id, key.digest),
            _account_name(account.account_id),
            *(_counter_name(key.account_id, limit, now) for limit in limits),
        ]
        number_of_keys = len(command)
        command += (
            key.revision,
            account.revision,
            self._link.server_deadline_ms(deadline),
            secrets.token_hex(8),
        )
        command += (fill.key_token, key.dump(), fill.account_token, account.dump()) if fill else ("",) * 4
        for limit, floor in zip(limits, floors, strict=True):
            command += (limit.quota, floor, limit.window + _LINGER)
        return _outcome(self._run(self._consume, number_of_keys, command, deadline))

    def used(self, account_id: str, limits: Sequence[Limit], now: float, deadline: float) -> tuple[int, ...]:
        """Return how much of each limit is used in the window that holds `now`, counting nothing: one trip.

        `deadline` (monotonic seconds) bounds it.
        """
        if not limits:
            return ()
        names = [_counter_name(account_id, limit, now) for limit in limits]
        counts = self._call(("MGET", *names), deadline)
        return tuple(int(count or 0) for count in counts)

    def recall(self, digest: str, deadline: float) -> Snapshot | None:
        """Return the records that Redis holds of a digest, for when the source can't tell.

        None when Redis has none to be believed, which proves nothing.
        """
        account_id = self._call(("GET", _index_name(digest)), deadline)
        if account_id is None:
            return None
        names = _key_name(account_id.decode(), digest), _account_name(account_id.decode())
        key, account = self._call(("MGET", *names), deadline)
        known = _key(key)
        return Snapshot(known, _account(account)) if known is not None and _body(account) else None

    def publish(self, *records: KeyRecord | AccountRecord | Tombstone) -> int:
        """Store records, each unless Redis has a newer one; return the number of the last publication.

        Three trips for all of them, on one server.
        """
        deadline = time.monotonic() + _PUBLISH_SECONDS
        indexed = [command for record in records if (command := _indexing(record)) is not None]
        try:
            if indexed:
                raise_first(self._link.call_all(indexed, deadline))
            latest = self._link.server_deadline_ms(deadline)
            stored = [[*_publication(record), latest] for record in records]
            in_time = self._publish.run_all(self._link, 1, stored, deadline)
        except (LinkError, redis.RedisError) as error:
            raise StoreError(str(error)) from error
        if not all(in_time):
            raise StoreError("a publication came late")
        return int(self._call(("INCRBY", PUBLISHED_KEY, len(records)), deadline))

    def published(self, deadline: float | None = None) -> int:
        """Return how many publications Redis remembers. `deadline` is monotonic, in seconds."""
        deadline = deadline or time.monotonic() + _PUBLISH_SECONDS
        return int(self._call(("GET", PUBLISHED_KEY), deadline) or 0)

    def forget_records(self, published: int) -> int:
        """Drop every record, so that each is read anew from the source when it is needed next.

        Counters stay. `published` becomes the number of publications that Redis remembers. Returns
        the number of records dropped.
        """
        try:
            names = self._link.scan("vk:{*}:[ka]*")
        except (LinkError, redis.RedisError) as error:
            raise StoreError(str(error)) from error
        for name in names:
            self._call(("UNLINK", name), time.monotonic() + _PUBLISH_SECONDS)
        self._call(("SET", PUBLISHED_KEY, published), time.monotonic() + _PUBLISH_SECONDS)
        return len(names)

    def server_setting(self, name: str) -> str | None:
        """Return a setting of the server; None where it may not be asked (managed Redis)."""
        try:
            reply = self._link.call(("CONFIG", "GET", name), time.monotonic() + _PUBLISH_SECONDS)
        except redis.ResponseError:
            return None
        except LinkError as error:
            raise StoreError(str(error)) from error
        pairs = reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2], strict=True))
        return next((_text(value) for key, value in pairs.items() if _text(key) == name), None)

    def close(self) -> None:
        """Close the connections. The next trip opens a new one."""
        self._link.close()

    def _run(self, script: Script, number_of_keys: int, arguments: list[Any], deadline: float) -> Reply:
        try:
            return script.run(self._link, number_of_keys, arguments, deadline)
        except (LinkError, redis.RedisError) as error:
            raise StoreError(str(error)) from error

    def _call(self, command: tuple[Any, ...], deadline: float) -> Reply:
        try:
            return self._link.call(command, deadline)
        except (LinkError, redis.RedisError) as error:
            raise StoreError(str(error)) from error


def _outcome(reply: Reply) -> Counted | Changed | Absent:
    match reply:
        case [b"counted", refusing, *counts]:
            return Counted(tuple(map(int, counts)), int(refusing) - 1 if refusing else None)
        case [b"changed", key, account]:
            return Changed(_key(key), _account(account))
        case [b"absent", key_token, account_token]:
            return Absent(key_token.decode(), account_token.decode())
    raise StoreError(f"the script answered {reply!r}")


def _key(record: bytes | None) -> KeyRecord | None:
    """Return a stored key's record; None for a deleted key, or where there is none to believe."""
    body = _body(record)
    return _readable(KeyRecord.load, body) if body else None


def _account(record: bytes | None) -> AccountRecord:
    return _readable(AccountRecord.load, _body(record) or b"")


def _readable(load: Callable[[bytes], _Record], body: bytes) -> _Record:
    try:
        return load(body)
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(f"a record is not readable: {error!r}") from error


def _body(record: bytes | None) -> bytes | None:
    """Return a stored record's JSON: empty for a deleted key, None where there is none to believe."""
    if record is None or record.startswith(b"?"):
        return None
    return record.partition(b":")[2]


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _indexing(record: KeyRecord | AccountRecord | Tombstone) -> tuple[Any, ...] | None:
    """Return the command by which a digest's account is known, or no more."""
    match record:
        case KeyRecord():
            return "SET", _index_name(record.digest), record.account_id
        case Tombstone():
            return "DEL", _index_name(record.digest)
    return None


def _publication(record: KeyRecord | AccountRecord | Tombstone) -> tuple[Any, ...]:
    """Return what the script that publishes takes: name, revision, body, and seconds to keep it."""
    match record:
        case KeyRecord():
            return _key_name(record.account_id, record.digest), record.revision, record.dump(), 0
        case AccountRecord():
            return _account_name(record.account_id), record.revision, record.dump(), 0
        case Tombstone():
            return _key_name(record.account_id, record.digest), record.revision, "", _TOMBSTONE_SECONDS


def _key_name(account_id: str, digest: str) -> str:
    return f"vk:{{{account_id}}}:k:{digest}"


def _account_name(account_id: str) -> str:
    return f"vk:{{{account_id}}}:a"


def _counter_name(account_id: str, limit: Limit, now: float) -> str:
    return f"vk:{{{account_id}}}:c:{limit.scope}:{limit.owner}:{limit.window_start(now)}"


def _index_name(digest: str) -> str:
    return f"vk:i:{digest}"
