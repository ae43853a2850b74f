"""Reads usage: all of a key's time for its card, one range of it in detail.

A range is of whole hours or whole days. Counts come from the table of that length. The splits of a range by
the hour are read from whole days as far as it has any, so that a year costs what 365 rows of each name cost.
Days are kept for longer than their hours, so that begins where the hours begin that are still there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import apsw
from peewee import Database

from app.db import driver
from app.models import Key, UsageKey
from app.usage.clients import OTHER
from app.usage.tally import KINDS, NETWORK
from app.usage.windows import DAY_MS, HOUR_MS, begin, end

BUCKETS = {"hour": HOUR_MS, "day": DAY_MS}
MOST_NETWORKS_TOLD = 100

_TABLES = {HOUR_MS: "hour", DAY_MS: "day"}
_ONE_KEY = "SELECT ?1 AS id"
_LINEAGE = """
    SELECT id FROM "key" WHERE lineage_id = ?1 UNION SELECT key_id FROM usage_key WHERE lineage_id = ?1"""
_SERIES = """
    SELECT starts_at, sum(requests) FROM usage_{length}
    WHERE key_id IN ({keys}) AND starts_at >= ?2 AND starts_at < ?3 GROUP BY starts_at ORDER BY starts_at"""
_SPLITS = """
    SELECT kind, name, sum(requests) FROM usage_split_{length}
    WHERE key_id IN ({keys}) AND starts_at >= ?2 AND starts_at < ?3 GROUP BY kind, name"""
_FIRST_SPLIT = """
    SELECT min((
        SELECT min(starts_at) FROM usage_split_hour
        WHERE key_id = one.id AND starts_at >= ?2 AND starts_at < ?3)) FROM ({keys}) AS one"""
_LAST_USE = """
    SELECT last_used_at, last_used_ip FROM usage_key WHERE key_id IN ({keys})
    ORDER BY last_used_at DESC LIMIT 1"""


class Total(NamedTuple):
    """All that was ever counted of one key. `last_used_at` is in unix milliseconds."""

    requests: int = 0
    last_used_at: int | None = None
    last_used_ip: str | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """From `since` to before `until`, in unix milliseconds; whole buckets of `length` milliseconds."""

    since: int
    until: int
    length: int

    @classmethod
    def around(cls, since: int, until: int, length: int) -> Range:
        """Return the smallest range of whole buckets that holds all from `since` to before `until`."""
        return cls(begin(since, length), end(until, length), length)

    def parts(self) -> Iterator[Range]:
        """Yield it as whole days, and as hours what is left before and after them."""
        first, last = end(self.since, DAY_MS), begin(self.until, DAY_MS)
        if self.length == DAY_MS or first >= last:
            yield self
            return
        parts = (
            Range(self.since, first, HOUR_MS),
            Range(first, last, DAY_MS),
            Range(last, self.until, HOUR_MS),
        )
        yield from (part for part in parts if part.since < part.until)


@dataclass(frozen=True, slots=True)
class Report:
    """One range of a key's, or a lineage's, usage. `splits` has names with their requests, by kind, the most
    frequent first; `series` has buckets by their beginning, those with requests only."""

    series: list[tuple[int, int]]
    last_use: Total
    splits: Mapping[str, list[tuple[str, int]]] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """All requests of the range."""
        return sum(requests for _, requests in self.series)


def totals_of(key_ids: Collection[str]) -> dict[str, Total]:
    """Return what was ever counted of each of these keys; those that were never used are left out."""
    if not key_ids:
        return {}
    columns = (UsageKey.key_id, UsageKey.requests, UsageKey.last_used_at, UsageKey.last_used_ip)
    rows: Any = UsageKey.select(*columns).where(UsageKey.key_id.in_(key_ids)).tuples()
    return {key_id: Total(*total) for key_id, *total in rows}


def report(db: Database, key: Key, within: Range, *, lineage: bool) -> Report:
    """Return what was counted of `key` within a range; with `lineage` of all keys of its lineage."""
    keys, name = (_LINEAGE, key.lineage_id) if lineage else (_ONE_KEY, key.id)
    with db.atomic():  # one transaction, so that all of it is of one moment
        connection = driver(db)
        last: Any = connection.execute(_LAST_USE.format(keys=keys), (name,)).fetchone()
        statement = _SERIES.format(keys=keys, length=_TABLES[within.length])
        series: Any = connection.execute(statement, (name, within.since, within.until)).fetchall()
        splits = _splits(connection, keys, name, within)
    last_use = Total() if last is None else Total(0, *last)
    return Report(series, last_use, splits)


def series_of(db: Database, key: Key, within: Range) -> list[tuple[int, int]]:
    """Return what a report on `key` has as its `series`, and no more."""
    statement = _SERIES.format(keys=_ONE_KEY, length=_TABLES[within.length])
    series: Any = driver(db).execute(statement, (key.id, within.since, within.until)).fetchall()
    return list(series)


def _splits(
    connection: apsw.Connection, keys: str, name: str, within: Range
) -> dict[str, list[tuple[str, int]]]:
    counts: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
    for part in _kept(connection, keys, name, within).parts():
        statement = _SPLITS.format(keys=keys, length=_TABLES[part.length])
        rows: Any = connection.execute(statement, (name, part.since, part.until))
        for kind, split, requests in rows:
            counts[kind][split] = counts[kind].get(split, 0) + requests
    return {kind: _most_frequent_first(kind, of_kind) for kind, of_kind in counts.items()}


def _kept(connection: apsw.Connection, keys: str, name: str, within: Range) -> Range:
    """The part of a range by the hour that is not before the first hour of which there are splits."""
    if within.length == DAY_MS:
        return within
    statement = _FIRST_SPLIT.format(keys=keys)
    first: Any = connection.execute(statement, (name, within.since, within.until)).get
    return Range(within.until if first is None else first, within.until, HOUR_MS)


def _most_frequent_first(kind: str, counts: dict[str, int]) -> list[tuple[str, int]]:
    other = counts.pop(OTHER, 0)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if kind == NETWORK:
        other += sum(requests for _, requests in ordered[MOST_NETWORKS_TOLD:])
        ordered = ordered[:MOST_NETWORKS_TOLD]
    return [*ordered, (OTHER, other)] if other else ordered
