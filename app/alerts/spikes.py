"""SPIKE: far more requests in an hour than a lineage has as a rule.

An hour is one if it has at least 50 requests and more than five times the mean of the hours before it: of the
last seven days, or of all since the first use if that was later. There must be 24 of them at least. Hours
without a request count as such.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apsw

from app.alerts.finding import Finding, Hour
from app.usage.windows import DAY_MS, HOUR_MS, begin

TYPE = "SPIKE"
FACTOR = 5
LEAST_REQUESTS = 50
LEAST_HOURS = 24
TRAILING_MS = 7 * DAY_MS

_MANY = """
    SELECT usage_key.lineage_id, sum(usage_hour.requests) AS total
    FROM usage_hour CROSS JOIN usage_key ON usage_key.key_id = usage_hour.key_id
    WHERE usage_hour.starts_at = ? GROUP BY usage_key.lineage_id HAVING total >= ?"""
_KEYS = "SELECT key_id FROM usage_key WHERE lineage_id = ?1"
_BEFORE = f"""
    SELECT min(starts_at), sum(requests) FROM usage_hour
    WHERE key_id IN ({_KEYS}) AND starts_at >= ?2 AND starts_at < ?3"""
_EARLIER = f"""
    SELECT EXISTS (SELECT 1 FROM usage_day WHERE key_id IN ({_KEYS}) AND starts_at < ?3)
        OR EXISTS (SELECT 1 FROM usage_hour WHERE key_id IN ({_KEYS}) AND starts_at < ?2)"""
_NEWEST_KEY = """
    SELECT owner_id, id, name, key_prefix FROM "key" WHERE lineage_id = ? ORDER BY created_at DESC LIMIT 1"""


def findings(connection: apsw.Connection, hour: Hour, hours_kept_ms: int) -> Iterator[Finding]:
    """Yield the lineages of which this hour is one, as far as it has come.

    Usage by the hour is there for the last `hours_kept_ms` milliseconds.
    """
    since = hour.starts_at - min(TRAILING_MS, hours_kept_ms)
    many: Any = connection.execute(_MANY, (hour.starts_at, LEAST_REQUESTS)).fetchall()
    for lineage_id, requests in many:
        hours, mean = _usual(connection, lineage_id, since, hour.starts_at)
        newest: Any = connection.execute(_NEWEST_KEY, (lineage_id,)).fetchone()
        if hours >= LEAST_HOURS and requests > FACTOR * mean and newest is not None:
            account_id, key_id, key_name, key_prefix = newest
            facts = {
                "key_name": key_name,
                "key_prefix": key_prefix,
                "hour_starts_at": hour.starts_at,
                "request_count": requests,
                "mean": round(mean, 2),
                "mean_of_hours": hours,
                "factor": FACTOR,
            }
            yield Finding(account_id, TYPE, lineage_id, key_id, hour.starts_at, facts)


def _usual(connection: apsw.Connection, lineage_id: str, since: int, until: int) -> tuple[int, float]:
    """How many hours there are to compare with, and the mean of their requests."""
    before: Any = connection.execute(_BEFORE, (lineage_id, since, until)).fetchone()
    first, total = before
    earlier: Any = connection.execute(_EARLIER, (lineage_id, since, begin(since, DAY_MS))).get
    start = since if earlier else first
    hours = 0 if start is None else (until - start) // HOUR_MS
    return hours, (total or 0) / hours if hours else 0.0
