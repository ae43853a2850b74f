"""Finds keys that need attention: one pass over the keys that an account sees, by plain SQL.

A grant, which is a scope or an integration, counts as used if the key called a route that asks for it. Which
routes a key called, and when last, stands in a table of its own (`UsageAction`), since the splits of a month
are too many to look through for thousands of keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from heapq import nsmallest
from typing import Any

from peewee import Database, ModelSelect

from app.bitrix.entities import ENTITIES
from app.db import driver
from app.keyring import ROTATION_RECOMMENDED_AFTER_MS
from app.models import Key
from app.registry import ROUTES
from app.registry.entities import BATCH
from app.usage.windows import DAY_MS

UNUSED_AFTER_MS = 30 * DAY_MS
"""A grant that was not used for so long is one too many."""
_NEVER_USED_AFTER_MS = 7 * DAY_MS
_IDLE_AFTER_MS = 90 * DAY_MS


class Kind(StrEnum):
    """Why a key needs attention. A key can be of several kinds, but for those that should be revoked: once
    that is done, it does not matter what else they lack.
    """

    NEVER_USED = "never-used"
    IDLE = "idle"
    UNUSED_GRANTS = "unused-grants"
    NO_WHITELIST = "no-whitelist"
    NO_EXPIRY = "no-expiry"
    ROTATION_DUE = "rotation-due"


_TO_BE_REVOKED = (Kind.NEVER_USED, Kind.IDLE)


@dataclass(frozen=True, slots=True)
class Found:
    """How many keys there are of a kind, and the ids of some of them, the oldest first."""

    count: int
    key_ids: list[str]


# ?1 is the time in unix milliseconds, ?2 which routes ask for which grants: pairs of route and grant.
_GIVEN = """
    WITH opens(action, granted) AS (SELECT value ->> 0, value ->> 1 FROM json_each(?2)),
    visible AS ({visible})"""
_WORKS = """
    NOT k.revoked AND k.successor_id IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?1)"""
# The plus: SQLite would rather look for each of all routes than at the few that the key called.
UNUSED = f"""
    SELECT held.value FROM json_each(iif(k.type = 'personal', k.integrations, k.scopes)) AS held
    WHERE NOT EXISTS (
        SELECT 1 FROM usage_action AS a
        WHERE a.key_id = k.id AND a.starts_at > ?1 - {UNUSED_AFTER_MS}
            AND (+a.name, held.value) IN (SELECT action, granted FROM opens))"""
"""Selects the grants that the key `k` did not use."""
_GRANTED_LATELY = f"""
    SELECT 1 FROM event AS e
    WHERE e.account_id = k.owner_id AND e.key_id = k.id AND e.created_at > ?1 - {UNUSED_AFTER_MS}
        AND e.type = 'key.changed'
        AND coalesce(e.after ->> 'scopes', e.after ->> 'integrations') IS NOT NULL"""
_CONDITIONS: Mapping[Kind, str] = {
    Kind.NEVER_USED: f"u.key_id IS NULL AND k.created_at < ?1 - {_NEVER_USED_AFTER_MS}",
    Kind.IDLE: f"u.last_used_at < ?1 - {_IDLE_AFTER_MS}",
    # Of a key that is not used at all it is said already.
    Kind.UNUSED_GRANTS: f"""
        u.last_used_at > ?1 - {UNUSED_AFTER_MS} AND k.created_at < ?1 - {UNUSED_AFTER_MS}
        AND EXISTS ({UNUSED}) AND NOT EXISTS ({_GRANTED_LATELY})""",
    Kind.NO_WHITELIST: "k.ip_whitelist = '[]'",
    Kind.NO_EXPIRY: "k.expires_at IS NULL",
    Kind.ROTATION_DUE: f"k.created_at < ?1 - {ROTATION_RECOMMENDED_AFTER_MS}",
}
_BITS = " | ".join(
    f"(coalesce({condition}, 0) << {bit})" for bit, condition in enumerate(_CONDITIONS.values())
)
_SURVEY = f"""
    SELECT k.id, {_BITS}
    FROM visible AS k LEFT JOIN usage_key AS u ON u.key_id = k.id WHERE {_WORKS}"""


def survey(
    db: Database, visible: ModelSelect[Key], now_ms: int, *, most: int, skipped: int = 0
) -> dict[Kind, Found]:
    """Return, of each kind that there is any key of, how many keys, and at most so many of them."""
    ids: dict[Kind, list[str]] = {kind: [] for kind in _CONDITIONS}
    for key_id, bits in reading(db, _SURVEY, visible, now_ms):
        for kind in _KINDS_OF[bits]:
            ids[kind].append(key_id)
    # Ids begin with the time at which they were made.
    return {
        kind: Found(len(found), nsmallest(skipped + most, found)[skipped:])
        for kind, found in ids.items()
        if found
    }


def reading(db: Database, statement: str, visible: ModelSelect[Key], now_ms: int) -> Any:
    """Return what a statement reads from `visible`, the keys that an account sees, at a time, which is ?1."""
    sql, parameters = visible.sql()
    # Parameters of `visible` have no numbers, and so come after those that have.
    given = _GIVEN.format(visible=sql)
    return driver(db).execute(given + statement, (now_ms, _OPENS, *parameters))


def _kinds_of(bits: int) -> list[Kind]:
    kinds = [kind for bit, kind in enumerate(_CONDITIONS) if bits >> bit & 1]
    return [kind for kind in kinds if kind in _TO_BE_REVOKED] or kinds


def _opens() -> str:
    asked = {(f"{route.method} {route.path}", grant) for route in ROUTES for grant in route.grants}
    # A batch's calls ask for what they ask for alone, and which calls it had is recorded nowhere.
    in_a_batch = {(f"{BATCH.method} {BATCH.path}", entity.scope) for entity in ENTITIES.values()}
    return json.dumps(sorted(asked | in_a_batch))


_OPENS = _opens()
_KINDS_OF = [_kinds_of(bits) for bits in range(1 << len(_CONDITIONS))]
