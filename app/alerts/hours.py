"""An account's business hours, in its time zone.

`{"days": ["mon", "tue"], "from": "09:00", "to": "18:00"}`. Where `to` is before `from` it is on the next day.
Clocks that are put forward or back make some days' hours an hour shorter or longer, as they do for people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from app.preferences import DAYS, zone

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """On which days of the week (0 is Monday), from which minute of the day to which."""

    days: frozenset[int]
    opens: int
    closes: int
    timezone: tzinfo

    @classmethod
    def of(cls, hours: Mapping[str, Any], timezone: str) -> BusinessHours:
        """Return those that an account has set."""
        days = frozenset(DAYS.index(day) for day in hours["days"])
        return cls(days, _minutes(hours["from"]), _minutes(hours["to"]), _zone(timezone))

    def hold(self, at_ms: int) -> bool:
        """Tell whether it is business time then."""
        return any(opens <= at_ms < closes for opens, closes in self._around(at_ms))

    def overlap(self, start_ms: int, end_ms: int) -> bool:
        """Tell whether there is any business time from `start_ms` to before `end_ms`."""
        spans = (*self._around(start_ms), *self._around(end_ms))
        return any(opens < end_ms and start_ms < closes for opens, closes in spans)

    def next_opening(self, after_ms: int) -> int:
        """Return when business time begins for the first time after then, in unix milliseconds."""
        today = self._local(after_ms).date()
        openings = (
            self._span(today + _DAY * number)[0] for number in range(9) if self._is_day(today, number)
        )
        return next(opens for opens in openings if opens > after_ms)

    def local_time(self, at_ms: int) -> str:
        """Return what the clock shows there, `Tue 23:41`."""
        return self._local(at_ms).strftime("%a %H:%M")

    def _around(self, at_ms: int) -> list[tuple[int, int]]:
        """The business times that begin on the day of `at_ms` or on the day before."""
        today = self._local(at_ms).date()
        return [self._span(today + _DAY * number) for number in (-1, 0) if self._is_day(today, number)]

    def _is_day(self, today: date, number: int) -> bool:
        return (today + _DAY * number).weekday() in self.days

    def _span(self, day: date) -> tuple[int, int]:
        closes = self.closes if self.closes > self.opens else self.closes + 24 * 60
        return self._at(day, self.opens), self._at(day, closes)

    def _at(self, day: date, minutes: int) -> int:
        moment = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)
        return int(moment.replace(tzinfo=self.timezone).timestamp() * 1000)

    def _local(self, at_ms: int) -> datetime:
        return datetime.fromtimestamp(at_ms / 1000, self.timezone)


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def _zone(name: str) -> tzinfo:
    try:
        return zone(name)
    except LookupError:
        return UTC  # it was there when it was set: this host's table of time zones is another
