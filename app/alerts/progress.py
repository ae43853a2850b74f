"""Which hours of usage a look is at, and which of them are settled by it: looked at for the last time.

An hour is settled once it is over, what is counted late for it has had its time, and all of that has been
stored: counts wait in the host's table (`gateway.usage_table`) until they are rolled up, which may be hours
later if no worker ran. The first hour that is not settled is noted in the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from peewee import Database

from app.alerts import locations
from app.alerts.finding import Hour
from app.db import driver
from app.ledger import Actor, Ledger
from app.models import AlertProgress
from app.usage.windows import HOUR_MS, begin

LATE_MS = 120_000
"""How long after an hour something is counted for it."""
_SYSTEM = Actor("system")


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of one look, from `first` to that of `now_ms`. It settles those before `settled`."""

    first: int
    settled: int
    now_ms: int

    def __iter__(self) -> Iterator[Hour]:
        for starts_at in range(self.first, self.now_ms + 1, HOUR_MS):
            yield Hour(starts_at, self.now_ms)


class Progress:
    """Where the looks have got to.

    `stored_at` tells until when all counts are stored, in unix milliseconds, or None; `kept_ms` for how long
    usage by the hour is kept.
    """

    def __init__(
        self, db: Database, ledger: Ledger, stored_at: Callable[[], int | None], kept_ms: int
    ) -> None:
        self._db, self._ledger, self._stored_at, self._kept_ms = db, ledger, stored_at, kept_ms

    def hours(self, now_ms: int) -> Hours:
        """Return the hours that a look at that time is at. To be called before anything is looked at."""
        next_hour, counted = self._next_hour(now_ms), min(now_ms, self._stored_at() or 0)
        first = max(next_hour, begin(now_ms, HOUR_MS) - self._kept_ms)
        return Hours(first, max(first, begin(counted - LATE_MS, HOUR_MS)), now_ms)

    def note(self, hours: Hours) -> None:
        """Take note that these hours were looked at."""
        if hours.settled > self._next_hour(hours.now_ms):
            with self._ledger.change(_SYSTEM):
                AlertProgress.update(next_hour=hours.settled).execute()

    def _next_hour(self, now_ms: int) -> int:
        found: AlertProgress | None = AlertProgress.get_or_none()
        if found is None:
            with self._ledger.change(_SYSTEM):
                locations.learn_all(driver(self._db))
                found = AlertProgress.create(id=1, next_hour=begin(now_ms, HOUR_MS))
        return found.next_hour
