"""Q1: sixteen processes count as one, at the edges of windows too, on one host and on many."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.records import AccountRecord
from tests.faults.counting import Keys, Seat, work
from tests.faults.crowd import Board, crowd, until
from tests.faults.figures import Figures, Windows
from tests.gateway.records import new_key
from tests.gateway.rig import START

PROCESSES = 16
# The clock goes on by a tenth of a second each time that so many decisions were made …
_DECISIONS_A_TICK = 25
# … and is never further than this from the top of an hour, where all three windows end at once.
_SECONDS_AROUND_THE_HOUR = 4


def _keys() -> Keys:
    """Three limits on each request; some of them fill in each window, some in none."""
    return Keys(
        keys=(
            new_key(account_id="a", lineage_id="one", rate_limit=20, hourly_limit=90),
            new_key(account_id="a", lineage_id="two", rate_limit=33, hourly_limit=170),
            new_key(account_id="a", lineage_id="two", rate_limit=33, hourly_limit=170),
            new_key(account_id="b", lineage_id="three", rate_limit=7, hourly_limit=10_000),
            new_key(account_id="b", lineage_id="four", rate_limit=1000, hourly_limit=120),
        ),
        accounts=(
            AccountRecord("a", 1, tier="enterprise", hourly_limit=210),
            AccountRecord("b", 1, tier="enterprise", hourly_limit=150),
        ),
    )


def _times() -> list[float]:
    ticks = range(-_SECONDS_AROUND_THE_HOUR * 10, _SECONDS_AROUND_THE_HOUR * 10)
    return [START + 3600 * hour + tick / 10 for hour in range(1, 600) for tick in ticks]


@pytest.mark.parametrize("hosts", [1, PROCESSES])
def test_exactly_the_limit_is_admitted_in_every_window(
    hosts: int, valkey_url: str, tmp_path: Path, figures: Figures, soak: bool
) -> None:
    each = (1_000_000 if soak else 50_000) // 2 // PROCESSES + 1
    keys, times = _keys(), _times()
    keys.publish(valkey_url)
    board = Board(tmp_path / "board")
    board[0] = times[0]
    folders = [tmp_path / f"host-{number}" for number in range(hosts)]
    for folder in folders:
        folder.mkdir()
    seats = [
        Seat(
            number=number,
            url=valkey_url,
            folder=folders[number % hosts],
            board=tmp_path / "board",
            keys=keys,
            policy={"redis_timeout": 30.0},
            seed=f"{figures.seed}",
            decisions=each,
        )
        for number in range(PROCESSES)
    ]
    with crowd(work, seats) as workers:
        workers.ready()
        # Less one each, since a worker tells what it has done before it does the next.
        for tick, goal in enumerate(range(0, (each - 1) * PROCESSES, _DECISIONS_A_TICK)):
            until(lambda goal=goal: board.done >= goal, "the next decisions", 60)
            board[0] = times[tick]
        tallies = workers.results()
    board.close()

    windows = Windows()
    for tally in tallies:
        windows.admit(tally.admitted)
        windows.refuse(tally.refused)
    made = sum(tally.decisions for tally in tallies)
    figures.add(
        "Q1",
        f"over- and under-admissions by {PROCESSES} processes on {hosts} hosts",
        windows.over + windows.under + windows.twice,
        made,
        f"{windows.full} of {len(windows.used)} windows full",
    )
    assert made == each * PROCESSES
    assert sum(tally.local + tally.unavailable for tally in tallies) == 0
    assert windows.full > len(windows.used) / 4
    assert (windows.over, windows.under, windows.twice) == (0, 0, 0)
