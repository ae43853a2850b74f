"""What one process gathers between two writings, in memory that no client can make grow without bound.

Keys are known ones; actions, codes and tools are of fixed sets; networks, addresses and the beginnings of
wrong keys are the clients' own, and have bounds of their own. What is beyond a bound counts as `other`, or
not at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TypeVar

from app.usage.clients import OTHER

TOOL, ACTION, STATUS, NETWORK, REFUSAL = KINDS = ("tool", "action", "status", "network", "refusal")

MOST_NETWORKS = 100
"""Of one key: to be written at one time, and stored for one hour or one day."""
MOST_WRONG = 1_000
"""Beginnings of wrong keys, and addresses that wrong keys came from."""
MOST_SPLITS = 20_000
"""Of all keys together: it takes a database that cannot be written to get there."""

Name = TypeVar("Name")
Split = tuple[str, int, str, str]
"""A key's id; the hour, as unix milliseconds of its beginning; one of `KINDS`; a name."""


@dataclass
class Gathered:
    """Numbers of requests, to be written.

    `splits`: of known keys. `wrong_keys`: refused, by how they begin, hour and code. `wrong_from`: refused
    for a wrong key, by where they came from and hour. `networks`: how many of a key and hour are in
    `splits`.
    """

    splits: dict[Split, int] = field(default_factory=dict)
    wrong_keys: dict[tuple[str, int, str], int] = field(default_factory=dict)
    wrong_from: dict[tuple[str, int], int] = field(default_factory=dict)
    networks: dict[tuple[str, int], int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be written."""
        return not (self.splits or self.wrong_keys or self.wrong_from)

    def add_split(self, split: Split, requests: int) -> None:
        """Add requests to a number that is there, or to a new one if the bounds allow it."""
        if split not in self.splits and split[2] == NETWORK:
            key_id, hour, _, _ = split
            networks = self.networks.get((key_id, hour), 0)
            if networks >= MOST_NETWORKS:
                split = (key_id, hour, NETWORK, OTHER)
            elif len(self.splits) < MOST_SPLITS:
                self.networks[key_id, hour] = networks + 1
        _add(self.splits, split, requests, MOST_SPLITS)

    def add(self, other: Gathered) -> None:
        """Add all that `other` has, within the bounds."""
        for split, requests in other.splits.items():
            self.add_split(split, requests)
        for wrong_key, requests in other.wrong_keys.items():
            _add(self.wrong_keys, wrong_key, requests, MOST_WRONG)
        for wrong_from, requests in other.wrong_from.items():
            _add(self.wrong_from, wrong_from, requests, MOST_WRONG)


class Tally:
    """Gathers, for the threads of one process, at the cost of one look into a dictionary a request."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._begin()

    def count(self, key_id: str, hour: int, tool: str, action: str, status: str, network: str) -> None:
        """Count one request that was let in."""
        with self._lock:
            _add(self._requests, (key_id, hour, tool, action, status, network), 1, MOST_SPLITS)

    def count_refusal(self, key_id: str, hour: int, code: str) -> None:
        """Count one refused request with a known key."""
        with self._lock:
            self._gathered.add_split((key_id, hour, REFUSAL, code), 1)

    def count_wrong(self, beginning: str, source: str, hour: int, code: str) -> None:
        """Count one request with a wrong key, which begins like that, and came from `source`."""
        with self._lock:
            if beginning:
                _add(self._gathered.wrong_keys, (beginning, hour, code), 1, MOST_WRONG)
            _add(self._gathered.wrong_from, (source, hour), 1, MOST_WRONG)

    def take(self) -> Gathered:
        """Return what was gathered, and begin anew."""
        with self._lock:
            requests, gathered = self._requests, self._gathered
            self._begin()
        for (key_id, hour, *names), number in requests.items():
            for kind, name in zip((TOOL, ACTION, STATUS, NETWORK), names, strict=True):
                gathered.add_split((key_id, hour, kind, name), number)
        return gathered

    def _begin(self) -> None:
        self._requests: dict[tuple[str, int, str, str, str, str], int] = {}
        self._gathered = Gathered()


def _add(counts: dict[Name, int], name: Name, requests: int, most: int) -> None:
    if name in counts:
        counts[name] += requests
    elif len(counts) < most:
        counts[name] = requests
