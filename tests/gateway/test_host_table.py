"""The host table: exact across processes, growing, surviving kills and torn files."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
from collections.abc import Iterator
from errno import ENOSPC
from pathlib import Path

import pytest

from gateway.host_file import map_file
from gateway.host_table import HostTable, forwarded_from_untrusted_at
from gateway.limits import Limit

NOW = 1_700_000_000.0
TIER = Limit("tier", 100, 3600, "account-1")
KEY = Limit("key", 5, 3600, "lineage-1")


@pytest.fixture
def table(tmp_path: Path) -> Iterator[HostTable]:
    opened = HostTable(tmp_path)
    yield opened
    opened.close()


def test_counts_until_the_quota_and_then_refuses(table: HostTable) -> None:
    answers = [table.count((KEY, TIER), NOW, enforce=True) for _ in range(6)]
    assert answers[:5] == [((n, n), None) for n in range(1, 6)]
    assert answers[5] == ((5, 5), 0)


def test_a_refused_request_counts_nowhere(table: HostTable) -> None:
    for _ in range(9):
        table.count((TIER, KEY), NOW, enforce=True)
    assert table.standing((TIER, KEY), NOW).floors == (5, 5)


def test_unenforced_limits_are_counted_and_refuse_nothing(table: HostTable) -> None:
    for _ in range(9):
        assert table.count((KEY,), NOW, enforce=False)[1] is None
    assert table.standing((KEY,), NOW).floors == (9,)


def test_each_window_counts_for_itself(table: HostTable) -> None:
    table.count((KEY,), NOW, enforce=True)
    assert table.standing((KEY,), NOW + 3600).floors == (0,)
    assert table.standing((KEY,), NOW).floors == (1,)


def test_what_redis_counted_is_the_floor_and_where_counting_goes_on(table: HostTable) -> None:
    assert table.settle(table.epoch(), (KEY,), (4,), NOW)
    assert table.settle(table.epoch(), (KEY,), (3,), NOW)
    assert table.standing((KEY,), NOW).floors == (4,)
    assert table.count((KEY,), NOW, enforce=True) == ((5,), None)
    assert table.count((KEY,), NOW, enforce=True) == ((5,), 0)


def test_an_answer_of_an_older_epoch_is_not_noted(table: HostTable) -> None:
    epoch = table.epoch()
    table.disbelieve()
    assert not table.settle(epoch, (KEY,), (4,), NOW)
    assert table.standing((KEY,), NOW).floors == (0,)


def test_belief_returns_only_to_the_epoch_in_which_it_was_asked_for(table: HostTable) -> None:
    epoch = table.epoch()
    table.disbelieve()
    assert not table.believe(epoch)
    assert not table.is_believed()
    assert table.believe(table.epoch())
    assert table.is_believed()


def test_losing_trust_twice_is_news_once_and_a_new_epoch_each_time(table: HostTable) -> None:
    table.believe(table.epoch())
    first = table.epoch()
    assert [table.disbelieve(), table.disbelieve()] == [True, False]
    assert table.epoch() == first + 2


def test_another_server_begins_a_new_epoch_and_the_same_does_not(table: HostTable) -> None:
    assert not table.knows_server("one")
    table.meet_server("one")
    epoch = table.epoch()
    table.meet_server("one")
    assert table.knows_server("one")
    assert table.epoch() == epoch
    table.meet_server("two")
    assert table.epoch() == epoch + 1


def test_it_grows_and_forgets_no_count(tmp_path: Path, table: HostTable) -> None:
    limits = [Limit("tier", 10, 3600, f"account-{number}") for number in range(9000)]
    for limit in limits:
        table.count((limit,), NOW, enforce=True)
    other = HostTable(tmp_path)
    assert all(
        each.standing((limit,), NOW).floors == (1,) for each in (table, other) for limit in limits[::7]
    )
    assert len(list(tmp_path.glob("counters.*"))) == 1
    other.close()


def test_windows_long_over_make_room(tmp_path: Path, table: HostTable) -> None:
    second = Limit("second", 10, 1, "lineage-1")
    for number in range(20_000):
        table.count((second,), NOW + number, enforce=True)
    assert max(path.stat().st_size for path in tmp_path.glob("counters.*")) < 300_000


def test_a_table_opened_before_it_grew_in_another_goes_on_exactly(tmp_path: Path, table: HostTable) -> None:
    other = HostTable(tmp_path)
    table.count((KEY,), NOW, enforce=True)
    for number in range(4000):
        other.count((Limit("tier", 10, 3600, f"account-{number}"),), NOW, enforce=True)
    assert table.count((KEY,), NOW, enforce=True) == ((2,), None)
    assert other.count((KEY,), NOW, enforce=True) == ((3,), None)
    other.close()


def test_who_could_not_open_the_newest_counters_once_goes_on_exactly(
    tmp_path: Path, table: HostTable
) -> None:
    other = HostTable(tmp_path)
    table.count((KEY,), NOW, enforce=True)
    for number in range(4000):
        other.count((Limit("tier", 10, 3600, f"account-{number}"),), NOW, enforce=True)
    (newest,) = tmp_path.glob("counters.[0-9]*")
    newest.rename(tmp_path / "aside")
    newest.mkdir()
    for _ in range(2):
        with pytest.raises(OSError, match="Is a directory"):
            table.count((KEY,), NOW, enforce=True)
    newest.rmdir()
    (tmp_path / "aside").rename(newest)

    assert table.count((KEY,), NOW, enforce=True) == ((2,), None)
    assert other.count((KEY,), NOW, enforce=True) == ((3,), None)
    other.close()


@pytest.mark.parametrize("size", [4096, 100_000])
def test_a_file_of_another_version_is_replaced_and_not_cut_under_who_has_it_mapped(
    tmp_path: Path, size: int
) -> None:
    path = tmp_path / "file"
    old = map_file(path, 8192, b"version 1")
    with path.open("rb") as before:
        new = map_file(path, size, b"version 2")
        assert os.fstat(before.fileno()).st_size == 8192
    assert (old[:9], new[:9]) == (b"version 1", b"version 2")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    old.close()
    new.close()


def test_counts_outlive_the_process(tmp_path: Path) -> None:
    first = HostTable(tmp_path)
    first.count((KEY,), NOW, enforce=True)
    first.close()
    second = HostTable(tmp_path)
    assert second.standing((KEY,), NOW).floors == (1,)
    second.close()


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 700_000])
def test_a_file_that_is_none_of_ours_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "host").write_bytes(content)
    (tmp_path / "counters.0").write_bytes(content)
    table = HostTable(tmp_path)
    assert table.count((KEY,), NOW, enforce=True) == ((1,), None)
    table.close()


def _count_many(folder: Path, times: int, admitted: object) -> None:
    table = HostTable(folder)
    mine = sum(table.count((TIER,), NOW, enforce=True)[1] is None for _ in range(times))
    admitted.put(mine)  # type: ignore[attr-defined]


def test_exactly_the_quota_is_admitted_over_processes(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    admitted = context.Queue()
    processes = [context.Process(target=_count_many, args=(tmp_path, 100, admitted)) for _ in range(8)]
    for process in processes:
        process.start()
    total = sum(admitted.get(timeout=30) for _ in processes)
    for process in processes:
        process.join()
    assert total == TIER.quota


def _count_for_ever(folder: Path) -> None:
    table = HostTable(folder)
    number = 0
    while True:
        number += 1
        table.count((Limit("tier", 10**9, 3600, f"account-{number % 5000}"),), NOW, enforce=True)


def test_a_killed_process_leaves_a_table_that_works(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    table = HostTable(tmp_path)
    table.count((KEY,), NOW, enforce=True)
    for _ in range(5):
        process = context.Process(target=_count_for_ever, args=(tmp_path,))
        process.start()
        probe = Limit("tier", 10**9, 3600, "account-100")
        before = table.standing((probe,), NOW).floors
        while table.standing((probe,), NOW).floors == before:
            pass
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    assert table.standing((KEY,), NOW).floors == (1,)
    table.close()


def _fill_up(folder: Path, told: object) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))  # it can grow once
    table = HostTable(folder)
    counted = 0
    try:
        for number in range(10_000):
            table.count((Limit("tier", 10, 3600, f"account-{number}"),), NOW, enforce=True)
            counted += 1
    except OSError as error:
        told.put((counted, error.errno))  # type: ignore[attr-defined]


def test_without_room_on_the_disk_it_counts_until_it_is_full_and_then_says_so(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    told = context.Queue()
    process = context.Process(target=_fill_up, args=(tmp_path, told))
    process.start()
    counted, errno = told.get(timeout=30)
    process.join()
    assert (process.exitcode, counted, errno) == (0, 8192, ENOSPC)
    table = HostTable(tmp_path)
    limits = [Limit("tier", 10, 3600, f"account-{number}") for number in range(8192)]
    assert all(table.standing((limit,), NOW).floors == (1,) for limit in limits)
    assert table.standing((KEY,), NOW).floors == (0,)
    table.close()


def test_the_files_have_their_room_on_the_disk_from_the_start(tmp_path: Path, table: HostTable) -> None:
    for path in tmp_path.iterdir():
        assert path.stat().st_blocks * 512 >= path.stat().st_size


def test_forwarded_headers_are_news_once(tmp_path: Path, table: HostTable) -> None:
    assert forwarded_from_untrusted_at(tmp_path) is None
    assert [table.note_forwarded_from_untrusted(NOW) for _ in range(2)] == [True, False]
    assert forwarded_from_untrusted_at(tmp_path) == int(NOW)
    table.forget_forwarded()
    assert forwarded_from_untrusted_at(tmp_path) is None


def test_failures_are_counted_by_network_and_minute(table: HostTable) -> None:
    assert [table.count_failure(b"a", NOW) for _ in range(3)] == [1, 2, 3]
    assert table.count_failure(b"b", NOW) == 1
    assert table.count_failure(b"a", NOW + 60) == 1


def test_failures_of_any_number_of_addresses_fit_and_the_worst_stays_known(table: HostTable) -> None:
    for _ in range(50):
        table.count_failure(b"worst", NOW)
    for number in range(20_000):
        table.count_failure(str(number).encode(), NOW)
    assert table.count_failure(b"worst", NOW) == 51
