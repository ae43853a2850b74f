"""The usage table: every request counts once, whatever is killed, and is given up only once it is stored."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import resource
import signal
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from gateway.limits import HOUR
from gateway.usage_table import UsageTable, Use
from tests.faults.crowd import Board, until

NOW = 1_700_002_800.0  # the top of an hour
LATER = NOW + HOUR + 60  # when its slots may be given up


@pytest.fixture
def table(tmp_path: Path) -> Iterator[UsageTable]:
    opened = UsageTable(tmp_path)
    yield opened
    opened.close()


def counted(table: UsageTable, now: float = LATER) -> Counter[tuple[str, int]]:
    """What the table says: requests by key and hour."""
    counts = Counter[tuple[str, int]]()
    for use in table.unstored(now):
        counts[use.key_id, use.hour] += use.requests
    return counts


def store(table: UsageTable, stored: dict[int, Use], now: float = LATER) -> None:
    """Do what a service does: keep the highest number of each slot."""
    uses = table.unstored(now)
    for use in uses:
        stored[use.slot] = max(use, stored.get(use.slot, use), key=lambda one: one.requests)
    table.note_stored(uses, now)


def test_each_key_and_hour_is_counted_for_itself(table: UsageTable) -> None:
    for key_id, now in (("a", NOW), ("a", NOW + 3599), ("b", NOW), ("a", NOW + HOUR), ("a", NOW)):
        table.count(key_id, "lineage", "192.0.2.1", now)

    assert counted(table, NOW) == {
        ("a", int(NOW)): 3,
        ("b", int(NOW)): 1,
        ("a", int(NOW) + HOUR): 1,
    }


def test_a_slot_tells_the_last_use_with_its_address_and_the_lineage(table: UsageTable) -> None:
    key_id, lineage_id = "01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-0000-774b-bcce-b302099a8057"
    longest = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"
    for seconds, address in enumerate(("192.0.2.1", longest, "192.0.2.3")):
        table.count(key_id, lineage_id, address, NOW + seconds + 0.5)
        (use,) = table.unstored(NOW)
        assert use[1:] == (
            key_id,
            lineage_id,
            int(NOW),
            seconds + 1,
            int(NOW) * 1000 + seconds * 1000 + 500,
            address,
        )


@pytest.mark.parametrize("address", ["", "/run/a.sock", "x" * 300, "é" * 40])
def test_an_address_that_is_none_does_no_harm(table: UsageTable, address: str) -> None:
    table.count("a", "a", address, NOW)

    (use,) = table.unstored(NOW)
    assert (use.requests, use.address[:10]) == (1, address[:10])


def test_ids_that_do_not_fit_are_refused_instead_of_mixed_up(table: UsageTable) -> None:
    with pytest.raises(ValueError, match="longer than 40 bytes"):
        table.count("k" * 41, "lineage", "192.0.2.1", NOW)
    with pytest.raises(ValueError, match="longer than 40 bytes"):
        table.count("key", "l" * 41, "192.0.2.1", NOW)
    assert counted(table) == {}


def test_what_is_stored_is_told_again_only_when_it_grows(table: UsageTable) -> None:
    table.count("a", "a", "", NOW)
    table.count("b", "b", "", NOW)
    table.note_stored(table.unstored(NOW), NOW)
    assert table.unstored(NOW) == []

    table.count("a", "a", "", NOW)

    assert [(use.key_id, use.requests) for use in table.unstored(NOW)] == [("a", 2)]


def test_what_was_counted_while_it_was_stored_stays_to_be_stored(table: UsageTable) -> None:
    table.count("a", "a", "", NOW)
    uses = table.unstored(LATER)
    table.count("a", "a", "", NOW)
    table.note_stored(uses, LATER)

    assert counted(table) == {("a", int(NOW)): 2}


def test_a_slot_is_given_up_once_its_hour_is_over_and_its_last_number_is_stored(table: UsageTable) -> None:
    table.count("a", "a", "", NOW)
    for now in (NOW, NOW + HOUR, LATER - 1):
        table.note_stored(table.unstored(now), now)
        table.count("a", "a", "", NOW)
    (use,) = table.unstored(LATER)
    assert use.requests == 4

    table.note_stored([use], LATER)

    assert table.unstored(LATER) == []


def test_what_is_counted_for_an_hour_that_was_given_up_is_added(table: UsageTable) -> None:
    stored: dict[int, Use] = {}
    for _ in range(5):
        table.count("a", "a", "", NOW)
    store(table, stored)
    table.count("a", "a", "", NOW)  # a request that was held up, or a clock that was set back
    store(table, stored)

    assert sorted(use.requests for use in stored.values()) == [1, 5]
    assert {use.hour for use in stored.values()} == {int(NOW)}


def test_a_slot_is_used_again_and_the_table_does_not_grow_with_time(
    tmp_path: Path, table: UsageTable
) -> None:
    stored: dict[int, Use] = {}
    for hour in range(3_000):
        table.count("a", "a", "", NOW + hour * HOUR)
        table.count("b", "b", "", NOW + hour * HOUR)
        store(table, stored, NOW + hour * HOUR)
    store(table, stored, NOW + 4_000 * HOUR)

    assert sum(use.requests for use in stored.values()) == 6_000
    assert max(path.stat().st_size for path in tmp_path.glob("usage.*")) < 300_000


def test_it_grows_and_forgets_no_count(tmp_path: Path, table: UsageTable) -> None:
    other = UsageTable(tmp_path)
    for number in range(4_000):
        (table, other)[number % 2].count(f"key-{number}", "lineage", "192.0.2.1", NOW)
        table.count(f"key-{number // 2}", "lineage", "192.0.2.1", NOW)

    expected = {(f"key-{number}", int(NOW)): 3 if number < 2_000 else 1 for number in range(4_000)}
    assert counted(table) == counted(other) == expected
    assert len(list(tmp_path.glob("usage.[0-9]*"))) == 1
    other.close()


def test_who_could_not_open_the_newest_file_says_what_it_did_not_count_and_then_goes_on(
    tmp_path: Path, table: UsageTable
) -> None:
    other = UsageTable(tmp_path)
    for number in range(2_000):
        other.count(f"key-{number}", "lineage", "192.0.2.1", NOW)
    (newest,) = tmp_path.glob("usage.[0-9]*")
    newest.rename(tmp_path / "aside")
    newest.mkdir()
    for _ in range(3):
        table.count("key-7", "lineage", "192.0.2.1", NOW)
    newest.rmdir()
    (tmp_path / "aside").rename(newest)
    table.count("key-7", "lineage", "192.0.2.1", NOW)

    assert table.uncounted() == (3, int(NOW) * 1000)
    expected = {(f"key-{number}", int(NOW)): 2 if number == 7 else 1 for number in range(2_000)}
    assert counted(table) == counted(other) == expected
    other.close()


def test_it_is_read_in_parts_between_which_others_count_and_move_it(
    tmp_path: Path, table: UsageTable
) -> None:
    other = UsageTable(tmp_path)
    for number in range(3_000):
        table.count(f"key-{number}", "lineage", "192.0.2.1", NOW)
    before = counted(table)
    parts = table._copies()
    read = [next(parts)]
    for number in range(9_000):
        other.count(f"new-{number}", "lineage", "192.0.2.1", NOW)
    read.extend(parts)

    assert len(read) > 1
    text = b"".join(read)
    assert all(f"key-{number}".encode().ljust(40, b"\0") in text for number in range(3_000))
    assert before.items() <= counted(table).items()
    other.close()


def test_it_gets_smaller_when_it_was_too_large_for_an_hour(tmp_path: Path, table: UsageTable) -> None:
    other, stored = UsageTable(tmp_path), dict[int, Use]()
    for number in range(9_000):
        table.count(f"key-{number}", "lineage", "192.0.2.1", NOW)
    largest = size_of(tmp_path)
    for hour in range(1, 4):
        table.count("a key", "lineage", "192.0.2.1", NOW + hour * HOUR)
        store(table, stored, NOW + hour * HOUR + 1)
        assert size_of(tmp_path) == (largest if hour < 3 else largest // 16), hour
        store(table, stored, NOW + hour * HOUR + 1_800)
    other.count("a key", "lineage", "192.0.2.1", NOW + 3 * HOUR)
    store(table, stored, NOW + 9 * HOUR)

    assert sum(use.requests for use in stored.values()) == 9_004
    assert counted(other, NOW + 9 * HOUR) == {}
    other.close()


def size_of(folder: Path) -> int:
    """How many slots the table has room for, in units of its smallest size."""
    (newest,) = folder.glob("usage.[0-9]*")
    return newest.stat().st_size // (1024 * 208)


def test_it_grows_while_nobody_stores_and_then_all_is_there(table: UsageTable) -> None:
    for hour, number in itertools.product(range(50), range(100)):
        table.count(f"key-{number}", "lineage", "", NOW + hour * HOUR)
    stored: dict[int, Use] = {}
    store(table, stored, NOW + 60 * HOUR)

    assert len(stored) == 5_000
    assert table.unstored(NOW + 60 * HOUR) == []


def test_counts_outlive_the_process(tmp_path: Path) -> None:
    for expected in (1, 2):
        table = UsageTable(tmp_path)
        table.count("a", "a", "", NOW)
        assert counted(table) == {("a", int(NOW)): expected}
        table.close()


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 300_000])
def test_a_file_that_is_none_of_ours_is_begun_anew_and_its_slots_have_other_ids(
    tmp_path: Path, content: bytes
) -> None:
    before, stored = UsageTable(tmp_path), dict[int, Use]()
    before.count("a", "a", "", NOW)
    store(before, stored, NOW)
    before.close()
    (tmp_path / "usage.0").write_bytes(content)
    table = UsageTable(tmp_path)
    table.count("a", "a", "", NOW)
    store(table, stored, NOW)

    assert [use.requests for use in stored.values()] == [1, 1]
    table.close()


def test_when_counts_were_stored_last_is_told(table: UsageTable) -> None:
    assert table.stored_at() is None
    table.note_all_stored(NOW)
    assert table.stored_at() == int(NOW) * 1000


def _count_many(folder: Path, times: int) -> None:
    table = UsageTable(folder)
    for number in range(times):
        table.count(f"key-{number % 7}", "lineage", "192.0.2.1", NOW)


def test_exactly_all_are_counted_over_processes(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_count_many, args=(tmp_path, 700)) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    table = UsageTable(tmp_path)
    assert counted(table) == {(f"key-{number}", int(NOW)): 800 for number in range(7)}
    table.close()


def _count_for_ever(folder: Path, board: Path) -> None:
    """Count new keys and known ones, so that the table grows all the time; tell after each what was done."""
    table, done = UsageTable(folder), Board(board)
    for number in itertools.count():
        table.count(f"key-{number % 3000}", "lineage", f"192.0.2.{number % 250}", NOW)
        done[2] += 1


def test_of_a_process_that_is_killed_nothing_is_lost_that_it_had_counted(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    path = tmp_path / "board"
    board, kills = Board(path), 20
    for number in range(kills):
        process = context.Process(target=_count_for_ever, args=(tmp_path, path))
        process.start()
        goal = board[2] + 400 + 37 * number
        until(lambda goal=goal: board[2] > goal, "the next counts")
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()

    table = UsageTable(tmp_path)
    found = sum(counted(table).values())
    assert board[2] <= found <= board[2] + kills
    assert all(use.address.startswith("192.0.2.") for use in table.unstored(NOW))
    table.close()
    board.close()


def _fill_up(folder: Path, told: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, 250_000))  # it cannot grow
    table = UsageTable(folder)
    for number in range(2_000):
        table.count(f"key-{number}", "lineage", "192.0.2.1", NOW)
    table.count("key-5", "lineage", "192.0.2.1", NOW + 5)
    told.send((len(table.unstored(NOW)), table.uncounted()))


def test_without_room_on_the_disk_it_says_how_many_it_did_not_count(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_fill_up, args=(tmp_path, theirs))
    process.start()
    found: Any = ours.recv()
    process.join()

    assert (process.exitcode, found) == (0, (1024, (976, int(NOW) * 1000)))
    table = UsageTable(tmp_path)
    for number in range(2_000):
        table.count(f"new-{number}", "lineage", "192.0.2.1", NOW)  # there is room again
    uncounted = table.uncounted()
    assert uncounted is not None
    assert uncounted[0] < 976 + 16
    assert sum(counted(table).values()) == 2_001 + 2_000 - uncounted[0]
    table.close()


def test_the_files_have_their_room_on_the_disk_from_the_start(tmp_path: Path, table: UsageTable) -> None:
    for path in tmp_path.iterdir():
        assert path.stat().st_blocks * 512 >= path.stat().st_size
