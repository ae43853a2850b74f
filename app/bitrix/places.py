"""How many threads of a worker the calls of portals may hold, so that some are left for everything else.

A call holds a thread from the moment it comes until it is answered: while it waits for a place, for its turn
in the portal's bucket, and for Bitrix24. One portal has so many places, and all portals together have some
more; who finds none of those is refused at once. Who finds its own portal's taken waits a little, and gives
way to a call of another portal that has places, so that one slow portal stops no other.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from app.bitrix.failures import rate_limited
from app.errors import ApiError

LONGEST_WAIT = 0.5
"""Seconds."""

_RETRY_AFTER = 1


class Places:
    """Every portal has `each`; those in use and those who wait are never more than `in_all`."""

    def __init__(self, each: int, in_all: int) -> None:
        self._each, self._in_all = each, in_all
        self._changed = threading.Condition()
        self._taken: Counter[str] = Counter()
        self._waiting: list[object] = []

    @contextmanager
    def one(self, portal_id: str) -> Iterator[None]:
        """Hold one of the portal's places. Raises `ApiError` RATE_LIMITED when there is none in time."""
        with self._changed:
            if not self._is_free(portal_id):
                self._wait(portal_id)
            elif self._is_full():
                self._send_one_away()
            self._taken[portal_id] += 1
        try:
            yield
        finally:
            self._give_back(portal_id)

    def _is_free(self, portal_id: str) -> bool:
        return self._taken[portal_id] < self._each

    def _is_full(self) -> bool:
        return self._taken.total() + len(self._waiting) >= self._in_all

    def _wait(self, portal_id: str) -> None:
        """Wait for one of the portal's places."""
        if self._is_full():
            raise _too_many()
        waiting = object()
        self._waiting.append(waiting)
        self._changed.wait_for(lambda: self._is_free(portal_id) or waiting not in self._waiting, LONGEST_WAIT)
        if waiting not in self._waiting:
            raise _too_many()
        self._waiting.remove(waiting)
        if not self._is_free(portal_id):
            raise rate_limited(_RETRY_AFTER)

    def _send_one_away(self) -> None:
        """Have the first of those who wait give way."""
        if not self._waiting:
            raise _too_many()
        self._waiting.pop(0)
        self._changed.notify_all()

    def _give_back(self, portal_id: str) -> None:
        with self._changed:
            self._taken[portal_id] -= 1
            if not self._taken[portal_id]:
                del self._taken[portal_id]
            self._changed.notify_all()


def _too_many() -> ApiError:
    message = "Too many calls of portals are under way at this moment; repeat the request."
    return rate_limited(_RETRY_AFTER, message, scope="portals")
