"""From the host's table to the database: each request once, into its hour and day, and kept in time."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from app.config import Config
from app.errors import ApiError
from app.models import UsageAction, UsageDay, UsageHour, UsageKey, UsageSplitDay, UsageSplitHour, WrongKeys
from app.usage.rollup import Rollup
from app.usage.windows import DAY_MS, HOUR_MS
from gateway.usage_table import UsageTable
from tests.db.installation import Installation
from tests.faults.crowd import in_a_process
from tests.usage.dying import MOMENTS, database_in, roll_up_and_die

MIDNIGHT = 1_700_006_400.0  # 2023-11-15T00:00:00Z
HOUR, DAY = 3600, 86_400


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    made.clock.now = MIDNIGHT
    yield made
    made.close()


@pytest.fixture
def table(tmp_path: Path) -> Iterator[UsageTable]:
    opened = UsageTable(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def rollup(installation: Installation, table: UsageTable) -> Rollup:
    return Rollup(installation.db, table, installation.clock, installation.config)


def kept_for(installation: Installation, table: UsageTable, **settings: str) -> Rollup:
    config = Config.from_env({"DATABASE_URL": installation.config.database_url, **settings})
    return Rollup(installation.db, table, installation.clock, config)


def hours() -> Counter[tuple[str, int]]:
    """What is stored, by key and second at which the hour began."""
    found = Counter[tuple[str, int]]()
    for row in UsageHour.select():
        found[row.key_id, row.starts_at // 1000] += row.requests
    return found


def days() -> dict[tuple[str, int], int]:
    return {(row.key_id, row.starts_at // 1000): row.requests for row in UsageDay.select()}


def sums() -> dict[str, int]:
    return {row.key_id: row.requests for row in UsageKey.select()}


def test_requests_are_stored_by_hour_and_day_and_in_sum(table: UsageTable, rollup: Rollup) -> None:
    midnight = int(MIDNIGHT)
    for at in (-0.001, 0.0, HOUR - 0.001, HOUR, DAY - 0.001, DAY):
        table.count("a", "lineage", "192.0.2.1", MIDNIGHT + at)
    rollup.roll_up()

    assert hours() == {
        ("a", midnight - HOUR): 1,
        ("a", midnight): 2,
        ("a", midnight + HOUR): 1,
        ("a", midnight + DAY - HOUR): 1,
        ("a", midnight + DAY): 1,
    }
    assert days() == {("a", midnight - DAY): 1, ("a", midnight): 4, ("a", midnight + DAY): 1}
    assert sums() == {"a": 6}


def test_storing_again_changes_nothing_and_more_requests_are_added(
    installation: Installation, table: UsageTable, rollup: Rollup
) -> None:
    for expected in (1, 2, 3):
        table.count("a", "lineage", "192.0.2.1", installation.clock.now)
        for _ in range(3):
            rollup.roll_up()
        assert (sum(hours().values()), sum(days().values()), sums()) == (expected, expected, {"a": expected})
        installation.clock.now += HOUR + 61


def test_the_last_use_is_the_latest_by_time_with_its_address(
    installation: Installation, table: UsageTable, rollup: Rollup
) -> None:
    for seconds, address in ((10, "192.0.2.1"), (5, "192.0.2.2"), (HOUR, "/run/a.sock"), (20, "2001:db8::1")):
        table.count("a", "lineage", address, MIDNIGHT + seconds)
        rollup.roll_up()

    row = UsageKey.get_by_id("a")
    assert (row.lineage_id, row.last_used_at) == ("lineage", int(MIDNIGHT + HOUR) * 1000)
    assert row.last_used_ip is None, "a socket has no address"


def test_an_hour_is_counted_on_after_its_slot_was_given_up(
    installation: Installation, table: UsageTable, rollup: Rollup
) -> None:
    table.count("a", "lineage", "192.0.2.1", MIDNIGHT)
    installation.clock.now = MIDNIGHT + 2 * HOUR
    rollup.roll_up()
    assert table.unstored(installation.clock.now) == []
    table.count("a", "lineage", "192.0.2.1", MIDNIGHT + 1)  # the clock was set back by two hours
    rollup.roll_up()

    assert hours() == {("a", int(MIDNIGHT)): 2}
    assert (days(), sums()) == ({("a", int(MIDNIGHT)): 2}, {"a": 2})


@pytest.mark.parametrize("moment", MOMENTS)
def test_whenever_it_is_killed_all_is_stored_once(
    installation: Installation, table: UsageTable, rollup: Rollup, tmp_path: Path, moment: str
) -> None:
    chance, expected = random.Random(moment), Counter[tuple[str, int]]()

    def use() -> None:
        for _ in range(900):
            key_id, hour = f"key-{chance.randrange(300)}", chance.choice((0, HOUR))
            table.count(key_id, "lineage", "192.0.2.1", MIDNIGHT + hour)
            expected[key_id, int(MIDNIGHT) + hour] += 1

    for now in (MIDNIGHT + HOUR + 10, MIDNIGHT + HOUR + 70):  # the first hour is over, and given up
        use()
        installation.clock.now = now
        assert in_a_process(roll_up_and_die, database_in(tmp_path), now, moment) == "killed"
    use()
    rollup.roll_up()

    of_days = Counter[tuple[str, int]]()
    for (key_id, _), requests in expected.items():
        of_days[key_id, int(MIDNIGHT)] += requests
    assert hours() == expected
    assert days() == of_days
    assert sums() == {key_id: requests for (key_id, _), requests in of_days.items()}


def test_two_at_once_store_each_request_once(installation: Installation, tmp_path: Path) -> None:
    over = threading.Event()

    def roll_up() -> None:
        table = UsageTable(tmp_path)
        rolling_up = Rollup(installation.db, table, installation.clock, installation.config)
        while not over.is_set():
            rolling_up.roll_up()
        rolling_up.roll_up()
        table.close()
        installation.db.close()

    threads = [threading.Thread(target=roll_up) for _ in range(2)]
    for thread in threads:
        thread.start()
    table = UsageTable(tmp_path)
    for number in range(5_000):
        installation.clock.now = MIDNIGHT + number * 10
        table.count(f"key-{number % 3}", "lineage", "192.0.2.1", installation.clock.now)
    over.set()
    for thread in threads:
        thread.join()
    table.close()

    assert sum(hours().values()) == sum(days().values()) == sum(sums().values()) == 5_000


def test_a_locked_database_loses_nothing(tmp_path: Path) -> None:
    installation, table = Installation(tmp_path, busy_timeout=0.05), UsageTable(tmp_path)
    rollup = Rollup(installation.db, table, installation.clock, installation.config)
    table.count("a", "lineage", "192.0.2.1", installation.clock.now)
    other = apsw.Connection(str(installation.config.database_path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ApiError, match="not available"):
        rollup.roll_up()
    other.execute("ROLLBACK")
    other.close()
    installation.clock.now += 2 * HOUR
    rollup.roll_up()

    assert sums() == {"a": 1}
    table.close()
    installation.close()


def put_splits_and_wrong_keys(*hours_of_day: int) -> None:
    for at in hours_of_day:
        starts_at = (int(MIDNIGHT) + at) * 1000
        row = {"key_id": "a", "kind": "tool", "name": "curl", "requests": 1}
        UsageSplitHour.create(starts_at=starts_at, **row)
        WrongKeys.create(starts_at=starts_at, address="192.0.2.1", requests=1)
        UsageSplitDay.insert(starts_at=starts_at // DAY_MS * DAY_MS, **row).on_conflict_ignore().execute()


def test_hours_and_days_are_removed_when_they_were_kept_for_long_enough(
    installation: Installation, table: UsageTable
) -> None:
    rollup = kept_for(installation, table, USAGE_HOURS_KEPT_DAYS="2", USAGE_DAYS_KEPT_DAYS="3")
    at = [0, HOUR, DAY, 2 * DAY]
    for second in at:
        table.count("a", "lineage", "192.0.2.1", MIDNIGHT + second)
    put_splits_and_wrong_keys(*at)
    installation.clock.now = MIDNIGHT + 2 * DAY + HOUR + 100
    rollup.roll_up()
    rollup.remove_outdated()

    assert [second for _, second in sorted(hours())] == [int(MIDNIGHT) + second for second in at[1:]]
    assert {row.starts_at for row in UsageSplitHour.select()} == {
        (int(MIDNIGHT) + second) * 1000 for second in at[1:]
    }
    assert WrongKeys.select().count() == 2, "kept for two days to the second"
    assert len(days()) == UsageSplitDay.select().count() == 3

    installation.clock.now = MIDNIGHT + 4 * DAY
    rollup.remove_outdated()

    assert [second for _, second in sorted(days())] == [int(MIDNIGHT) + DAY, int(MIDNIGHT) + 2 * DAY]
    assert sums() == {"a": 4}, "the sum is of all time"


def test_days_are_kept_for_ever_unless_it_is_said_for_how_long(
    installation: Installation, table: UsageTable, rollup: Rollup
) -> None:
    table.count("a", "lineage", "192.0.2.1", MIDNIGHT)
    put_splits_and_wrong_keys(0)
    rollup.roll_up()
    installation.clock.now = MIDNIGHT + 9_000 * DAY
    rollup.roll_up()
    rollup.remove_outdated()

    assert (hours(), days()) == ({}, {("a", int(MIDNIGHT)): 1})
    assert (UsageSplitHour.select().count(), UsageSplitDay.select().count()) == (0, 1)


def test_which_routes_a_key_called_is_kept_for_90_days(installation: Installation, rollup: Rollup) -> None:
    for days, name in ((89, "GET /v1/me"), (91, "GET /v1/deals")):
        UsageAction.create(key_id="a", name=name, starts_at=int((installation.clock.now - days * DAY) * 1000))
    rollup.remove_outdated()
    assert [row.name for row in UsageAction.select()] == ["GET /v1/me"]


def test_days_are_kept_no_shorter_than_their_hours(installation: Installation, table: UsageTable) -> None:
    rollup = kept_for(installation, table, USAGE_HOURS_KEPT_DAYS="5", USAGE_DAYS_KEPT_DAYS="1")
    table.count("a", "lineage", "192.0.2.1", MIDNIGHT)
    rollup.roll_up()
    for later, left in ((5 * DAY, 1), (6 * DAY, 0)):
        installation.clock.now = MIDNIGHT + later
        rollup.roll_up()
        rollup.remove_outdated()
        assert len(days()) == left


def test_what_the_table_still_has_is_not_removed_and_so_not_added_twice(
    installation: Installation, table: UsageTable, rollup: Rollup, tmp_path: Path
) -> None:
    table.count("a", "lineage", "192.0.2.1", MIDNIGHT)
    installation.clock.now = later = MIDNIGHT + 200 * DAY  # nobody stored for so long
    assert in_a_process(roll_up_and_die, database_in(tmp_path), later, "committed") == "killed"
    rollup.remove_outdated()
    assert hours() == {("a", int(MIDNIGHT)): 1}
    rollup.roll_up()
    rollup.remove_outdated()

    assert (hours(), sums()) == ({}, {"a": 1})


def test_a_heap_of_old_rows_is_removed_in_one_turn(installation: Installation, rollup: Rollup) -> None:
    rows = [
        {"key_id": f"key-{number}", "starts_at": number * HOUR_MS, "slot": 1, "requests": 1}
        for number in range(1_700)
    ]
    with installation.db.atomic():
        UsageHour.insert_many(rows).execute()
    rollup.remove_outdated()

    assert hours() == {}
