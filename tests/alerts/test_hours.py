"""Business hours: days, nights, time zones, and the days on which clocks are put forward and back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from app.alerts.hours import BusinessHours

WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def hours(opens: str, closes: str, *days: str, timezone: str = "UTC") -> BusinessHours:
    set_hours: dict[str, Any] = {"days": list(days) or WEEK, "from": opens, "to": closes}
    return BusinessHours.of(set_hours, timezone)


@pytest.mark.parametrize(
    ("given", "at", "holds"),
    [
        (hours("09:00", "18:00"), "2026-03-02T08:59:59.999+00:00", False),
        (hours("09:00", "18:00"), "2026-03-02T09:00:00+00:00", True),
        (hours("09:00", "18:00"), "2026-03-02T17:59:59.999+00:00", True),
        (hours("09:00", "18:00"), "2026-03-02T18:00:00+00:00", False),
        (hours("09:00", "18:00", "mon"), "2026-03-03T12:00:00+00:00", False),
        (hours("00:00", "24:00", "mon"), "2026-03-02T23:59:59+00:00", True),
        (hours("00:00", "24:00", "mon"), "2026-03-03T00:00:00+00:00", False),
        # over midnight: the night belongs to the day on which it begins
        (hours("22:00", "06:00", "mon"), "2026-03-02T05:00:00+00:00", False),
        (hours("22:00", "06:00", "mon"), "2026-03-02T23:00:00+00:00", True),
        (hours("22:00", "06:00", "mon"), "2026-03-03T05:59:59+00:00", True),
        (hours("22:00", "06:00", "mon"), "2026-03-03T23:00:00+00:00", False),
        (hours("22:00", "06:00", "sun"), "2026-03-02T05:00:00+00:00", True),
        # elsewhere
        (hours("09:00", "18:00", timezone="Asia/Kolkata"), "2026-03-02T03:30:00+00:00", True),
        (hours("09:00", "18:00", timezone="Asia/Kolkata"), "2026-03-02T03:29:59+00:00", False),
        (hours("09:00", "18:00", "mon", timezone="Pacific/Auckland"), "2026-03-01T21:00:00+00:00", True),
        # clocks are put forward on 2026-03-29 at 02:00, and back on 2026-10-25 at 03:00
        (hours("09:00", "18:00", timezone="Europe/Berlin"), "2026-03-28T08:00:00+00:00", True),
        (hours("09:00", "18:00", timezone="Europe/Berlin"), "2026-03-29T07:00:00+00:00", True),
        (hours("09:00", "18:00", timezone="Europe/Berlin"), "2026-03-29T16:00:00+00:00", False),
        (hours("09:00", "18:00", timezone="Europe/Berlin"), "2026-10-25T07:59:59+00:00", False),
        (hours("09:00", "18:00", timezone="Europe/Berlin"), "2026-10-25T08:00:00+00:00", True),
        (hours("22:00", "06:00", timezone="Europe/Berlin"), "2026-10-25T04:59:59+00:00", True),
        (hours("22:00", "06:00", timezone="Europe/Berlin"), "2026-10-25T05:00:00+00:00", False),
    ],
)
def test_whether_it_is_business_time(given: BusinessHours, at: str, holds: bool) -> None:
    assert given.hold(ms(at)) == holds


@pytest.mark.parametrize(
    ("start", "overlap"),
    [("07:00", False), ("08:00", True), ("09:00", True), ("17:00", True), ("18:00", False)],
)
def test_whether_an_hour_has_any_of_it(start: str, overlap: bool) -> None:
    begins = ms(f"2026-03-02T{start}:00+00:00")
    assert hours("08:30", "18:00").overlap(begins, begins + 3_600_000) == overlap


@pytest.mark.parametrize(
    ("given", "after", "opens"),
    [
        (hours("09:00", "18:00"), "2026-03-02T08:59:00+00:00", "2026-03-02T09:00:00+00:00"),
        (hours("09:00", "18:00"), "2026-03-02T09:00:00+00:00", "2026-03-03T09:00:00+00:00"),
        (hours("09:00", "18:00", "mon"), "2026-03-02T10:00:00+00:00", "2026-03-09T09:00:00+00:00"),
        (hours("09:00", "18:00", "fri", "mon"), "2026-03-06T20:00:00+00:00", "2026-03-09T09:00:00+00:00"),
        (hours("22:00", "06:00", "sun"), "2026-03-02T03:00:00+00:00", "2026-03-08T22:00:00+00:00"),
        (
            hours("09:00", "18:00", timezone="Europe/Berlin"),
            "2026-03-28T20:00:00+00:00",
            "2026-03-29T07:00:00+00:00",
        ),
    ],
)
def test_when_it_begins_again(given: BusinessHours, after: str, opens: str) -> None:
    assert given.next_opening(ms(after)) == ms(opens)


def test_the_local_time_is_told_by_the_clock_there() -> None:
    assert hours("09:00", "18:00", timezone="America/New_York").local_time(
        ms("2026-07-01T03:05:00+00:00")
    ) == ("Tue 23:05")


def test_a_time_zone_that_this_host_does_not_know_is_taken_for_utc() -> None:
    assert hours("09:00", "18:00", timezone="Mars/Base").hold(ms("2026-03-02T09:00:00+00:00"))
