"""How full each portal's bucket is, as far as the workers of one host know.

A file in the state folder, mapped into the memory of each worker, of a fixed size: sets of eight places, a
portal belongs to one set. When all eight of a set are taken, the bucket that is empty soonest makes room.
What is stored is the second at which a bucket will be empty, by the clock that all processes of a host share
and that begins anew when the machine starts.
"""

from __future__ import annotations

import mmap
import struct
import threading
import time
from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from gateway.host_file import HostLock, map_file

_MAGIC = b"vibekeys bucket1"
_PLACE = struct.Struct("=16sd")  # portal, second at which its bucket is empty
_NAME_SIZE = 16
_WAYS = 8
_SETS = 256
_SIZE = len(_MAGIC) + _SETS * _WAYS * _PLACE.size


class Turn(NamedTuple):
    """Whether a place was taken, and the seconds until it is the caller's turn, or would be."""

    taken: bool
    wait: float


class HostBuckets:
    """The buckets of one host, opened in one process, after a fork. Threads may share it."""

    def __init__(self, folder: Path | None, *, longest: float) -> None:
        """Open the file in `folder`; None: nobody shares with this process.

        No bucket takes more than `longest` seconds to get empty. Raises OSError when the folder can't be
        written, or has no room.
        """
        self._longest = longest
        self._held = ExitStack()
        self._lock: HostLock | threading.Lock = threading.Lock()
        if folder is None:
            self._memory = mmap.mmap(-1, _SIZE)
        else:
            self._lock = HostLock(folder / "portals.lock")
            self._held.callback(self._lock.close)
            with self._lock:
                self._memory = map_file(folder / "portals", _SIZE, _MAGIC)
        self._held.callback(self._memory.close)
        self._seconds = memoryview(self._memory).cast("d")
        self._held.callback(self._seconds.release)

    def close(self) -> None:
        """Let go of the file."""
        self._held.close()

    def ahead(self, portal_id: str) -> float:
        """Return the seconds until the portal's bucket is empty."""
        with self._lock:
            return self._find(portal_id)[1]

    def note(self, portal_id: str, ahead: float, since: float) -> None:
        """Remember that `ahead` seconds from `since` on (monotonic) the bucket is empty, and no sooner."""
        with self._lock:
            at, known = self._find(portal_id)
            self._write(at, portal_id, max(since + ahead, time.monotonic() + known))

    def take(self, portal_id: str, one: float, room: float, patience: float, least: float) -> Turn:
        """Take a place in the portal's bucket, if the wait for it is not longer than `patience`.

        `one` and `room` are how long one call, and a full bucket, take to leak out; `least` is how long
        the bucket takes to get empty at least. All in seconds.
        """
        with self._lock:
            at, ahead = self._find(portal_id)
            ahead = max(ahead, least)
            wait = max(0.0, ahead + one - room)
            if wait <= patience:
                self._write(at, portal_id, time.monotonic() + ahead + one)
            return Turn(wait <= patience, wait)

    def _find(self, portal_id: str) -> tuple[int, float]:
        """Return where the portal's place is, or which it may take, and how long its bucket is not empty."""
        name, now = _name(portal_id), time.monotonic()
        first = len(_MAGIC) + int.from_bytes(name[:8], "little") % _SETS * _WAYS * _PLACE.size
        soonest, free = first, float("inf")
        for at in range(first, first + _WAYS * _PLACE.size, _PLACE.size):
            found, empty_at = _PLACE.unpack_from(self._memory, at)
            # What is more than the longest was written before the machine started anew.
            ahead = empty_at - now if now < empty_at <= now + self._longest else 0.0
            if found == name:
                return at, ahead
            if ahead < free:
                soonest, free = at, ahead
        return soonest, 0.0

    def _write(self, at: int, portal_id: str, empty_at: float) -> None:
        name, place = _name(portal_id), (at + _NAME_SIZE) // self._seconds.itemsize
        if self._memory[at : at + _NAME_SIZE] != name:
            self._seconds[place] = 0.0  # never a time under a name that it is not of
            self._memory[at : at + _NAME_SIZE] = name
        self._seconds[place] = empty_at


def _name(portal_id: str) -> bytes:
    return blake2b(portal_id.encode(), digest_size=_NAME_SIZE).digest()
