"""A gateway in one process, put together by hand: what build() does for the whole service."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.authorize import Allowed, Authorizer, Policy, Refused
from gateway.host_table import HostTable
from gateway.records import AccountRecord, KeyRecord
from gateway.redis_link import Greeting, open_link
from gateway.source import LegacyForms
from gateway.store import PUBLISHED_KEY, Store
from gateway.trust import Trust, Watch
from gateway.usage_table import UsageTable
from tests.gateway.records import MemorySource, new_key

START = 1_700_002_800.0  # the top of an hour


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Worker:
    """What one worker process has: its own connections, cache and view of the host table."""

    def __init__(self, url: str, folder: Path, source: MemorySource, clock: Clock, policy: Policy) -> None:
        self.clock, self.source = clock, source
        self.host_table, self.usage_table = HostTable(folder), UsageTable(folder)
        self.trust = Trust(self.host_table)
        self.store = Store(open_link(url, policy.redis_timeout, PUBLISHED_KEY, self._greet))
        self.watch = Watch(self.trust, self.store, source)
        self.authorizer = Authorizer(
            self.store,
            source,
            self.host_table,
            self.usage_table,
            self.trust,
            policy,
            clock,
            self._legacy_forms,
        )

    def ask(self, raw_key: str, address: str = "192.0.2.1") -> Allowed | Refused:
        return self.authorizer.authorize(raw_key, address)

    def code(self, raw_key: str, address: str = "192.0.2.1") -> str:
        decision = self.ask(raw_key, address)
        return "allowed" if isinstance(decision, Allowed) else decision.denial.code

    def close(self) -> None:
        self.store.close()
        self.host_table.close()
        self.usage_table.close()

    def _greet(self, greeting: Greeting) -> None:
        self.trust.greet(greeting, self.source)

    def _legacy_forms(self) -> LegacyForms:
        return self.watch.legacy_forms


class Rig:
    """Workers of one host around one source and one Redis."""

    def __init__(self, url: str, folder: Path, **policy: Any) -> None:
        self.url, self.folder = url, folder
        self.source, self.clock = MemorySource(), Clock()
        # The tests that are not about time-outs leave time enough for a busy machine.
        self.policy = Policy(**({"redis_timeout": 2.0} | policy))
        self.workers: list[Worker] = []
        first = self.worker()
        self.source.store = first.store
        first.watch.look()
        assert first.trust.believed()

    def worker(self) -> Worker:
        """Return one more worker of the host."""
        worker = Worker(self.url, self.folder, self.source, self.clock, self.policy)
        self.workers.append(worker)
        return worker

    def close(self) -> None:
        for worker in self.workers:
            worker.close()


MakeRig = Callable[..., Rig]


def known(rig: Rig, account: AccountRecord | None = None, **fields: Any) -> tuple[str, KeyRecord]:
    """Return a raw key that the source knows, with its record."""
    raw_key, record = new_key(**fields)
    rig.source.add(record, account)
    return raw_key, record
