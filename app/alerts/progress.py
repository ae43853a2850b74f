"""Which hours of usage a look is at, and which of them are settled by it: looked at for the last time.

An hour is settled once it is over, what is counted late for it has had its time, and all of that has been
stored: counts wait in the host's table (`gateway.usage_table`) until they are rolled up, which may be hours
later if no worker ran. The first hour that is not settled is noted in the database.

Where that hour has not begun yet, it was noted by a clock that has been put back since. Then the last two
hours are looked at once more; and what was seen in hours that are still to come counts as seen before those
two, or else nothing could be told of it until the time has come again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog
from peewee import Database

from app.alerts import locations
from app.alerts.finding import Hour
from app.db import driver
from app.ledger import Actor, Ledger
from app.models import Alert, AlertProgress, KnownNetwork
from app.usage.windows import HOUR_MS, begin

LATE_MS = 120_000
"""How long after an hour something is counted for it."""
_SYSTEM = Actor("system")

log = structlog.get_logger(__name__)


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
            return self._begin(now_ms)
        if found.next_hour > now_ms:
            return self._put_back(now_ms)
        return found.next_hour

    def _begin(self, now_ms: int) -> int:
        current = begin(now_ms, HOUR_MS)
        with self._ledger.change(_SYSTEM):
            locations.learn_all(driver(self._db))
            AlertProgress.create(id=1, next_hour=current)
        return current

    def _put_back(self, now_ms: int) -> int:
        next_hour = begin(now_ms - LATE_MS, HOUR_MS) - HOUR_MS
        with self._ledger.change(_SYSTEM):
            AlertProgress.update(next_hour=next_hour).execute()
            ahead = Alert.update(last_hour=next_hour - HOUR_MS).where(Alert.last_hour > now_ms)
            alerts = ahead.execute()
            learned = KnownNetwork.update(first_seen_at=next_hour)
            learned.where(KnownNetwork.first_seen_at > now_ms).execute()
        log.warning("alerts.looked_too_far_ahead", alerts=alerts)
        return next_hour
