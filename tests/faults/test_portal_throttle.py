"""A portal is called by many processes no more often than Bitrix24 allows, whatever happens to Redis."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from app.bitrix.throttle import LONGEST_WAIT
from tests.conftest import ValkeyServer
from tests.faults.crowd import crowd
from tests.faults.figures import Figures
from tests.faults.throttled import Seat, call_a_portal

PROCESSES = 4
SECONDS = 7.0


def _troubles(server: ValkeyServer) -> None:
    """Kill Redis and start it again, stop it and let it go on, and empty it."""
    for trouble in (server.kill, server.start, server.pause, server.resume, server.flush):
        time.sleep(1.0)
        trouble()


def test_a_portals_bucket_never_runs_over(
    valkey_server: ValkeyServer, tmp_path: Path, figures: Figures, soak: bool
) -> None:
    calls, fullest, longest = 0, 0.0, 0.0
    for number in range(30 if soak else 1):
        valkey_server.flush()
        folder = tmp_path / f"{number}"
        folder.mkdir()
        with crowd(call_a_portal, [Seat(valkey_server.url, folder, SECONDS)] * PROCESSES) as workers:
            workers.ready()
            _troubles(valkey_server)
            results = workers.results()
        made_at = sorted(at for result in results for at in result.made_at)
        assert len(made_at) >= 48 + 2 * (SECONDS - 2), "nor is anybody held up for nothing"
        calls += len(made_at)
        fullest = max(fullest, _fullest(made_at))
        longest = max(longest, *(result.longest for result in results))
    figures.add(
        "Throttle",
        f"calls beyond a portal's limit by {PROCESSES} processes, Redis killed, stopped, emptied",
        max(0, round(fullest - 50)),
        calls,
        f"bucket at most {fullest:.1f} of 50 full, longest wait {longest:.1f} s",
    )
    assert fullest <= 50
    assert longest < LONGEST_WAIT + 1.0


def _fullest(made_at: Sequence[float]) -> float:
    """How full Bitrix24's bucket got, into which each call puts one, and from which two a second leak."""
    level, fullest, before = 0.0, 0.0, made_at[0]
    for at in made_at:
        level = max(0.0, level - 2 * (at - before)) + 1
        fullest, before = max(fullest, level), at
    return fullest
