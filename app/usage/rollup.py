"""Takes the exact counts over from the host's table into the database, for good.

What a slot of the table says is an absolute number, and is stored as such: a row a slot. What the row gains
is added to the key's day and to the key's sum in the same transaction. So it does not matter how often it is
done, nor at which instant whoever does it is killed.

Nothing is removed of hours that the table still has slots of, since their numbers would be added once more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from peewee import Database

from app.config import Config
from app.db import driver, writing
from app.usage.windows import DAY_MS, HOUR_MS, begin
from gateway.address import parse_address
from gateway.usage_table import UsageTable, Use

WRONG_KEYS_KEPT_MS = 2 * DAY_MS
ACTIONS_KEPT_MS = 90 * DAY_MS
_STORED_AT_ONCE = 250
_REMOVED_AT_ONCE = 500
"""Writers of keys wait for the lock meanwhile, and requests for the table's."""

_KNOWN = "SELECT requests FROM usage_hour WHERE key_id = ? AND starts_at = ? AND slot = ?"
_HOUR = """
    INSERT INTO usage_hour (key_id, starts_at, slot, requests) VALUES (?, ?, ?, ?)
    ON CONFLICT (key_id, starts_at, slot) DO UPDATE SET requests = excluded.requests"""
_DAY = """
    INSERT INTO usage_day (key_id, starts_at, requests) VALUES (?, ?, ?)
    ON CONFLICT (key_id, starts_at) DO UPDATE SET requests = requests + excluded.requests"""
_KEY = """
    INSERT INTO usage_key (key_id, lineage_id, requests, last_used_at, last_used_ip) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (key_id) DO UPDATE SET
        requests = requests + excluded.requests,
        last_used_ip = iif(excluded.last_used_at < last_used_at, last_used_ip, excluded.last_used_ip),
        last_used_at = max(last_used_at, excluded.last_used_at)"""
_REMOVE = """
    DELETE FROM {table} WHERE ({columns}) IN (
        SELECT {columns} FROM {table} WHERE starts_at < ? LIMIT ?)"""


class Rollup:
    """Stores what the table of this host has counted, and removes what was kept for long enough.

    One process of a host at a time should; that two do harms nothing but the one that waits.
    """

    def __init__(self, db: Database, table: UsageTable, clock: Callable[[], float], config: Config) -> None:
        self._db, self._table, self._clock = db, table, clock
        self._hours_kept_ms = config.usage_hours_kept_days * DAY_MS
        days_kept = config.usage_days_kept_days
        # A range by the hour is read from whole days where it can be: they are kept as long as their hours.
        self._days_kept_ms = None if days_kept is None else max(days_kept * DAY_MS, self._hours_kept_ms)

    def roll_up(self) -> None:
        """Store all that was counted until now.

        Raises `ApiError` DATABASE_UNAVAILABLE if the database cannot be written; then it is stored later.
        """
        now = self._clock()
        uses = self._table.unstored(now)
        for start in range(0, len(uses), _STORED_AT_ONCE):
            few = uses[start : start + _STORED_AT_ONCE]
            self._store(few)
            self._table.note_stored(few, now)
        self._table.note_all_stored(now)

    def remove_outdated(self) -> None:
        """Remove what was kept for long enough. Raises as `roll_up` does."""
        now = self._clock()
        now_ms = int(now * 1000)
        counted = min((use.hour * 1000 for use in self._table.unstored(now)), default=now_ms)
        hours_before = min(begin(now_ms - self._hours_kept_ms, HOUR_MS), counted)
        self._remove("usage_hour", "key_id, starts_at, slot", hours_before)
        self._remove("usage_split_hour", "key_id, starts_at, kind, name", hours_before)
        self._remove("wrong_keys", "starts_at, address", now_ms - WRONG_KEYS_KEPT_MS)
        self._remove("usage_action", "key_id, name", now_ms - ACTIONS_KEPT_MS)
        if self._days_kept_ms is not None:
            days_before = begin(now_ms - self._days_kept_ms, DAY_MS)
            self._remove("usage_day", "key_id, starts_at", days_before)
            self._remove("usage_split_day", "key_id, starts_at, kind, name", days_before)

    def _store(self, uses: Sequence[Use]) -> None:
        if not any(use.requests for use in uses):
            return
        with writing(self._db):
            for use in uses:
                self._store_one(use)

    def _store_one(self, use: Use) -> None:
        execute: Callable[..., Any] = self._db.execute_sql
        starts_at = use.hour * 1000
        known = execute(_KNOWN, (use.key_id, starts_at, use.slot)).fetchone()
        gained = use.requests - (0 if known is None else known[0])
        if gained <= 0:
            return
        address = use.address if parse_address(use.address) is not None else None
        execute(_HOUR, (use.key_id, starts_at, use.slot, use.requests))
        execute(_DAY, (use.key_id, begin(starts_at, DAY_MS), gained))
        execute(_KEY, (use.key_id, use.lineage_id, gained, use.last_at, address))

    def _remove(self, table: str, columns: str, before: int) -> None:
        execute: Callable[..., Any] = self._db.execute_sql
        statement, removed = _REMOVE.format(table=table, columns=columns), 1
        while removed:
            with writing(self._db):
                execute(statement, (before, _REMOVED_AT_ONCE))
                removed = driver(self._db).changes()
