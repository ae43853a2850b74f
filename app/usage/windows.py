"""Hours and days of the clock (UTC), by which usage is counted; in unix milliseconds, as all stored times."""

from __future__ import annotations

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def hour_of(now: float) -> int:
    """Return when the hour began that holds `now` (unix seconds)."""
    return int(now // 3600) * HOUR_MS


def begin(at: int, length: int) -> int:
    """Return when the window of that length began that holds `at`."""
    return at // length * length


def end(at: int, length: int) -> int:
    """Return the first beginning of such a window that is not before `at`."""
    return -(-at // length) * length
