"""What was counted of many keys together on one day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from peewee import Database, ModelSelect

from app.db import driver
from app.models import Key
from app.usage.tally import REFUSAL
from app.usage.windows import DAY_MS, begin

# A cross join is made in the order in which it is written: from the keys, not from all that was used today.
# The indexes have all that is asked for, side by side; in the tables a day of each key lies among its years.
_REQUESTS = """
    SELECT sum(d.requests) FROM ({keys}) AS k
    CROSS JOIN usage_day AS d INDEXED BY usage_day_starts_at_key_id_requests
    WHERE d.key_id = k.id AND d.starts_at = ?"""
_REFUSALS = f"""
    SELECT d.name, sum(d.requests) FROM ({{keys}}) AS k
    CROSS JOIN usage_split_day AS d INDEXED BY usage_split_day_refusals
    WHERE d.key_id = k.id AND d.starts_at = ? AND d.kind = '{REFUSAL}' GROUP BY d.name ORDER BY 2 DESC, 1"""


@dataclass(frozen=True, slots=True)
class Today:
    """Requests that were let in, and refused ones by code, the most frequent first."""

    requests: int
    refusals: list[tuple[str, int]]


def today_of(db: Database, keys: ModelSelect[Key], now_ms: int) -> Today:
    """Return what was counted of `keys` on the day (UTC) of `now_ms`."""
    sql, parameters = keys.select(Key.id).sql()
    connection, day = driver(db), begin(now_ms, DAY_MS)
    requests: Any = connection.execute(_REQUESTS.format(keys=sql), (*parameters, day)).get
    refusals: Any = connection.execute(_REFUSALS.format(keys=sql), (*parameters, day)).fetchall()
    return Today(requests or 0, refusals)
