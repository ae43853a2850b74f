"""The gateway's records as the database has them now.

By plain SQL on the driver's connection, which takes a fortieth of the time of peewee's queries: the
gateway waits for a look-up. Looking up and publishing read through the same statements, so that what
is published and what is looked up cannot differ.

The account's row is always read before its portals. A change between the two reads gives an older
revision with newer portals, which a later publication puts right; the other order would give old
portals a new revision, for ever.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import apsw
from peewee import Database, DatabaseError, InterfaceError

from app.db import driver
from gateway.records import AccountRecord, KeyRecord, PortalState, Snapshot, Tombstone
from gateway.source import SourceError

Row = tuple[Any, ...]
T = TypeVar("T")

_KEY_COLUMNS = """
    k.digest, k.id, k.lineage_id, k.owner_id, k.revision, k.type, k.name, k.key_prefix, k.key_suffix,
    k.revoked, k.expires_at, k.grace_ends_at, k.rotated_at, k.portal_id, k.scopes, k.integrations,
    k.ip_whitelist, k.rate_limit, k.hourly_limit, k.is_legacy"""
_ACCOUNT_COLUMNS = "a.id, a.revision, a.status, a.tier, a.hourly_limit"

_BOTH = f"""
    SELECT {_KEY_COLUMNS}, {_ACCOUNT_COLUMNS}
    FROM "key" AS k JOIN account AS a ON a.id = k.owner_id"""
_BY_DIGEST = f"{_BOTH} WHERE k.digest = ?"
_BY_ID = f"{_BOTH} WHERE k.id = ?"
_KEY = f'SELECT {_KEY_COLUMNS} FROM "key" AS k WHERE k.digest = ?'
_ACCOUNT = f"SELECT {_ACCOUNT_COLUMNS} FROM account AS a WHERE a.id = ?"
_TOMBSTONE = "SELECT digest, account_id, revision FROM tombstone WHERE digest = ?"
# `held` goes from one of the owner's portals to the next in the index, and so passes over all keys but
# the first of each: there is no cap on the number of keys. A former member's portals are wanted too, since
# it is told first whether the portal is active.
_PORTALS = """
    WITH RECURSIVE held(portal_id) AS (
        SELECT ''
        UNION ALL
        SELECT (SELECT min(portal_id) FROM "key" WHERE owner_id = ?1 AND portal_id > held.portal_id)
        FROM held WHERE held.portal_id IS NOT NULL)
    SELECT p.id, p.status = 'ACTIVE', m.account_id IS NOT NULL
    FROM portal AS p LEFT JOIN membership AS m ON m.portal_id = p.id AND m.account_id = ?1
    WHERE p.id IN (
        SELECT portal_id FROM membership WHERE account_id = ?1
        UNION ALL SELECT portal_id FROM held)"""

_KEY_WIDTH = _KEY_COLUMNS.count(",") + 1


def read_snapshot(db: Database, digest: str) -> Snapshot | None:
    """Return both records of the key with this digest; None if there is none. Raises `SourceError`."""
    return reading(db, lambda connection: _snapshot(connection, _BY_DIGEST, digest))


def read_holder(db: Database, key_id: str) -> Snapshot | None:
    """Return both records of the key with this id; None if there is none. Raises `SourceError`."""
    return reading(db, lambda connection: _snapshot(connection, _BY_ID, key_id))


def read_record(db: Database, kind: str, ref: str) -> KeyRecord | AccountRecord | Tombstone:
    """Return the record of an `unpublished` row as it is now. Raises `SourceError` if it can't be read."""
    read = _account if kind == "account" else _key_or_tombstone
    return reading(db, lambda connection: read(connection, ref))


def reading(db: Database, read: Callable[[apsw.Connection], T]) -> T:
    """Return what `read` reads on this thread's connection. Raises `SourceError` if it can't be read."""
    try:
        return read(driver(db))
    except (apsw.Error, DatabaseError, InterfaceError, LookupError) as error:
        raise SourceError(f"{type(error).__name__}: {error}") from error


def one(connection: apsw.Connection, statement: str, *parameters: str) -> Row:
    """Return the one row that must be there; raises LookupError if it is not."""
    row = connection.execute(statement, parameters).fetchone()
    if row is None:
        raise LookupError("a row that must be there is not")
    return tuple(row)


def _snapshot(connection: apsw.Connection, statement: str, ref: str) -> Snapshot | None:
    row = connection.execute(statement, (ref,)).fetchone()
    if row is None:
        return None
    return Snapshot(_key_record(row[:_KEY_WIDTH]), _account_record(connection, row[_KEY_WIDTH:]))


def _key_or_tombstone(connection: apsw.Connection, digest: str) -> KeyRecord | Tombstone:
    row = connection.execute(_KEY, (digest,)).fetchone()
    return _key_record(row) if row else Tombstone(*one(connection, _TOMBSTONE, digest))


def _account(connection: apsw.Connection, account_id: str) -> AccountRecord:
    return _account_record(connection, one(connection, _ACCOUNT, account_id))


def _key_record(row: Row) -> KeyRecord:
    (digest, key_id, lineage_id, account_id, revision, key_type, name, prefix, suffix, revoked, expires_at,
     grace_ends_at, rotated_at, portal_id, scopes, integrations, ip_whitelist, rate_limit, hourly_limit,
     is_legacy) = row  # fmt: skip
    return KeyRecord(
        digest=digest,
        key_id=key_id,
        lineage_id=lineage_id,
        account_id=account_id,
        revision=revision,
        type=key_type,
        name=name,
        prefix=prefix,
        suffix=suffix,
        revoked=bool(revoked),
        expires_at=_seconds(expires_at),
        grace_ends_at=_seconds(grace_ends_at),
        deprecated_at=_seconds(rotated_at),
        portal_id=portal_id,
        scopes=tuple(json.loads(scopes)),
        integrations=tuple(json.loads(integrations)),
        ip_whitelist=tuple(json.loads(ip_whitelist)),
        rate_limit=rate_limit,
        hourly_limit=hourly_limit,
        is_legacy=bool(is_legacy),
    )


def _account_record(connection: apsw.Connection, row: Row) -> AccountRecord:
    account_id, revision, status, tier, hourly_limit = row
    portals = connection.execute(_PORTALS, (account_id,))
    return AccountRecord(
        account_id=account_id,
        revision=revision,
        status=status,
        tier=tier,
        hourly_limit=hourly_limit,
        portals={
            portal_id: PortalState(active=bool(active), member=bool(member))
            for portal_id, active, member in portals
        },
    )


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
