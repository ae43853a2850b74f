"""What was counted of many keys together on one day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from peewee import ModelSelect, fn

from app.models import Key, UsageDay, UsageSplitDay
from app.usage.tally import REFUSAL
from app.usage.windows import DAY_MS, begin


@dataclass(frozen=True, slots=True)
class Today:
    """Requests that were let in, and refused ones by code, the most frequent first."""

    requests: int
    refusals: list[tuple[str, int]]


def today_of(keys: ModelSelect[Key], now_ms: int) -> Today:
    """Return what was counted of `keys` on the day (UTC) of `now_ms`."""
    day, ids = begin(now_ms, DAY_MS), keys.select(Key.id).alias("seen")
    requests = (
        UsageDay.select(fn.SUM(UsageDay.requests))
        .join(ids, on=(ids.c.id == UsageDay.key_id))
        .where(UsageDay.starts_at == day)
        .scalar()
    )
    summed = fn.SUM(UsageSplitDay.requests)
    refusals: Any = (
        UsageSplitDay.select(UsageSplitDay.name, summed)
        .join(ids, on=(ids.c.id == UsageSplitDay.key_id))
        .where(UsageSplitDay.starts_at == day, UsageSplitDay.kind == REFUSAL)
        .group_by(UsageSplitDay.name)
        .order_by(summed.desc(), UsageSplitDay.name)
        .tuples()
    )
    return Today(requests or 0, list(refusals))
