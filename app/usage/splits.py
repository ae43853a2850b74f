"""Adds what a process has gathered to the tables, in one transaction.

Numbers are added, so each is to be given once: this is not for exact counts, which `app.usage.rollup` takes
over, but for what may lose a killed worker's last second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, takewhile
from typing import Any

import apsw
from peewee import Database

from app.db import driver, writing
from app.usage.clients import OTHER
from app.usage.tally import ACTION, MOST_NETWORKS, NETWORK, REFUSAL, Gathered, Split
from app.usage.windows import DAY_MS, HOUR_MS, begin
from gateway.keys import prefix_of

MOST_ADDRESSES = 10_000
"""About as many are stored for one hour, of those that sent wrong keys."""
_MOST_OF_ONE_PREFIX = 10
"""Two keys can begin alike; with many it is no longer told whose a wrong one was meant to be."""

_TABLES = (("usage_split_hour", HOUR_MS), ("usage_split_day", DAY_MS))
_ADD = """
    INSERT INTO {table} (key_id, starts_at, kind, name, requests) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (key_id, starts_at, kind, name) DO UPDATE SET requests = requests + excluded.requests"""
_CALLED = """
    INSERT INTO usage_action (key_id, name, starts_at) VALUES (?, ?, ?)
    ON CONFLICT (key_id, name) DO UPDATE SET starts_at = excluded.starts_at
    WHERE excluded.starts_at > starts_at"""
_NETWORKS = "SELECT name FROM {table} WHERE key_id = ? AND starts_at = ? AND kind = 'network'"
_BEGIN_ALIKE = 'SELECT id FROM "key" WHERE key_prefix = ? AND is_legacy = ? LIMIT ?'
_OLDER = 'FROM "key" WHERE is_legacy AND unchecked_prefix = ?'
_OLDER_UP_TO = f"SELECT max(key_prefix) {_OLDER} AND key_prefix <= ?"
_ONE_OWNER = f"""
    SELECT (SELECT min(owner_id) {_OLDER} AND key_prefix = ?)
         = (SELECT max(owner_id) {_OLDER} AND key_prefix = ?)"""
_ADD_WRONG = """
    INSERT INTO wrong_keys (requests, starts_at, address) VALUES (?, ?, ?)
    ON CONFLICT (starts_at, address) DO UPDATE SET requests = requests + excluded.requests"""
_RAISE_WRONG = "UPDATE wrong_keys SET requests = requests + ? WHERE starts_at = ? AND address = ?"
_ADDRESSES = "SELECT count(*) FROM wrong_keys WHERE starts_at = ?"


def store(db: Database, gathered: Gathered) -> None:
    """Add it all, or nothing. Raises `ApiError` DATABASE_UNAVAILABLE, or what peewee and APSW raise."""
    with writing(db, lambda reason: None):
        connection = driver(db)
        splits = _with_wrong_keys(connection, gathered)
        for table, length in _TABLES:
            rows = sorted(_by_window(splits, length).items())
            connection.executemany(_ADD.format(table=table), _bounded(connection, table, rows))
        connection.executemany(_CALLED, _called(splits))
        for hour, of_hour in groupby(sorted(gathered.wrong_from.items(), key=_hour_of), key=_hour_of):
            rows_of_hour = [(requests, hour, address) for (address, _), requests in of_hour]
            addresses: Any = connection.execute(_ADDRESSES, (hour,)).get
            connection.executemany(_ADD_WRONG if addresses < MOST_ADDRESSES else _RAISE_WRONG, rows_of_hour)


def _with_wrong_keys(connection: apsw.Connection, gathered: Gathered) -> dict[Split, int]:
    """Return the splits, and among them as refusals of a key what began like it and was another."""
    splits = dict(gathered.splits)
    for (beginning, hour, code), requests in gathered.wrong_keys.items():
        for key_id in _alike(connection, beginning):
            split = key_id, hour, REFUSAL, code
            splits[split] = splits.get(split, 0) + requests
    return splits


def _called(splits: Iterable[Split]) -> Iterator[tuple[str, str, int]]:
    for key_id, hour, kind, name in splits:
        if kind == ACTION and name != OTHER:
            yield key_id, name, begin(hour, DAY_MS)


def _alike(connection: apsw.Connection, beginning: str) -> Iterator[str]:
    """Yield a few of the keys that begin like that: keys made here, and those of an older system whose prefix
    is the longest that fits. Of those none, if several accounts have such ones."""
    of_older = _older_prefix(connection, beginning)
    for prefix, is_legacy in ((beginning, False), (of_older, True)):
        if prefix is not None:
            found: Any = connection.execute(_BEGIN_ALIKE, (prefix, is_legacy, _MOST_OF_ONE_PREFIX)).fetchall()
            yield from (key_id for (key_id,) in found)


def _older_prefix(connection: apsw.Connection, beginning: str) -> str | None:
    unchecked, fits = int(prefix_of(beginning) is not None), beginning
    while fits:
        # The greatest that is not behind it is either its beginning, or shows how much of it can be one.
        nearest: Any = connection.execute(_OLDER_UP_TO, (unchecked, fits)).get
        if nearest is None:
            return None
        if fits.startswith(nearest):
            is_of_one = connection.execute(_ONE_OWNER, (unchecked, nearest) * 2).get
            return nearest if is_of_one else None
        common = takewhile(lambda pair: pair[0] == pair[1], zip(fits, nearest, strict=False))
        fits = "".join(letter for letter, _ in common)
    return None


def _by_window(splits: dict[Split, int], length: int) -> dict[Split, int]:
    summed: dict[Split, int] = {}
    for (key_id, hour, kind, name), requests in splits.items():
        split = key_id, begin(hour, length), kind, name
        summed[split] = summed.get(split, 0) + requests
    return summed


def _bounded(
    connection: apsw.Connection, table: str, rows: Iterable[tuple[Split, int]]
) -> Iterator[tuple[str, int, str, str, int]]:
    """Yield the rows, networks that are beyond the bound of a key and window as `other`."""
    networks = _NETWORKS.format(table=table)
    for (key_id, starts_at, kind), of_kind in groupby(rows, key=lambda row: row[0][:3]):
        known: set[str] = set()
        if kind == NETWORK:
            stored: Any = connection.execute(networks, (key_id, starts_at)).fetchall()
            known = {name for (name,) in stored}
        for (_, _, _, name), requests in of_kind:
            if kind == NETWORK and name not in known:
                name = name if len(known) < MOST_NETWORKS else OTHER
                known.add(name)
            yield key_id, starts_at, kind, name, requests


def _hour_of(wrong_from: tuple[tuple[str, int], int]) -> int:
    return wrong_from[0][1]
