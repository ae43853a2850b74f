"""ROTATION_DUE and EXPIRING: keys that work and that somebody should replace soon.

A key is due for rotation when it is older than 90 days, and it is told that it expires seven days before. One
that was rotated already is neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apsw

from app.alerts.finding import Finding
from app.usage.windows import DAY_MS

ROTATION_DUE, EXPIRING = TYPES = ("ROTATION_DUE", "EXPIRING")
DUE_AFTER_MS = 90 * DAY_MS
TOLD_BEFORE_MS = 7 * DAY_MS

_WORKS = """
    NOT "key".revoked AND "key".successor_id IS NULL
    AND ("key".expires_at IS NULL OR "key".expires_at > ?1)"""
_CONDITIONS = {
    ROTATION_DUE: f'"key".created_at < ?2 AND {_WORKS}',
    EXPIRING: f'"key".expires_at IS NOT NULL AND "key".expires_at <= ?2 AND {_WORKS}',
}
_FOUND = """
    SELECT id, owner_id, name, key_prefix, created_at, expires_at FROM "key"
    WHERE {condition} AND NOT EXISTS (
        SELECT 1 FROM alert
        WHERE alert.type = '{type}' AND alert.key_id = "key".id AND alert.closed_at IS NULL)
    LIMIT ?3"""
_OVER = """
    SELECT alert.id FROM alert LEFT JOIN "key" ON "key".id = alert.key_id AND {condition}
    WHERE alert.type = '{type}' AND alert.closed_at IS NULL AND "key".id IS NULL LIMIT ?3"""


def findings(connection: apsw.Connection, type: str, now_ms: int, most: int) -> Iterator[Finding]:
    """Yield keys that are due or expire soon, without an alert so far; at most so many."""
    statement = _FOUND.format(condition=_CONDITIONS[type], type=type)
    rows: Any = connection.execute(statement, (now_ms, _limit(type, now_ms), most)).fetchall()
    for key_id, account_id, key_name, key_prefix, created_at, expires_at in rows:
        facts = {"key_name": key_name, "key_prefix": key_prefix, "created_at": created_at}
        facts["expires_at"] = expires_at
        yield Finding(account_id, type, key_id, key_id, None, facts)


def over(connection: apsw.Connection, type: str, now_ms: int, most: int) -> list[str]:
    """Return the ids of alerts whose key is no such key any more; at most so many."""
    statement = _OVER.format(condition=_CONDITIONS[type], type=type)
    rows: Any = connection.execute(statement, (now_ms, _limit(type, now_ms), most)).fetchall()
    return [alert_id for (alert_id,) in rows]


def _limit(type: str, now_ms: int) -> int:
    return now_ms - DUE_AFTER_MS if type == ROTATION_DUE else now_ms + TOLD_BEFORE_MS
