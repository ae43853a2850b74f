"""Metrics: what is counted, and that no client can add a label."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from werkzeug.test import Client

from app.metrics import Metrics, exposition


def answer(_environ: Any, start_response: Any) -> list[bytes]:
    start_response("429 Too Many Requests", [])
    return []


def figure(name: str, label: str, redis_mode: str = "redis") -> float:
    text = exposition(redis_mode).decode()
    found = re.search(rf"^{name}{{{re.escape(label)}}} (\S+)$", text, re.MULTILINE)
    assert found, f"{name}{{{label}}}"
    return float(found[1])


def ask(**environ: Any) -> None:
    Client(Metrics(answer)).get("/", environ_overrides={f"vibekeys.{k}": v for k, v in environ.items()})


def test_each_request_is_counted_by_its_outcome_and_timed_by_its_status() -> None:
    limited = figure("vibekeys_decisions_total", 'outcome="RATE_LIMITED"')
    timed = figure("vibekeys_request_seconds_count", 'status_class="4xx"')
    ask(outcome="RATE_LIMITED")
    assert figure("vibekeys_decisions_total", 'outcome="RATE_LIMITED"') == limited + 1
    assert figure("vibekeys_request_seconds_count", 'status_class="4xx"') == timed + 1


def test_an_outcome_that_is_not_known_becomes_other() -> None:
    other = figure("vibekeys_decisions_total", 'outcome="other"')
    ask(outcome="<script>")
    ask()
    assert figure("vibekeys_decisions_total", 'outcome="other"') == other + 2
    assert b"<script>" not in exposition("redis")


def test_decisions_without_redis_are_counted_whether_they_admit_or_refuse() -> None:
    local = figure("vibekeys_decisions_without_redis_total", 'mode="local"')
    ask(outcome="allowed", admission=SimpleNamespace(mode="local"))
    ask(outcome="RATE_LIMITED", refusal=SimpleNamespace(mode="local"))
    ask(outcome="KEY_REVOKED", refusal=SimpleNamespace(mode=None))
    assert figure("vibekeys_decisions_without_redis_total", 'mode="local"') == local + 2


def test_the_mode_of_this_moment_is_the_one_that_is_1() -> None:
    assert figure("vibekeys_redis_mode", 'mode="open"', redis_mode="open") == 1
    assert figure("vibekeys_redis_mode", 'mode="redis"', redis_mode="open") == 0
