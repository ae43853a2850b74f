"""What the workers of a host share is never half written: who is killed, or reads without the lock, finds
the old number or the new one."""

from __future__ import annotations

import mmap
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.host_table import HostTable
from gateway.limits import Limit

NOW = 1_700_002_800.0
MANY = 1_234  # no other word of a file is this number
RISES = 60_000
LIMIT = Limit("tier", 10**9, 3600, "account-1")


def one_more_request(folder: Path) -> Callable[[], object]:
    table = HostTable(folder)
    return lambda: table.count((LIMIT,), NOW, enforce=True)


def one_more_failure(folder: Path) -> Callable[[], object]:
    table = HostTable(folder)
    return lambda: table.count_failure(b"192.0.2.1", NOW)


def _do_for_ever(opening: Callable[[Path], Callable[[], object]], folder: Path) -> None:
    step = opening(folder)
    while True:
        step()


@contextmanager
def word_of(path: Path, number: int) -> Iterator[Callable[[], int]]:
    """The one word of the file that is `number` now, read from the memory that all share."""
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        words = memoryview(mapped).cast("Q")
        (place,) = [place for place, word in enumerate(words) if word == number]
        yield lambda: words[place]
        words.release()


@pytest.mark.parametrize(
    ("opening", "name"),
    [
        (one_more_request, "counters.0"),
        (one_more_failure, "host"),
    ],
)
def test_a_count_that_another_process_raises_is_never_seen_lower(
    tmp_path: Path, opening: Callable[[Path], Callable[[], object]], name: str
) -> None:
    step = opening(tmp_path)
    for _ in range(MANY):
        step()

    with word_of(tmp_path / name, MANY) as count:
        process = multiprocessing.get_context("fork").Process(target=_do_for_ever, args=(opening, tmp_path))
        process.start()
        lower, last = set(), MANY
        while last < MANY + RISES and process.is_alive():
            for _ in range(1000):
                before, last = last, count()
                if last < before:
                    lower.add(last)
        process.kill()
        process.join()

    assert last >= MANY + RISES
    assert lower == set()
