"""The one change that would mend a key, as `Keyring.change` takes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from peewee import Database, ModelSelect

from app.attention.survey import UNUSED, UNUSED_AFTER_MS, Kind, reading
from app.models import Key
from app.usage.clients import OTHER
from app.usage.windows import DAY_MS, end

MOST_NETWORKS = 5
"""A key that was used from more networks than these is not restricted to them by one click."""
_EXPIRES_AFTER_MS = 90 * DAY_MS

_UNUSED = f" SELECT k.id, (SELECT json_group_array(value) FROM ({UNUSED})) FROM visible AS k"
# Of all its lineage: who used its predecessor until lately may not have used the key itself so far.
_NETWORKS = f"""
    SELECT k.id, json_group_array(DISTINCT s.name)
    FROM visible AS k JOIN usage_key AS u ON u.lineage_id = k.lineage_id
        JOIN usage_split_day AS s ON s.key_id = u.key_id
    WHERE s.starts_at > ?1 - {UNUSED_AFTER_MS} AND s.kind = 'network' GROUP BY k.id"""

Mend = Mapping[str, Any]
Mends = dict[str, Mend]


def mends_of(db: Database, visible: ModelSelect[Key], kind: Kind, keys: Sequence[Key], now_ms: int) -> Mends:
    """Return what would be changed about each of these keys, by its id.

    Left out is what is for a person to do: to rotate, which shows a raw key, or to choose.
    """
    found = _MENDS[kind]
    return found(db, visible.where(Key.id.in_([key.id for key in keys])), keys, now_ms)


def _revoke(db: Database, visible: ModelSelect[Key], keys: Sequence[Key], now_ms: int) -> Mends:
    return {key.id: {"status": "REVOKED"} for key in keys}


def _expire(db: Database, visible: ModelSelect[Key], keys: Sequence[Key], now_ms: int) -> Mends:
    # Whole days, so that what was said on a page is still what is done.
    return {key.id: {"expires_at": end(now_ms + _EXPIRES_AFTER_MS, DAY_MS)} for key in keys}


def _restrict(db: Database, visible: ModelSelect[Key], keys: Sequence[Key], now_ms: int) -> Mends:
    rows = reading(db, _NETWORKS, visible, now_ms)
    networks = {key_id: sorted(json.loads(names)) for key_id, names in rows}
    return {
        key_id: {"ip_whitelist": known}
        for key_id, known in networks.items()
        if len(known) <= MOST_NETWORKS and OTHER not in known
    }


def _take_away(db: Database, visible: ModelSelect[Key], keys: Sequence[Key], now_ms: int) -> Mends:
    unused = {key_id: json.loads(names) for key_id, names in reading(db, _UNUSED, visible, now_ms)}
    mends: Mends = {}
    for key in keys:
        column = "integrations" if key.type == "personal" else "scopes"
        kept = [grant for grant in getattr(key, column) if grant not in unused.get(key.id, ())]
        if kept and key.id in unused:  # a key has one at least
            mends[key.id] = {column: kept}
    return mends


def _rotate(db: Database, visible: ModelSelect[Key], keys: Sequence[Key], now_ms: int) -> Mends:
    return {}


_MENDS: Mapping[Kind, Callable[[Database, ModelSelect[Key], Sequence[Key], int], Mends]] = {
    Kind.NEVER_USED: _revoke,
    Kind.IDLE: _revoke,
    Kind.UNUSED_GRANTS: _take_away,
    Kind.NO_WHITELIST: _restrict,
    Kind.NO_EXPIRY: _expire,
    Kind.ROTATION_DUE: _rotate,
}
