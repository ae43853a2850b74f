"""Workers that decide for all they are worth, each in a process of its own, as those of a server."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from gateway.authorize import Allowed, Policy, Refused
from gateway.records import AccountRecord, KeyRecord
from gateway.redis_link import open_link
from gateway.store import PUBLISHED_KEY, Store
from tests.faults.crowd import Board, BoardClock, wait
from tests.gateway.records import MemorySource
from tests.gateway.rig import Worker

Row = tuple[str, str, int, int, int]
_OWN_TIME = Path("/proc/thread-self/schedstat")


@dataclass(frozen=True)
class Keys:
    """Raw keys, their records, and their accounts' records."""

    keys: tuple[tuple[str, KeyRecord], ...]
    accounts: tuple[AccountRecord, ...]

    def source(self) -> MemorySource:
        """A source that has recorded that all of this was published."""
        source = MemorySource()
        accounts = {account.account_id: account for account in self.accounts}
        for _, key in self.keys:
            source.add(key, accounts[key.account_id])
        source.note_published(len(self.keys) + len(self.accounts))
        return source

    def publish(self, url: str) -> None:
        store = Store(open_link(url, 5.0, PUBLISHED_KEY, lambda greeting: None))
        for record in (*self.accounts, *(key for _, key in self.keys)):
            store.publish(record)
        store.close()


@dataclass(frozen=True)
class Seat:
    """What one worker needs. `decisions` is how many it makes; None: until the board says that it is over."""

    number: int
    url: str
    folder: Path
    board: Path
    keys: Keys
    policy: dict[str, Any]
    seed: str
    decisions: int | None = None
    real_time: bool = False


@dataclass
class Tally:
    """What one worker has seen. Times in seconds: `slowest` is a decision's own time, without what it
    waited for a processor, which was `longest_wait` at most."""

    decisions: int
    admitted: list[Row]
    refused: set[tuple[str, str, int, int]]
    unavailable: int
    local: int
    slowest: float
    longest_wait: float


def work(seat: Seat, pipe: Connection) -> Tally:
    """Decide about requests with the seat's keys, in random order."""
    board, choice = Board(seat.board), random.Random(f"{seat.seed} {seat.number}")
    clock: Any = time.time if seat.real_time else BoardClock(board)
    worker = Worker(seat.url, seat.folder, seat.keys.source(), clock, Policy(**seat.policy))
    worker.watch.look()
    if seat.real_time:
        worker.watch.start()
    tally = Tally(0, [], set(), 0, 0, 0.0, 0.0)
    raw_keys = [raw_key for raw_key, _ in seat.keys.keys]
    wait(pipe)
    for made in count() if seat.decisions is None else range(seat.decisions):
        if board.over:
            break
        board[2 + seat.number] = made
        _decide(worker, choice.choice(raw_keys), tally)
    if seat.real_time:
        worker.watch.stop()
    worker.close()
    board.close()
    return tally


def _decide(worker: Worker, raw_key: str, tally: Tally) -> None:
    waited, began = _waited_for_a_processor(), time.perf_counter()
    decision = worker.ask(raw_key)
    took = time.perf_counter() - began
    waited = _waited_for_a_processor() - waited
    tally.slowest = max(tally.slowest, took - waited)
    tally.longest_wait = max(tally.longest_wait, waited)
    tally.decisions += 1
    if decision.mode is not None:
        tally.local += 1
    rows = _rows(decision)
    if isinstance(decision, Allowed):
        tally.admitted.extend(rows)
    elif decision.denial.code == "RATE_LIMITED":
        scope = (decision.denial.details or {})["scope"]
        tally.refused.update(row[:4] for row in rows if row[0] == scope)
    else:
        tally.unavailable += 1


def _rows(decision: Allowed | Refused) -> Iterable[Row]:
    return [
        (usage.limit.scope, usage.limit.owner, usage.start, usage.limit.quota, usage.used)
        for usage in decision.usages
    ]


def _waited_for_a_processor() -> float:
    """Seconds for which this thread was ready to run and was not let (Linux; elsewhere always 0)."""
    try:
        return int(_OWN_TIME.read_bytes().split()[1]) / 1e9
    except FileNotFoundError:
        return 0.0
