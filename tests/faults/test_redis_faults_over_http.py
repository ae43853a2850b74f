"""Q2 again, from outside: the whole service, two workers, its Redis killed, stopped and flushed."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from pathlib import Path

from gateway.host_table import HostTable
from tests.conftest import ValkeyServer
from tests.faults.crowd import until
from tests.faults.figures import Figures, Windows
from tests.faults.service import Answer, Caller, Server, installation
from tests.faults.test_redis_faults import FAULTS

CLIENTS = 6
QUOTAS = (5, 20, 60)


class Client(threading.Thread):
    """Calls with one key after the other, until it is told to stop."""

    def __init__(self, server: Server, quotas: dict[str, int]) -> None:
        super().__init__()
        self._caller: Caller = server.caller()
        self._quotas = quotas
        self._over = threading.Event()
        self.windows, self.statuses = Windows(), Counter[int]()
        self.slowest, self.local = 0.0, 0

    def run(self) -> None:
        for raw_key in itertools.cycle(self._quotas):
            if self._over.is_set():
                break
            began = time.monotonic()
            answer = self._caller.call("GET", "/v1/me", raw_key)
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.statuses[answer.status] += 1
            self.local += "X-RateLimit-Mode" in answer.headers
            self._note(raw_key, answer)
        self._caller.close()

    def stop(self) -> None:
        self._over.set()

    def _note(self, raw_key: str, answer: Answer) -> None:
        quota, start = self._quotas[raw_key], int(answer.headers["X-RateLimit-Reset"]) - 1
        assert int(answer.headers["X-RateLimit-Limit"]) == quota
        if answer.status == 200:
            used = quota - int(answer.headers["X-RateLimit-Remaining"])
            self.windows.admit([("second", raw_key, start, quota, used)])
        else:
            self.windows.refuse([("second", raw_key, start, quota)])


def test_the_service_goes_on_answering_exactly(
    valkey_server: ValkeyServer, tmp_path: Path, figures: Figures, soak: bool
) -> None:
    faults = 200 if soak else len(FAULTS)
    chance = random.Random(figures.seed)
    with installation(
        tmp_path,
        valkey_server,
        servers=1,
        portal_keys=len(QUOTAS),
        WEB_CONCURRENCY="2",
        TIER_PRO_HOURLY="9999999",
    ) as made:
        raw_keys = list(made.made["keys"])
        keys = made.changer()
        assert keys.received() == "ready"
        for raw_key, quota in zip(raw_keys, QUOTAS, strict=True):
            assert keys.ask(("key", made.made["keys"][raw_key], {"rate_limit": quota})) == "done"
        keys.end()
        clients = [Client(made.servers[0], dict(zip(raw_keys, QUOTAS, strict=True))) for _ in range(CLIENTS)]
        host = HostTable(tmp_path)
        for client in clients:
            client.start()
        for number in range(faults):
            until(host.is_believed, "Redis decides again")
            goal = sum(client.statuses.total() for client in clients) + chance.randint(50, 300)
            until(
                lambda goal=goal: sum(client.statuses.total() for client in clients) > goal,
                "the next answers",
            )
            FAULTS[number % len(FAULTS)](valkey_server, chance)
        until(host.is_believed, "Redis decides again")
        for client in clients:
            client.stop()
        for client in clients:
            client.join()
        host.close()

    statuses, windows = Counter[int](), Windows()
    for client in clients:
        statuses.update(client.statuses)
        windows.add(client.windows)
    figures.add(
        "Q2",
        f"answers 5xx / over-admitted over HTTP, {faults} faults",
        f"{sum(statuses[status] for status in statuses if status >= 500)} / {windows.over + windows.twice}",
        statuses.total(),
        f"{sum(client.local for client in clients):,} without Redis, "
        f"slowest answer {max(client.slowest for client in clients) * 1000:.0f} ms",
    )
    assert statuses.keys() == {200, 429}
    assert (windows.over, windows.twice) == (0, 0)
    assert windows.full > 0
