"""What was gathered, in the tables: added up by hour and day, bounded, kept while it cannot be written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
import structlog
from structlog.testing import capture_logs

from app.db import driver
from app.each_second import EachSecond
from app.models import Account, UsageAction, UsageSplitDay, UsageSplitHour, WrongKeys
from app.usage import splits
from app.usage.clients import OTHER
from app.usage.gather import SplitWriter
from app.usage.splits import MOST_ADDRESSES, _older_prefix, store
from app.usage.tally import ACTION, MOST_NETWORKS, NETWORK, REFUSAL, TOOL, Gathered, Tally
from app.usage.windows import DAY_MS, HOUR_MS
from tests.db.installation import Installation
from tests.db.statements import plan, statements_of

DAY = 1_700_006_400_000  # 2023-11-15T00:00:00Z
WRONG = "INVALID_API_KEY"


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path, busy_timeout=0.05)
    yield made
    made.close()


@pytest.fixture
def every_line() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(0))
    yield
    structlog.reset_defaults()


def stored(table: type[UsageSplitHour] | type[UsageSplitDay]) -> dict[tuple[str, int, str, str], int]:
    return {(row.key_id, row.starts_at, row.kind, row.name): row.requests for row in table.select()}


def wrong() -> dict[tuple[str, int], int]:
    return {(row.address, row.starts_at): row.requests for row in WrongKeys.select()}


def test_what_is_gathered_is_added_to_its_hour_and_to_its_day(installation: Installation) -> None:
    last = DAY + DAY_MS - HOUR_MS
    for _ in range(2):
        store(
            installation.db,
            Gathered(
                splits={
                    ("a", DAY, TOOL, "curl"): 3,
                    ("a", last, TOOL, "curl"): 4,
                    ("a", last, ACTION, "GET /v1/me"): 4,
                    ("b", DAY + DAY_MS, TOOL, "Go"): 1,
                }
            ),
        )

    assert stored(UsageSplitHour) == {
        ("a", DAY, TOOL, "curl"): 6,
        ("a", last, TOOL, "curl"): 8,
        ("a", last, ACTION, "GET /v1/me"): 8,
        ("b", DAY + DAY_MS, TOOL, "Go"): 2,
    }
    assert stored(UsageSplitDay) == {
        ("a", DAY, TOOL, "curl"): 14,
        ("a", DAY, ACTION, "GET /v1/me"): 8,
        ("b", DAY + DAY_MS, TOOL, "Go"): 2,
    }


def test_the_last_day_of_a_call_is_kept_for_each_route(installation: Installation) -> None:
    for day in (DAY + DAY_MS, DAY):  # what was held up is written later
        calls = {("a", day + HOUR_MS, ACTION, name): 2 for name in ("GET /v1/me", OTHER)}
        store(installation.db, Gathered(splits={**calls, ("a", day, TOOL, "curl"): 2}))
    store(installation.db, Gathered(splits={("a", DAY, ACTION, "GET /v1/deals"): 1}))

    called = {(row.key_id, row.name): row.starts_at for row in UsageAction.select()}
    assert called == {("a", "GET /v1/me"): DAY + DAY_MS, ("a", "GET /v1/deals"): DAY}


def test_networks_beyond_the_bound_of_an_hour_or_day_are_other(installation: Installation) -> None:
    for hour in range(3):
        for half in range(2):
            names = [f"10.{hour}.{half * 80 + number}.0/24" for number in range(80)]
            of_hour = {("a", DAY + hour * HOUR_MS, NETWORK, name): 1 for name in names}
            store(installation.db, Gathered(splits=of_hour))
    again = ("a", DAY, NETWORK, "10.0.0.0/24"), ("a", DAY, NETWORK, "10.0.159.0/24")
    store(installation.db, Gathered(splits=dict.fromkeys(again, 1)))

    by_hour = stored(UsageSplitHour)
    for hour in range(3):
        names = {split[3]: n for split, n in by_hour.items() if split[1] == DAY + hour * HOUR_MS}
        assert len(names) == MOST_NETWORKS + 1
        assert names[OTHER] == 60 + (hour == 0)
    assert by_hour["a", DAY, NETWORK, "10.0.0.0/24"] == 2
    by_day = stored(UsageSplitDay)
    assert len(by_day) == MOST_NETWORKS + 1
    assert sum(by_day.values()) == sum(by_hour.values()) == 3 * 160 + 2


def test_a_wrong_key_is_a_refusal_of_those_that_begin_like_it(installation: Installation) -> None:
    owner = installation.account()
    first, second, other = (installation.key(owner).key for _ in range(3))
    installation.db.execute_sql('UPDATE "key" SET key_prefix = ? WHERE id = ?', ("vxk_aaaaaa", first.id))
    installation.db.execute_sql('UPDATE "key" SET key_prefix = ? WHERE id = ?', ("vxk_aaaaaa", second.id))
    store(
        installation.db,
        Gathered(
            splits={(first.id, DAY, REFUSAL, WRONG): 1},
            wrong_keys={
                ("vxk_aaaaaa", DAY, WRONG): 5,
                ("vxk_bbbbbb", DAY, WRONG): 7,
                (other.key_prefix, DAY, "AUTH_ATTEMPTS_LIMITED"): 2,
            },
        ),
    )

    expected = {
        (first.id, DAY, REFUSAL, WRONG): 6,
        (second.id, DAY, REFUSAL, WRONG): 5,
        (other.id, DAY, REFUSAL, "AUTH_ATTEMPTS_LIMITED"): 2,
    }
    assert stored(UsageSplitHour) == stored(UsageSplitDay) == expected


OLDER = ["old_", "old_3f8a", "old_3f8abcde", "olds", "o", "vxk_Of-Ano", "zzz"]


@pytest.mark.parametrize(
    ("beginning", "found"),
    [
        ("old_3f8a9999", "old_3f8a"),
        ("old_3f8abcde", "old_3f8abcde"),
        ("old_3f8abcdd", "old_3f8a"),
        ("old_3f8", "old_"),
        ("old-another", "o"),
        ("olds-and-mor", "olds"),
        ("pqr", None),
        ("a", None),
        ("zzzz", "zzz"),
        ("\xff", None),
        ("vxk_Of-Ano", "vxk_Of-Ano"),
        ("vxk_Of-Anp", None),
    ],
)
def test_a_wrong_key_is_a_refusal_of_the_older_keys_with_the_longest_prefix_that_fits(
    installation: Installation, beginning: str, found: str | None
) -> None:
    owner = installation.account()
    ids = {prefix: older_key(installation, owner, prefix) for prefix in OLDER}

    store(installation.db, Gathered(wrong_keys={(beginning, DAY, WRONG): 5}))

    assert stored(UsageSplitHour) == ({(ids[found], DAY, REFUSAL, WRONG): 5} if found else {})


def test_of_older_keys_of_several_accounts_that_begin_alike_none_is_told(installation: Installation) -> None:
    first, second = installation.account(), installation.account("second@example.com")
    for owner in (first, second, second):
        older_key(installation, owner, "old_")
    many = {older_key(installation, second, "own_") for _ in range(30)}

    for beginning in ("old_3f8a9999", "own_3f8a9999"):
        store(installation.db, Gathered(wrong_keys={(beginning, DAY, WRONG): 5}))

    assert {key_id for key_id, *_ in stored(UsageSplitHour)} < many
    assert set(stored(UsageSplitHour).values()) == {5}


def test_wrong_keys_are_held_against_many_older_ones_by_the_index(installation: Installation) -> None:
    older_key(installation, installation.account(), "old_")
    statements = statements_of(
        installation.db, lambda: _older_prefix(driver(installation.db), "old_3f8a9999")
    )
    plans = [plan(installation.db, *statement) for statement in statements]
    found = [step for steps in plans for step in steps if "key" in step]
    assert len(found) == 3
    assert all(
        step.startswith("SEARCH key USING INDEX key_legacy (unchecked_prefix=? AND ") for step in found
    )


def older_key(installation: Installation, owner: Account, prefix: str) -> str:
    key = installation.key(owner).key
    unchecked = prefix.startswith("vxk_")
    installation.db.execute_sql(
        'UPDATE "key" SET key_prefix = ?, is_legacy = TRUE, unchecked_prefix = ? WHERE id = ?',
        (prefix, unchecked, key.id),
    )
    return key.id


def test_addresses_of_wrong_keys_are_added_up_by_hour_and_bounded(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_ADDRESSES < 10**6
    monkeypatch.setattr(splits, "MOST_ADDRESSES", 10)
    for _ in range(2):
        store(installation.db, Gathered(wrong_from={("192.0.2.1", DAY): 2, ("192.0.2.1", DAY + HOUR_MS): 1}))
    store(installation.db, Gathered(wrong_from={(f"192.0.2.{n}", DAY): 1 for n in range(50, 65)}))
    store(installation.db, Gathered(wrong_from={(f"192.0.2.{n}", DAY): 1 for n in range(60, 250)}))

    assert wrong()["192.0.2.1", DAY + HOUR_MS] == 2
    of_hour = {address: requests for (address, hour), requests in wrong().items() if hour == DAY}
    assert of_hour["192.0.2.1"] == 4
    assert len(of_hour) == 16
    assert [of_hour[f"192.0.2.{n}"] for n in (50, 60)] == [1, 2]


def test_what_cannot_be_written_is_written_later_and_the_log_says_so_once(
    installation: Installation, every_line: None
) -> None:
    tally = Tally()
    writer = SplitWriter(installation.db, tally)
    other = apsw.Connection(str(installation.config.database_path))
    other.execute("BEGIN IMMEDIATE")
    with capture_logs() as lines:
        for _ in range(3):
            tally.count_refusal("a", DAY, "NOT_FOUND")
            tally.count_wrong("vxk_aaaaaa", "192.0.2.1", DAY, WRONG)
            writer.write()
    other.execute("ROLLBACK")
    other.close()
    assert [line["event"] for line in lines] == ["usage.splits_not_written"]
    assert stored(UsageSplitHour) == {}
    writer.write()
    writer.write()

    assert stored(UsageSplitHour) == {("a", DAY, REFUSAL, "NOT_FOUND"): 3}
    assert wrong() == {("192.0.2.1", DAY): 3}


def test_a_full_or_read_only_database_stops_nothing(installation: Installation) -> None:
    tally = Tally()
    writer = SplitWriter(installation.db, tally)
    tally.count_refusal("a", DAY, "NOT_FOUND")
    connection = installation.db.connection()
    connection.pragma("query_only", True)
    writer.write()
    connection.pragma("query_only", False)
    connection.pragma("max_page_count", connection.pragma("page_count"))
    for number in range(3_000):
        tally.count_refusal(f"key-{number}", DAY, "X" * 200)
    writer.write()
    assert stored(UsageSplitHour) == {}
    connection.pragma("max_page_count", 1_000_000)
    writer.write()

    assert sum(stored(UsageSplitHour).values()) == 3_001


def test_a_thread_that_is_stopped_writes_the_rest(installation: Installation) -> None:
    tally = Tally()
    writer = SplitWriter(installation.db, tally)
    each_second = EachSecond(installation.db, writer.write)
    each_second.start()
    tally.count_refusal("a", DAY, "NOT_FOUND")
    each_second.stop()

    assert stored(UsageSplitHour) == {("a", DAY, REFUSAL, "NOT_FOUND"): 1}
