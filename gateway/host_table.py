"""What the workers of one host share: counts, the mode, and addresses that fail.

Two files in the state folder, mapped into the memory of each worker and changed only under one
file lock, so that counting is exact across processes and costs a few microseconds::

    host          header: mode, epoch, generation, forms …; then the table of failing addresses
    counters.N    an open-addressing hash table of counters; N is its generation

**Counters** hold, for each window, the highest count that this host has seen. They are the *floor*
told to Redis, which must never count from less, and they go on counting when Redis is away.

**Mode and epoch**: `believed` says whether Redis decides. The epoch is raised whenever an answer of
Redis that is still under way must not be believed any more: when Redis goes away, when it comes
back, when it is found to have lost something. An answer asked for in one epoch and settled in
another counts for nothing, and the request is decided again. So a count that Redis gave and then
forgot is never given twice.

A process that is killed in between leaves at worst one count too many: every state on the way is
valid, and the lock falls with its holder. So what may be read meanwhile or afterwards is changed as
one word, by a view of words: what `struct` packs is zero for a moment, and may stay so. A file that
is torn or of another version is begun anew.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from contextlib import suppress
from errno import ENOSPC
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from gateway.address_failures import FAILURES_SIZE, AddressFailures
from gateway.host_file import HostLock, map_file, map_to_look
from gateway.limits import HOUR, SECOND, Limit

_MAGIC = b"vibekeys host 02"
# The words behind the magic: believed, epoch, generation of the counters' file, hash of the Redis server's
# run id (two words), unix time of the last forwarded header from an untrusted loopback peer, version of the
# forms of keys.
_BELIEVED, _EPOCH, _GENERATION, _SERVER, _FORWARDED, _FORMS = 2, 3, 4, 5, 7, 8
_WORD = 8
_SERVER_AT, _FAILURES_AT = _SERVER * _WORD, 9 * _WORD

_COUNTERS_MAGIC = b"vibekeys count02"
_COUNTERS_HEADER = struct.Struct("=16sQ")  # magic, slots taken
_TAKEN = 2
_SLOT = struct.Struct("=16sQQ")  # name, unix second from which the slot may be reused, count
_REUSE_FROM, _COUNT = 2, 3
_FIRST_CAPACITY = 4096
_FULL = 0.6
_GROWS_EVERY = 16  # slots from one attempt to the next

# A window is kept this long after its end, for workers whose clock or answer is late. Those of a second
# are many, and soon nobody asks for them any more.
_LINGER = {SECOND: 5, HOUR: 60}


class Standing(NamedTuple):
    """What a request finds before it asks Redis."""

    believed: bool
    epoch: int
    floors: tuple[int, ...]


class HostTable:
    """The table of one host, opened in one process. Open it after a fork: a lock that is inherited
    excludes nobody. Threads may share it."""

    def __init__(self, folder: Path) -> None:
        """Open the table in `folder`, making its files when they are absent or not valid.

        Raises OSError when the folder cannot be written, or has no room for them.
        """
        self._folder = folder
        self._lock = HostLock(folder / "host.lock")
        with self._lock:
            self._host = map_file(folder / "host", _FAILURES_AT + FAILURES_SIZE, _MAGIC)
            self._host_words = memoryview(self._host).cast("Q")
            self.failures = AddressFailures(memoryview(self._host)[_FAILURES_AT:])
            self._open_counters()

    def close(self) -> None:
        """Let go of the files. Counts stay on disk."""
        self.failures.release()
        self._host_words.release()
        self._host.close()
        self._counter_words.release()
        self._counters.close()
        self._lock.close()

    # --- what a request asks -------------------------------------------------------------------

    def standing(self, limits: Sequence[Limit], now: float) -> Standing:
        """Return whether Redis is believed, in which epoch, and this host's counts for `limits`."""
        names = _names(limits, now)
        with self._lock:
            self._follow()
            floors = tuple([self._count(name) for name in names])
            return Standing(self._read(_BELIEVED) == 1, self._read(_EPOCH), floors)

    def settle(self, epoch: int, limits: Sequence[Limit], counts: Sequence[int], asked_at: float) -> bool:
        """Note the counts that Redis answered; return whether the answer still stands.

        `asked_at` is the time by which the windows were chosen. False when the epoch has changed
        since: nothing is noted then. Raises OSError when the table is full and cannot grow.
        """
        names = _names(limits, asked_at)
        with self._lock:
            if self._read(_EPOCH) != epoch:
                return False
            self._follow()
            for name, limit, count in zip(names, limits, counts, strict=True):
                self._raise_to(name, count, limit, asked_at)
            return True

    def count(
        self, limits: Sequence[Limit], now: float, *, enforce: bool
    ) -> tuple[tuple[int, ...], int | None]:
        """Count one request here, against all limits or none.

        Returns the counts after it and the place of the limit that refuses it, if any. Without
        `enforce` nothing refuses. While Redis is believed (it came back a moment ago) this begins a
        new epoch: answers under way were asked for with floors that lack this request.
        """
        names = _names(limits, now)
        with self._lock:
            self._follow()
            counts = [self._count(name) for name in names]
            if enforce:
                for place, limit in enumerate(limits):
                    if counts[place] + 1 > limit.quota:
                        return tuple(counts), place
            for name, limit, count in zip(names, limits, counts, strict=True):
                self._raise_to(name, count + 1, limit, now)
            if self._read(_BELIEVED) == 1:
                self._write(_EPOCH, self._read(_EPOCH) + 1)
            return tuple(count + 1 for count in counts), None

    # --- mode and epoch --------------------------------------------------------------------------

    def is_believed(self) -> bool:
        """Tell whether Redis decides for this host."""
        with self._lock:
            return self._read(_BELIEVED) == 1

    def epoch(self) -> int:
        """Return the current epoch."""
        with self._lock:
            return self._read(_EPOCH)

    def disbelieve(self) -> bool:
        """Judge without Redis from now on, in a new epoch; return whether that is news."""
        with self._lock:
            news = self._read(_BELIEVED) == 1
            self._write(_BELIEVED, 0)
            self._write(_EPOCH, self._read(_EPOCH) + 1)
            return news

    def believe(self, epoch: int) -> bool:
        """Let Redis decide again, unless the epoch is not `epoch` any more; return whether it does."""
        with self._lock:
            if self._read(_EPOCH) != epoch:
                return False
            self._write(_BELIEVED, 1)
            self._write(_EPOCH, epoch + 1)
            return True

    def knows_server(self, run_id: str) -> bool:
        """Tell whether the Redis server with this run id is the one that this host met last."""
        with self._lock:
            return self._host[_SERVER_AT : _SERVER_AT + 16] == _mark(run_id)

    def meet_server(self, run_id: str) -> None:
        """Remember the Redis server, in a new epoch if it is not the one that this host knew: it
        restarted, or another took over, and counts that it gave may be lost."""
        with self._lock:
            if self._host[_SERVER_AT : _SERVER_AT + 16] != _mark(run_id):
                self._host[_SERVER_AT : _SERVER_AT + 16] = _mark(run_id)
                self._write(_EPOCH, self._read(_EPOCH) + 1)

    # --- forms of keys -----------------------------------------------------------------------------

    def forms_version(self) -> int:
        """Return a number that is another one whenever keys of another form may have come up."""
        return self._read(_FORMS)  # one word, which is read whole also without the lock

    def note_new_forms(self) -> None:
        """Have every worker of this host ask which forms of older keys have to be looked up."""
        with self._lock:
            self._write(_FORMS, self._read(_FORMS) + 1)

    # --- what the operator should know -----------------------------------------------------------

    def note_forwarded_from_untrusted(self, now: float) -> bool:
        """Remember that a loopback peer outside the trusted proxies sent forwarded headers; return
        whether that was unknown until now."""
        with self._lock:
            news = self._read(_FORWARDED) == 0
            self._write(_FORWARDED, int(now))
            return news

    def forget_forwarded(self) -> None:
        """Forget it: the settings are read anew at each start."""
        with self._lock:
            self._write(_FORWARDED, 0)

    # --- failing addresses -------------------------------------------------------------------------

    def count_failure(self, network: bytes, now: float) -> int:
        """Count a failed credential of `network` in the current minute; return its failures so far."""
        with self._lock:
            return self.failures.count(network, now)

    # --- inside ------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Turn to the counters' newest file, if another process has made one."""
        if self._read(_GENERATION) != self._generation:
            self._open_counters()

    def _read(self, place: int) -> int:
        value: int = self._host_words[place]
        return value

    def _write(self, place: int, value: int) -> None:
        self._host_words[place] = value

    def _open_counters(self) -> None:
        generation = self._read(_GENERATION)
        self._map_counters(self._folder / f"counters.{generation}", _FIRST_CAPACITY)
        self._generation = generation  # only now: if it cannot be mapped, the next one who asks tries again

    def _map_counters(self, path: Path, capacity: int) -> None:
        self._counters = map_file(path, _counters_size(capacity), _COUNTERS_MAGIC)
        self._counter_words = memoryview(self._counters).cast("Q")
        self._capacity = (len(self._counters) - _COUNTERS_HEADER.size) // _SLOT.size

    def _find(self, name: bytes, now: float | None = None) -> tuple[int, int | None]:
        """Return where the slot of `name` is and its count, or else where it goes and None.

        Slots never become free again, so a chain of them is never cut; one whose window is long
        over (`now` given) is taken by the next that passes. Without any room the place is -1.
        """
        counters, capacity = self._counters, self._capacity
        place = int.from_bytes(name[:8], "little") % capacity
        reusable = -1
        for _ in range(capacity):
            at = _COUNTERS_HEADER.size + place * _SLOT.size
            found, reuse_from, count = _SLOT.unpack_from(counters, at)
            if found == name:
                return at, count
            if reuse_from == 0:
                return (at if reusable < 0 else reusable), None
            if reusable < 0 and now is not None and reuse_from <= now:
                reusable = at
            place = (place + 1) % capacity
        return reusable, None

    def _count(self, name: bytes) -> int:
        return self._find(name)[1] or 0

    def _raise_to(self, name: bytes, count: int, limit: Limit, now: float) -> None:
        at, known = self._find(name, now)
        if known is not None:
            if count > known:
                self._counter_words[at // _WORD + _COUNT] = count
            return
        if at < 0:
            raise OSError(ENOSPC, "the host table is full and cannot grow", str(self._folder))
        words, slot = self._counter_words, at // _WORD
        is_free = words[slot + _REUSE_FROM] == 0
        # Never free again once it was taken, and never a count under a name that it is not of.
        words[slot + _COUNT] = 0
        words[slot + _REUSE_FROM] = limit.window_start(now) + limit.window + _LINGER[limit.window]
        self._counters[at : at + len(name)] = name
        words[slot + _COUNT] = count
        if is_free:
            self._slot_taken(now)

    def _slot_taken(self, now: float) -> None:
        taken = self._counter_words[_TAKEN] + 1
        self._counter_words[_TAKEN] = taken
        if taken > self._capacity * _FULL and taken % _GROWS_EVERY == 0:
            # Without room on the disk it goes on in the file that it has, until that is full too.
            with suppress(OSError):
                self._grow(now)

    def _grow(self, now: float) -> None:
        """Move the counters that still matter to a new file, twice as large if they need it."""
        slots = _SLOT.iter_unpack(memoryview(self._counters)[_COUNTERS_HEADER.size :])
        live = [slot for slot in slots if slot[1] > now]
        capacity = self._capacity * 2 if len(live) > self._capacity * _FULL / 2 else self._capacity
        old, generation = self._generation, self._generation + 1
        path = self._folder / f"counters.{generation}"
        path.unlink(missing_ok=True)
        self._map_counters(path, capacity)
        self._generation = generation
        for slot in live:
            at, _ = self._find(slot[0])
            _SLOT.pack_into(self._counters, at, *slot)
        self._counter_words[_TAKEN] = len(live)
        self._write(_GENERATION, generation)
        (self._folder / f"counters.{old}").unlink(missing_ok=True)


def forwarded_from_untrusted_at(folder: Path) -> int | None:
    """Return the unix second when forwarded headers of an untrusted proxy were last seen, if they were.

    Nothing is made or changed. Raises OSError when there is a table that cannot be read.
    """
    try:
        host = map_to_look(folder / "host", _FAILURES_AT + FAILURES_SIZE, _MAGIC)
    except FileNotFoundError:
        return None
    with host, memoryview(host).cast("Q") as words:
        return words[_FORWARDED] or None


def _names(limits: Sequence[Limit], now: float) -> list[bytes]:
    return [_name(limit.owner, limit.scope, limit.window_start(now)) for limit in limits]


@lru_cache(maxsize=4096)  # each request needs its names twice, the next one mostly the same
def _name(owner: str, scope: str, window_start: int) -> bytes:
    return blake2b(f"{owner}:{scope}:{window_start}".encode(), digest_size=16).digest()


def _mark(run_id: str) -> bytes:
    return blake2b(run_id.encode(), digest_size=16).digest()


def _counters_size(capacity: int) -> int:
    return _COUNTERS_HEADER.size + capacity * _SLOT.size
