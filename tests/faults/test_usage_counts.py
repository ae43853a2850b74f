"""Usage: every request that was let in is counted once, over two workers, while everything is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import apsw

from tests.conftest import ValkeyServer
from tests.faults.crowd import until
from tests.faults.figures import Figures
from tests.faults.pipeline import Pipeline
from tests.faults.service import Installation, installation
from tests.serve.processes import REPOSITORY

CLIENTS = 4
KEYS = 5
BEHIND_AT_MOST = 10.0

_WORKER = (sys.executable, "-P", "-m", "app.cli", "worker")
_COUNTS = "SELECT key_id, sum(requests) FROM {} GROUP BY key_id"
_STATUSES = "SELECT sum(requests) FROM usage_split_hour WHERE kind = 'status'"


class Rollup:
    """`vibekeys worker`, which is killed and started again."""

    def __init__(self, made: Installation) -> None:
        self._made = made
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._made.folder / "worker.log").open("ab") as log:
            self._process = subprocess.Popen(
                _WORKER, cwd=REPOSITORY, env=self._made.environ, stdout=log, stderr=log
            )

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


class Faults:
    """What can be done to a service, in turns."""

    def __init__(
        self, made: Installation, valkey: ValkeyServer, rollup: Rollup, chance: random.Random
    ) -> None:
        self._made, self._valkey, self._rollup, self._chance = made, valkey, rollup, chance
        self.done = Counter[str]()

    def commit(self, number: int) -> None:
        """Commit one fault: the rollup, a worker, the rollup, Redis, …"""
        faults: list[Callable[[], None]] = [
            self._kill_rollup,
            self._kill_worker,
            self._kill_rollup,
            self._kill_redis,
        ]
        fault = faults[number % len(faults)]
        fault()
        self.done[fault.__name__] += 1

    def _kill_rollup(self) -> None:
        self._rollup.kill()
        self._rollup.start()

    def _kill_worker(self) -> None:
        workers = self._made.servers[0].workers()
        os.kill(self._chance.choice(workers), signal.SIGKILL)

    def _kill_redis(self) -> None:
        self._valkey.kill()
        time.sleep(self._chance.uniform(0.0, 0.3))
        self._valkey.start()
        if self._chance.random() < 0.5:
            self._valkey.flush()


class Stored:
    """What the database tells by now, by key."""

    def __init__(self, folder: Path) -> None:
        self._database = apsw.Connection(f"{folder}/vibekeys.db", flags=apsw.SQLITE_OPEN_READWRITE)
        self._database.set_busy_timeout(5000)

    def of(self, table: str) -> Counter[str]:
        return Counter(dict(self._database.execute(_COUNTS.format(table)).fetchall()))  # type: ignore[arg-type]

    def statuses(self) -> int:
        return int(self._database.execute(_STATUSES).get or 0)  # type: ignore[call-overload]

    def close(self) -> None:
        self._database.close()


def test_counts_match_exactly_whatever_is_killed(
    valkey_server: ValkeyServer, tmp_path: Path, figures: Figures, soak: bool
) -> None:
    requests = 1_000_000 if soak else 100_000
    chance = random.Random(figures.seed)
    with installation(
        tmp_path, valkey_server, servers=1, portal_keys=KEYS, WEB_CONCURRENCY="2", REDIS_TIMEOUT_MS="250"
    ) as made:
        ids, rollup, stored = made.made["keys"], Rollup(made), Stored(tmp_path)
        rollup.start()
        faults = Faults(made, valkey_server, rollup, chance)
        clients = _clients(made, requests, f"{figures.seed}")
        number = 0
        while any(client.is_alive() for client in clients):
            goal = sum(client.done for client in clients) + chance.randint(2_000, 5_000)
            until(
                lambda goal=goal: (
                    sum(client.done for client in clients) > goal
                    or not any(client.is_alive() for client in clients)
                ),
                "the next answers",
            )
            faults.commit(number)
            number += 1
        answered, unanswered = _known(clients, ids)
        ended = time.monotonic()
        until(lambda: stored.of("usage_hour") >= answered, "all that was answered is stored")
        behind = time.monotonic() - ended
        before = stored.of("usage_hour")

        # Without a fault there is nothing that the clients do not know.
        quiet = _clients(made, 2_000, "quiet")
        for client in quiet:
            client.join()
        after, unknown = _known(quiet, ids)
        until(lambda: stored.of("usage_hour") >= before + after, "the last ones are stored")
        until(lambda: stored.statuses() >= 2_000, "the splits of the last ones are stored")
        counts = [stored.of(table) for table in ("usage_hour", "usage_day", "usage_key")]
        statuses = stored.statuses()
        rollup.kill()
        stored.close()

    cut = unanswered.total()
    counted_of_the_cut = before.total() - answered.total()
    figures.add(
        "Usage",
        "requests counted twice or not at all, two workers, "
        + ", ".join(
            f"{times} × {fault.lstrip('_').replace('_', ' ')}" for fault, times in faults.done.items()
        ),
        max(0, -counted_of_the_cut) + max(0, counted_of_the_cut - cut),
        answered.total() + cut,
        f"{cut} were cut by a kill, {counted_of_the_cut} of them had been let in; {behind:.1f} s behind",
    )
    assert answered <= before <= answered + unanswered
    assert unknown.total() == 0
    assert counts == [before + after] * 3
    assert behind < BEHIND_AT_MOST
    assert counts[0].total() * 0.8 < statuses <= counts[0].total()
    assert set(faults.done) == {"_kill_rollup", "_kill_worker", "_kill_redis"}


def _clients(made: Installation, requests: int, seed: str) -> list[Pipeline]:
    port, raw_keys = made.servers[0].port, list(made.made["keys"])
    clients = [Pipeline(port, raw_keys, requests // CLIENTS, f"{seed} {number}") for number in range(CLIENTS)]
    for client in clients:
        client.start()
    return clients


def _known(clients: list[Pipeline], ids: dict[str, str]) -> tuple[Counter[str], Counter[str]]:
    """Requests that were answered, and those that were not, by the key's id."""
    answered, unanswered = Counter[str](), Counter[str]()
    for client in clients:
        for (raw_key, status), requests in client.answered.items():
            assert status in (200, 404), f"{requests} answers {status}"
            answered[ids[raw_key]] += requests
        for raw_key, requests in client.unanswered.items():
            unanswered[ids[raw_key]] += requests
    return answered, unanswered
