"""How often each key was used: exact counts by the hour, shared by the workers of one host.

Two files in the state folder, mapped into the memory of each process and changed only under a file
lock of their own::

    usage      header: generation of the other file, what could not be counted, when counts were stored last
    usage.N    an open-addressing hash table of slots; N is its generation

A slot counts one key in one hour of the clock, with time and address of the last use, and has an id
drawn at random when it is taken. Whoever stores the counts for good (a service's background work; the
gateway knows of no database) reads them as absolute numbers and stores the highest of each id: storing
twice changes nothing, and a process may be killed between any two steps. A slot is given up once its
last number was stored and its hour is over. What is counted for that hour after all, by a request that
was held up or a clock that was set back, gets a slot with an id of its own, and so is added.

Until somebody stores, the table grows. Where the disk has no room for that, requests are let through
all the same and the table notes how many it did not count: bookkeeping does not stop a service.

A process that is killed while it counts leaves either the old number with the old last use, or the new
one with the new: the count itself says which of two places holds the last use, and it is changed as one
word, by a view of words, as all is that must never be seen half written. (What `struct` packs is zero
for a moment, and may stay so.) A file that is torn or of another version is begun anew.
"""

from __future__ import annotations

import logging
import secrets
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from errno import ENOENT
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from gateway.host_file import HostLock, map_file, map_to_look
from gateway.limits import HOUR

_log = logging.getLogger(__name__)

_MAGIC = b"vibekeys usage01"
# The words behind the magic. The two times are unix milliseconds, 0 for never.
_GENERATION, _UNCOUNTED, _UNCOUNTED_AT, _STORED_AT = 2, 3, 4, 5
_HEADER_SIZE = 64

_SLOTS_MAGIC = b"vibekeys slots01"
_TAKEN = 16  # how many slots were ever taken
_SLOTS_AT = 32
_TEXT = 40
# id, hour (unix second at which it began), key, lineage, count as stored, count, and twice the last use:
# time in unix milliseconds, address. Of the two that of an even or of an odd count is meant.
_SLOT = struct.Struct(f"=QQ{_TEXT}s{_TEXT}sQQQ{_TEXT}sQ{_TEXT}s")
_NAME = struct.Struct(f"=QQ{_TEXT}s")
_LINEAGE, _STORED, _COUNT, _LAST_USES = 56, 96, 104, 112
_LAST_USE = struct.Struct(f"=Q{_TEXT}s")
_WORD = 8
# In the place of an id: a slot that was never taken, where a search ends, and one that was given up.
_FREE, _GIVEN_UP = 0, 1

_FIRST_CAPACITY = 1024
_FULL = 0.6
_GROWS_EVERY = 16  # slots from one attempt to the next
_COPIED_AT_ONCE = 4096 * _SLOT.size
# A slot is kept this long after its hour, so that requests that were held up need no other one as a rule.
_LINGER = 60


class Use(NamedTuple):
    """What one slot says: `requests` with a key in the hour that began at `hour` (unix seconds).

    `last_at` is the time of the last one in unix milliseconds, `address` where it came from.
    """

    slot: int
    key_id: str
    lineage_id: str
    hour: int
    requests: int
    last_at: int
    address: str


class UsageTable:
    """The table of one host, opened in one process after the fork. Threads may share it."""

    def __init__(self, folder: Path, *, to_look: bool = False) -> None:
        """Open the table in `folder`, making its files when they are absent or not valid.

        `to_look`: only for what changes nothing; FileNotFoundError if there is none. Raises OSError when the
        folder cannot be written, or has no room for them.
        """
        self._folder = folder
        self._map = map_to_look if to_look else map_file
        self._uncounted_told = False
        self._peak: tuple[int, int] | None = None
        if to_look and not (folder / "usage.lock").exists():
            raise FileNotFoundError(ENOENT, "there is no usage table", str(folder))
        self._lock = HostLock(folder / "usage.lock")
        with self._lock:
            self._header = memoryview(self._map(folder / "usage", _HEADER_SIZE, _MAGIC)).cast("Q")
            self._open_slots()

    def close(self) -> None:
        """Let go of the files. Counts stay on disk."""
        self._header.release()
        self._words.release()
        self._slots.close()
        self._lock.close()

    # --- what a request does ---------------------------------------------------------------------

    def count(self, key_id: str, lineage_id: str, address: str, now: float) -> None:
        """Count one request with a key. Raises ValueError for ids of more than 40 bytes."""
        key, hour = _padded(key_id), int(now // HOUR) * HOUR
        with self._lock:
            try:
                self._follow()
            except OSError as error:
                # Another process has grown the table, and this one cannot open what it made.
                self._note_uncounted(now, str(error))
                return
            at, is_there = self._find(key, hour)
            if at < 0 and self._header[_UNCOUNTED] % _GROWS_EVERY == 0:
                self._grow()
                at, _ = self._find(key, hour)
            if at < 0:
                self._note_uncounted(now, "it is full and cannot grow")
                return
            if not is_there:
                at = self._take(at, key, _padded(lineage_id), hour)
            count = self._read(at + _COUNT) + 1
            last_use = at + _LAST_USES + (count & 1) * _LAST_USE.size
            _LAST_USE.pack_into(self._slots, last_use, int(now * 1000), address.encode()[:_TEXT])
            self._write(at + _COUNT, count)

    # --- what stores the counts does -------------------------------------------------------------

    def unstored(self, now: float) -> list[Use]:
        """Return what was counted since it was stored last, and all of the hours that are over.

        Called by who stores, it also gives back the room of a table that was much larger than it needed to be
        for a whole hour. Raises OSError when the table's newest file cannot be opened.
        """
        found: list[Use] = []
        live = 0
        for slots in self._copies():
            for slot in _SLOT.iter_unpack(slots):
                if slot[0] > _GIVEN_UP:
                    live += 1
                    if slot[4] != slot[5] or _is_over(slot[1], now):
                        found.append(_use(slot))
        self._shrink_after_an_hour(live, now)
        return found

    def note_stored(self, uses: Sequence[Use], now: float) -> None:
        """Take note that these counts are stored for good, and give up the slots whose hour is over.

        Others wait meanwhile: not for thousands of slots at once.
        """
        with self._lock:
            self._follow()
            for use in uses:
                at, is_there = self._find(_padded(use.key_id), use.hour)
                if is_there and self._read(at) == use.slot:
                    self._write(at + _STORED, use.requests)
                    if self._read(at + _COUNT) == use.requests and _is_over(use.hour, now):
                        self._write(at, _GIVEN_UP)

    def note_all_stored(self, now: float) -> None:
        """Take note that all that was counted until then is stored for good."""
        self._header[_STORED_AT] = int(now * 1000)

    # --- what the operator should know -----------------------------------------------------------

    def stored_at(self) -> int | None:
        """Return until when all counts are stored, in unix milliseconds; None before the first time."""
        return self._header[_STORED_AT] or None

    def uncounted(self) -> tuple[int, int] | None:
        """Return how many requests were not counted, for want of room, and when the last one was, in unix
        milliseconds; None if there are none."""
        count = self._header[_UNCOUNTED]
        return (count, self._header[_UNCOUNTED_AT]) if count else None

    # --- inside ----------------------------------------------------------------------------------

    def _read(self, at: int) -> int:
        word: int = self._words[at // _WORD]
        return word

    def _write(self, at: int, word: int) -> None:
        self._words[at // _WORD] = word

    def _follow(self) -> None:
        """Turn to the newest file of slots, if another process has made one."""
        if self._header[_GENERATION] != self._generation:
            self._open_slots()

    def _copies(self) -> Iterator[bytes]:
        """Yield a copy of all slots, part by part: requests get in between.

        What a slot says is an absolute number, so it does not matter that the parts are of different moments.
        """
        with self._lock:
            self._follow()
            slots = self._slots
        for start in range(_SLOTS_AT, len(slots), _COPIED_AT_ONCE):
            # A file that the table has left meanwhile stays as it was, and has all but what came since.
            with self._lock:
                copy = slots[start : start + _COPIED_AT_ONCE]
            yield copy

    def _open_slots(self) -> None:
        generation = self._header[_GENERATION]
        self._map_slots(generation, _FIRST_CAPACITY)
        self._generation = generation  # only now: if it cannot be mapped, the next one who asks tries again

    def _map_slots(self, generation: int, capacity: int) -> None:
        path = self._folder / f"usage.{generation}"
        self._slots = self._map(path, _SLOTS_AT + capacity * _SLOT.size, _SLOTS_MAGIC)
        self._words = memoryview(self._slots).cast("Q")
        self._capacity = (len(self._slots) - _SLOTS_AT) // _SLOT.size

    def _find(self, key: bytes, hour: int) -> tuple[int, bool]:
        """Return where the slot is and True, or where it goes and False. Without any room the place is -1.

        A slot that was taken once never becomes free, so a chain of them is never cut.
        """
        slots, capacity = self._slots, self._capacity
        place = crc32(key, hour & 0xFFFFFFFF) % capacity
        goes = -1
        for _ in range(capacity):
            at = _SLOTS_AT + place * _SLOT.size
            slot_id, of_hour, of_key = _NAME.unpack_from(slots, at)
            if of_key == key and of_hour == hour and slot_id > _GIVEN_UP:
                return at, True
            if goes < 0 and slot_id <= _GIVEN_UP:
                goes = at
            if slot_id == _FREE:
                break
            place = (place + 1) % capacity
        return goes, False

    def _take(self, at: int, key: bytes, lineage: bytes, hour: int) -> int:
        """Take a slot with a count of 0; return where it is, which is elsewhere if the table has grown."""
        was_free = self._read(at) == _FREE
        never = 0, b"", 0, b""
        slot = _SLOT.pack(0, hour, key, lineage, 0, 0, *never)
        # Still free, or given up, until it has an id.
        self._slots[at + _WORD : at + _SLOT.size] = slot[_WORD:]
        self._write(at, secrets.randbits(62) + _GIVEN_UP + 1)
        if not was_free:
            return at
        taken = self._read(_TAKEN) + 1
        self._write(_TAKEN, taken)
        if taken > self._capacity * _FULL and taken % _GROWS_EVERY == 0:
            self._grow()
        return self._find(key, hour)[0]

    def _grow(self) -> None:
        """Move the slots that are in use to a new file, twice as large if they need it.

        Without room on the disk it goes on in the file that it has, until that is full too.
        """
        with suppress(OSError):
            live = self._live()
            crowded = len(live) > self._capacity * _FULL / 2
            self._move_to_new_file(live, self._capacity * 2 if crowded else self._capacity)

    def _shrink_after_an_hour(self, live: int, now: float) -> None:
        """Move to a smaller file if at no look of the hour that is over an eighth of this one was in use.

        A look alone tells nothing: at the top of each hour nearly all slots are given up, and taken again.
        """
        hour = int(now // HOUR)
        last, self._peak = self._peak, (hour, live)
        if last is None:
            return
        if last[0] == hour:
            self._peak = (hour, max(live, last[1]))
        elif last[1] < self._capacity / 8 and self._capacity > _FIRST_CAPACITY:
            with self._lock, suppress(OSError):
                self._follow()
                slots, capacity = self._live(), _capacity_for(last[1])
                if len(slots) <= capacity * _FULL / 2:
                    self._move_to_new_file(slots, capacity)

    def _live(self) -> list[int]:
        """Return where the slots are that are in use."""
        ids = self._words[_SLOTS_AT // _WORD :: _SLOT.size // _WORD].tolist()
        return [_SLOTS_AT + place * _SLOT.size for place, slot_id in enumerate(ids) if slot_id > _GIVEN_UP]

    def _move_to_new_file(self, live: Sequence[int], capacity: int) -> None:
        """Move these slots to a new file, of so many places. Others wait: a microsecond a slot."""
        old, old_slots, size = self._generation, self._slots, _SLOT.size
        (self._folder / f"usage.{old + 1}").unlink(missing_ok=True)
        self._map_slots(old + 1, capacity)
        new_slots, taken = self._slots, bytearray(capacity)
        for found in live:
            _, hour, key = _NAME.unpack_from(old_slots, found)
            place = crc32(key, hour & 0xFFFFFFFF) % capacity
            while taken[place]:
                place = (place + 1) % capacity
            taken[place] = 1
            at = _SLOTS_AT + place * size
            new_slots[at : at + size] = old_slots[found : found + size]
        self._write(_TAKEN, len(live))
        self._header[_GENERATION] = old + 1
        self._generation = old + 1
        (self._folder / f"usage.{old}").unlink(missing_ok=True)

    def _note_uncounted(self, now: float, why: str) -> None:
        self._header[_UNCOUNTED_AT] = int(now * 1000)
        self._header[_UNCOUNTED] += 1
        if not self._uncounted_told:
            _log.error("uses are not counted: the usage table in %s: %s", self._folder, why)
        self._uncounted_told = True


def _padded(text: str) -> bytes:
    padded = text.encode().ljust(_TEXT, b"\0")
    if len(padded) > _TEXT:
        raise ValueError(f"{text!r} is longer than {_TEXT} bytes")
    return padded


def _capacity_for(slots: int) -> int:
    """Return how many places a table has, of those that it can have, in which so many slots are a fourth."""
    capacity = _FIRST_CAPACITY
    while capacity < slots * 4:
        capacity *= 2
    return capacity


def _is_over(hour: int, now: float) -> bool:
    return hour + HOUR + _LINGER <= now


def _use(slot: tuple[int, int, bytes, bytes, int, int, int, bytes, int, bytes]) -> Use:
    slot_id, hour, key, lineage, _, count, *last_uses = slot
    last_at, address = last_uses[2 * (count & 1) : 2 * (count & 1) + 2]
    return Use(slot_id, _text(key), _text(lineage), hour, count, last_at, _text(address))  # type: ignore[arg-type]


def _text(padded: bytes) -> str:
    return padded.rstrip(b"\0").decode(errors="replace")
