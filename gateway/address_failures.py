"""Failed credentials by network and minute, in a table of fixed size.

Who guesses keys can do so from any number of addresses, so the table must not grow with them. It
has sets of eight places; a network belongs to one set, chosen by its hash under no secret, and
when all eight are taken in the same minute the one with the fewest failures makes room. A guesser
can thereby push out others who failed less, never hide behind them.

The caller holds the host's lock. One that is killed in between leaves an old count or the new one.
"""

from __future__ import annotations

import ipaddress
import struct
from hashlib import blake2b

from gateway.address import parse_address

MINUTE = 60

_PLACE = struct.Struct("=16sQQ")  # network, minute, failures
_MINUTE, _FAILURES = 2, 3  # the words behind the network
_WAYS = 8
_SETS = 1024
FAILURES_SIZE = _PLACE.size * _WAYS * _SETS


def network_of(address: str) -> bytes:
    """Return what failures of `address` are counted under: itself, or its /64 for IPv6.

    One subscriber commonly has a whole /64 to choose addresses from.
    """
    parsed = parse_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return parsed.packed[:8]
    return address.encode()


class AddressFailures:
    """The table, in memory that the workers of a host share."""

    def __init__(self, memory: memoryview) -> None:
        """Use the first `FAILURES_SIZE` bytes of `memory`."""
        self._memory = memory
        self._words = memory[:FAILURES_SIZE].cast("Q")  # each is changed at once, as by `struct` it is not

    def release(self) -> None:
        """Let go of the memory."""
        self._words.release()
        self._memory.release()

    def count(self, network: bytes, now: float) -> int:
        """Count one failure; return how many `network` has in the minute of `now`, this one included."""
        minute = int(now // MINUTE)
        name = blake2b(network, digest_size=16).digest()
        first = int.from_bytes(name[:8], "little") % _SETS * _WAYS * _PLACE.size
        places = range(first, first + _WAYS * _PLACE.size, _PLACE.size)
        weakest, weight = first, None
        for at in places:
            found, of_minute, failures = _PLACE.unpack_from(self._memory, at)
            current = failures if of_minute == minute else 0
            if found == name:
                self._words[at // 8 + _FAILURES] = current + 1
                self._words[at // 8 + _MINUTE] = minute
                return current + 1
            if weight is None or current < weight:
                weakest, weight = at, current
        self._words[weakest // 8 + _FAILURES] = 0
        self._memory[weakest : weakest + len(name)] = name
        self._words[weakest // 8 + _MINUTE] = minute
        self._words[weakest // 8 + _FAILURES] = 1
        return 1
