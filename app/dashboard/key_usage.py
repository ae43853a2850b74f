"""The ranges of time in which the use of a key is shown, and the numbers of its chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import request

from app.models import Key
from app.services import services
from app.usage.report import Range, series_of
from app.usage.windows import DAY_MS, HOUR_MS, end


@dataclass(frozen=True, slots=True)
class Span:
    """So many hours or days, `length` in milliseconds, of which the last is the one of now."""

    title: str
    step: str
    length: int
    number: int

    def until(self, now_ms: int) -> Range:
        """Return the range that ends with the hour, or day, of `now_ms`."""
        until = end(now_ms + 1, self.length)
        return Range(until - self.number * self.length, until, self.length)


SPANS: Mapping[str, Span] = {
    "48h": Span("48 hours", "hour", HOUR_MS, 48),
    "90d": Span("90 days", "day", DAY_MS, 90),
    "365d": Span("365 days", "day", DAY_MS, 365),
}
_DEFAULT = "90d"


def asked_span() -> str:
    """Return the name of the range that the query asks for; any other word counts as not said."""
    asked = request.args.get("range", _DEFAULT)
    return asked if asked in SPANS else _DEFAULT


def chart_data(key: Key, span: Span) -> dict[str, Any]:
    """Return the requests of a key as `dashboard/chart.js` draws them."""
    within = span.until(int(services().clock() * 1000))
    counted = dict(series_of(services().db, key, within))
    times = range(within.since, within.until, within.length)
    return {
        "step": span.step,
        "times": [at // 1000 for at in times],
        "series": [{"label": "Requests", "values": [counted.get(at, 0) for at in times]}],
    }
