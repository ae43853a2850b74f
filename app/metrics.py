"""What Prometheus is told: decisions, latencies, and whether Redis decides.

Under gunicorn each worker writes its figures to files of its own, in a folder that gunicorn's settings name,
and :func:`exposition` adds up those of all workers.  Elsewhere the figures are those of the one process.

No label takes a value from a client.  Every combination of labels exists from the start: rates are right from
the first scrape, and no worker asks for room in its file when the disk is full, which would end it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.values import ValueClass

from app.wsgi_status import StatusSeen
from gateway.denial import DENIALS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["Metrics", "exposition"]

_MODES = ("redis", "local", "open", "closed")
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_decisions = Counter(
    "vibekeys_decisions",
    "Requests by what the gateway decided: allowed, public, replayed, or the code.",
    ["outcome"],
)
_without_redis = Counter(
    "vibekeys_decisions_without_redis", "Requests let in or refused by REDIS_DOWN's mode.", ["mode"]
)
_seconds = Histogram(
    "vibekeys_request_seconds", "Time to answer, in seconds.", ["status_class"], buckets=_BUCKETS
)

_decided = {outcome: _decisions.labels(outcome) for outcome in ("allowed", "public", "replayed", *DENIALS)}
_other = _decisions.labels("other")
_down = {mode: _without_redis.labels(mode) for mode in ("local", "open")}
_took = {status_class: _seconds.labels(f"{status_class}xx") for status_class in "2345"}


class Metrics:
    """WSGI middleware that counts each request once its answer has begun."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began = time.perf_counter()
        seen = StatusSeen(start_response)
        try:
            return self._app(environ, seen)
        finally:
            _took[seen.code[0]].observe(time.perf_counter() - began)
            _count_decision(environ)


def _count_decision(environ: WSGIEnvironment) -> None:
    _decided.get(environ.get("vibekeys.outcome", ""), _other).inc()
    decision = environ.get("vibekeys.admission") or environ.get("vibekeys.refusal")
    if decision is not None and decision.mode is not None:
        _down[decision.mode].inc()


class _RedisMode(Collector):
    """Who decides right now: Redis, or what ``REDIS_DOWN`` says.  Read when it is asked for, never stored."""

    def __init__(self, mode: str) -> None:
        self._mode = mode

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "vibekeys_redis_mode", "1 for who decides about limits now.", labels=["mode"]
        )
        for mode in _MODES:
            family.add_metric([mode], float(mode == self._mode))
        yield family


def exposition(redis_mode: str) -> bytes:
    """All figures of this host in Prometheus' text format; ``redis_mode`` is ``redis``, or ``REDIS_DOWN``."""
    registry = CollectorRegistry()
    registry.register(_RedisMode(redis_mode))
    several_processes = getattr(ValueClass, "_multiprocess", False)
    if several_processes:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest(registry) + generate_latest(REGISTRY)
