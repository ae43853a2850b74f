"""Reading usage costs what the asked key has in the asked range, and not what others have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db import driver
from app.models import Key, UsageDay, UsageHour, UsageKey, UsageSplitDay, UsageSplitHour
from app.usage.report import Range, report, totals_of
from app.usage.windows import DAY_MS, HOUR_MS
from tests.db.installation import Installation

DAY = 1_700_006_400_000  # 2023-11-15T00:00:00Z


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    yield made
    made.close()


def put(installation: Installation, key_ids: list[str], lineage_id: str, days: range) -> None:
    """A request in the first hour of each of these days, by each of these keys."""
    with installation.db.atomic():
        for key_id in key_ids:
            UsageKey.create(key_id=key_id, lineage_id=lineage_id, requests=len(days), last_used_at=DAY)
            for day in days:
                at = {"key_id": key_id, "starts_at": DAY + day * DAY_MS, "requests": 1}
                UsageHour.create(slot=2, **at)
                UsageDay.create(**at)
                for table in (UsageSplitHour, UsageSplitDay):
                    table.create(kind="tool", name="curl", **at)


def steps(installation: Installation, key: Key, within: Range, lineage: bool) -> int:
    """How many steps SQLite takes for a report."""
    taken = 0

    def step() -> bool:
        nonlocal taken
        taken += 1
        return False

    connection = driver(installation.db)
    connection.set_progress_handler(step, 1)
    try:
        report(installation.db, key, within, lineage=lineage)
    finally:
        connection.set_progress_handler(None)
    return taken


@pytest.mark.parametrize("lineage", [False, True])
@pytest.mark.parametrize("length", [HOUR_MS, DAY_MS])
def test_a_report_costs_no_more_with_many_other_keys_and_a_long_past(
    installation: Installation, length: int, lineage: bool
) -> None:
    key = installation.key(installation.account()).key
    put(installation, [key.id], key.lineage_id, range(-1, 4))
    put(installation, ["0", "z"], "another lineage", range(-1, 4))
    within = Range(DAY, DAY + 3 * DAY_MS, length)
    before = steps(installation, key, within, lineage)
    others = [f"other-{number}" for number in range(100)]
    put(installation, others, "another lineage", range(3))
    with installation.db.atomic():
        for day in range(-100, -1):
            at = {"key_id": key.id, "starts_at": DAY + day * DAY_MS, "requests": 1}
            UsageHour.create(slot=2, **at)
            UsageDay.create(**at)

    assert steps(installation, key, within, lineage) == before
    found = report(installation.db, key, within, lineage=lineage)
    assert (found.requests, found.splits["tool"]) == (3, [("curl", 3)])


def test_totals_are_read_by_key(installation: Installation) -> None:
    put(installation, ["a", "b"], "lineage", range(2))

    assert {key_id: total.requests for key_id, total in totals_of(["a", "never used"]).items()} == {"a": 2}
    assert totals_of([]) == {}


@pytest.mark.parametrize(
    ("hours", "parts"),
    [
        ((0, 24), [(0, 24, "day")]),
        ((1, 23), [(1, 23, "hour")]),
        ((1, 24), [(1, 24, "hour")]),
        ((1, 47), [(1, 47, "hour")]),
        ((1, 49), [(1, 24, "hour"), (24, 48, "day"), (48, 49, "hour")]),
        ((0, 49), [(0, 48, "day"), (48, 49, "hour")]),
        ((23, 96), [(23, 24, "hour"), (24, 96, "day")]),
    ],
)
def test_a_range_by_the_hour_is_whole_days_and_the_hours_around_them(
    hours: tuple[int, int], parts: list[tuple[int, int, str]]
) -> None:
    since, until = (DAY + hour * HOUR_MS for hour in hours)
    lengths = {"hour": HOUR_MS, "day": DAY_MS}
    expected = [Range(DAY + a * HOUR_MS, DAY + b * HOUR_MS, lengths[length]) for a, b, length in parts]

    assert list(Range(since, until, HOUR_MS).parts()) == expected
