"""Time per call, without a server: each stack is called as a WSGI application, in this process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from wsgiref.types import WSGIApplication

from werkzeug.test import create_environ

from bench import stacks
from bench.installation import Installation
from bench.rounds import Rounds, in_turns
from bench.table import print_table, shown

ROUNDS = 15
_SLICE = 0.1  # seconds that one stack is called in each round

BARE, TIER, FULL, TODAY = (
    "bare Flask",
    "gateway, tier limit",
    "gateway, 3 limits, 1,000 networks",
    "today's stack, 2 limits, 3 networks",
)


def run(installation: Installation) -> None:
    """Measure and print."""
    guarded, plain, todays = stacks.gateway(), stacks.bare(), stacks.todays()
    rounds = in_turns(
        {
            BARE: _slice(plain, installation.key_tier_only),
            TIER: _slice(guarded, installation.key_tier_only),
            FULL: _slice(guarded, installation.key_full),
            TODAY: _slice(todays, installation.key_tier_only),
        },
        ROUNDS,
    )
    print_table(
        "In process, microseconds a call",
        ("", "median", "min – max", "× bare", "added", "added, × today's"),
        [_row(rounds, name) for name in (BARE, TIER, FULL, TODAY)],
    )


def _row(rounds: Rounds, name: str) -> list[str]:
    cells = [name, *shown(rounds.of(name), 0), f"{rounds.ratio(name, BARE).median:.2f}"]
    if name == BARE:
        return [*cells, "", ""]
    added, todays = rounds.difference(name, BARE).median, rounds.difference(TODAY, BARE).median
    return [*cells, f"{added:,.0f}", f"{added / todays:.2f}"]


def _slice(app: WSGIApplication, raw_key: str) -> Callable[[], float]:
    """Return what calls `app` for a while and tells the microseconds that a call took."""
    environ = create_environ(stacks.PATH, headers={"X-Api-Key": raw_key})
    environ["REMOTE_ADDR"] = "127.0.0.1"

    def measure() -> float:
        calls, began = 0, time.perf_counter()
        while (took := time.perf_counter() - began) < _SLICE:
            for _ in range(10):
                _call(app, environ.copy())
            calls += 10
        return took / calls * 1e6

    return measure


def _call(app: WSGIApplication, environ: dict[str, Any]) -> None:
    statuses: list[str] = []
    answer = app(environ, lambda status, headers, exc_info=None: statuses.append(status))  # type: ignore[arg-type]
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    if statuses != ["200 OK"]:
        raise RuntimeError(f"{statuses}: {body[:500]!r}")
