"""How many calls of one portal run at once in a worker, so that a slow portal leaves threads for others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.bitrix.failures import rate_limited

LONGEST_WAIT = 0.5
"""Seconds; whoever waits for a place holds its own thread meanwhile."""


class Places:
    """Every portal has the same number of places."""

    def __init__(self, each: int) -> None:
        self._each = each
        self._changed = threading.Condition()
        self._taken: dict[str, int] = {}

    @contextmanager
    def one(self, portal_id: str) -> Iterator[None]:
        """Hold one of the portal's places. Raises `ApiError` RATE_LIMITED when none gets free in time."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._is_free(portal_id), LONGEST_WAIT):
                raise rate_limited(1)
            self._taken[portal_id] = self._taken.get(portal_id, 0) + 1
        try:
            yield
        finally:
            self._give_back(portal_id)

    def _is_free(self, portal_id: str) -> bool:
        return self._taken.get(portal_id, 0) < self._each

    def _give_back(self, portal_id: str) -> None:
        with self._changed:
            self._taken[portal_id] -= 1
            if not self._taken[portal_id]:
                del self._taken[portal_id]
            self._changed.notify_all()
