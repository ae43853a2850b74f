"""The two limits of Bitrix24: how often the portal is called, and how long each method works.

Source: "Limits" of its documentation: a bucket that holds 50 calls and loses 2 a second; 480 seconds of
work of one method within 10 minutes, after which that method is blocked for 10 minutes.
"""

from __future__ import annotations

from collections.abc import Callable

from app.bitrix.sandbox.refusal import Refusal

_WINDOW = 600.0
_LONGEST_WORK = 480.0


class Limits:
    """Both limits of one portal; not for several threads at once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives unix seconds."""
        self._clock = clock
        self.enabled = True
        self.rate = 2.0
        """Calls a second that leave the bucket."""
        self.burst = 50.0
        """Calls that it holds."""
        self._level, self._level_at = 0.0, clock()
        self._worked: dict[str, dict[int, float]] = {}
        self._blocked_until: dict[str, float] = {}

    def admit(self) -> None:
        """Count a call. Raises 503 QUERY_LIMIT_EXCEEDED when the bucket is full."""
        now = self._clock()
        self._level = max(0.0, self._level - (now - self._level_at) * self.rate)
        self._level_at = now
        if not self.enabled:
            return
        if self._level + 1 > self.burst:
            raise Refusal(503, "QUERY_LIMIT_EXCEEDED", "Too many requests")
        self._level += 1

    def check_work(self, method: str) -> None:
        """Raise 429 OPERATION_TIME_LIMIT while the method is blocked."""
        if self.enabled and self._clock() < self._blocked_until.get(method, 0.0):
            raise Refusal(429, "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.")

    def worked(self, method: str, seconds: float) -> None:
        """Add to what the method has worked, and block it when that is too much."""
        now = self._clock()
        by_second = self._worked.setdefault(method, {})
        by_second[int(now)] = by_second.get(int(now), 0.0) + seconds
        if self.operating(method) > _LONGEST_WORK:
            self._blocked_until[method] = now + _WINDOW

    def operating(self, method: str) -> float:
        """Seconds that the method has worked within the last ten minutes."""
        by_second = self._worked.get(method, {})
        forgotten = self._clock() - _WINDOW
        while by_second and next(iter(by_second)) <= forgotten:
            del by_second[next(iter(by_second))]
        return sum(by_second.values())

    def resets_at(self, method: str) -> int:
        """Unix seconds at which the oldest work of the method is forgotten."""
        return next(iter(self._worked.get(method, ())), int(self._clock())) + int(_WINDOW)
