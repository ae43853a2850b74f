"""ROTATION_DUE and EXPIRING: keys that work and that somebody should replace soon.

A key is due for rotation when it is older than 90 days, and it is told that it expires seven days before. One
that was rotated already is neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apsw

from app.alerts.finding import Finding
from app.keyring import ROTATION_RECOMMENDED_AFTER_MS
from app.usage.windows import DAY_MS

EXPIRING, ROTATION_DUE = TYPES = ("EXPIRING", "ROTATION_DUE")
TOLD_BEFORE_MS = 7 * DAY_MS

_AGE = {EXPIRING: "expires_at", ROTATION_DUE: "created_at"}
"""By which column keys of a type are found."""
_LIVES = 'NOT "key".revoked AND "key".successor_id IS NULL'
_CONDITIONS = {
    EXPIRING: f'"key".expires_at > ?1 AND "key".expires_at <= ?2 AND {_LIVES}',
    ROTATION_DUE: f"""
        "key".created_at < ?2 AND {_LIVES} AND ("key".expires_at IS NULL OR "key".expires_at > ?1)""",
}
_FOUND = """
    SELECT id, owner_id, name, key_prefix, created_at, expires_at, {age} FROM "key"
    WHERE {condition} AND ({age}, id) > (?3, ?4) AND NOT EXISTS (
        SELECT 1 FROM alert
        WHERE alert.type = '{type}' AND alert.key_id = "key".id AND alert.closed_at IS NULL)
    ORDER BY {age}, id LIMIT ?5"""
_OVER = """
    SELECT alert.id FROM alert LEFT JOIN "key" ON "key".id = alert.key_id AND {condition}
    WHERE alert.type = '{type}' AND alert.closed_at IS NULL AND "key".id IS NULL LIMIT ?3"""


def pages(connection: apsw.Connection, type: str, now_ms: int, size: int) -> Iterator[list[Finding]]:
    """Yield keys that are due or expire soon and have no alert so far, the oldest first, `size` at a time."""
    statement = _FOUND.format(condition=_CONDITIONS[type], type=type, age=_AGE[type])
    after: tuple[int, str] = (0, "")
    while rows := _rows(connection, statement, (now_ms, _limit(type, now_ms), *after, size)):
        page = []
        for key_id, account_id, key_name, key_prefix, created_at, expires_at, age in rows:
            facts = {"key_name": key_name, "key_prefix": key_prefix, "created_at": created_at}
            facts["expires_at"] = expires_at
            page.append(Finding(account_id, type, key_id, key_id, None, facts))
            after = age, key_id
        yield page


def over(connection: apsw.Connection, type: str, now_ms: int, most: int) -> list[str]:
    """Return the ids of alerts whose key is no such key any more; at most so many."""
    statement = _OVER.format(condition=_CONDITIONS[type], type=type)
    return [alert_id for (alert_id,) in _rows(connection, statement, (now_ms, _limit(type, now_ms), most))]


def _rows(connection: apsw.Connection, statement: str, values: tuple[int | str, ...]) -> Any:
    return connection.execute(statement, values).fetchall()


def _limit(type: str, now_ms: int) -> int:
    return now_ms - ROTATION_RECOMMENDED_AFTER_MS if type == ROTATION_DUE else now_ms + TOLD_BEFORE_MS
