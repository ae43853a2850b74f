"""The audit log: one row a change, written in the change's own transaction, chained by HMAC.

Each row's MAC covers the row and the MAC before it, and rows are numbered without gaps. So a row
that was altered, removed, moved or inserted is found without the secret being at hand when it
happened. A log whose tail was cut off is still a good chain; that is why number and MAC of each row
also go to the service's log (event `audit.row`; of rows that a command wrote, by the worker's `audit.head`),
from where `verify` can be told the head.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from peewee import JOIN, Case, CompoundSelectQuery, Expression, ModelSelect, TextField, fn

from app.db import database
from app.models import Account, Audit, Key
from app.secrets import Secrets
from gateway.keys import display_parts, masked, prefix_of

_PURPOSE = "audit"
_START = "0" * 64
_LOWEST = -(2**63)
"""Of all numbers that a row can be given: one before the first is no row of ours either."""
_COVERED = (
    "seq",
    "at",
    "actor_kind",
    "actor_account_id",
    "actor_key_id",
    "address",
    "action",
    "target_kind",
    "target_id",
    "before",
    "after",
)
_NAMED = re.compile("([1-9][0-9]{0,18}):([0-9a-f]{64})")
_NOT_OURS = "the row is not the one that was written here, or SECRET_KEY is not the one that signed it"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found: rows that are right, the last one's MAC, and the first broken row, if any."""

    rows: int
    mac: str
    broken: int | None = None
    why: str = ""


def facts(values: Mapping[str, Any] | None) -> str | None:
    """Return a `before` or `after` as the text that is stored; raw keys in it are cut to what is public."""
    if values is None:
        return None
    return masked(json.dumps(values, sort_keys=True, separators=(",", ":")))


def difference(
    before: Mapping[str, Any], after: Mapping[str, Any], *, always: Collection[str] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what differs of what was and what is now, and what is told `always`."""
    told = [name for name in after if name in always or name not in before or before[name] != after[name]]
    return {name: before[name] for name in told if name in before}, {name: after[name] for name in told}


def append(secrets: Secrets, row: Audit, newest: Audit | None = None) -> None:
    """Number, sign and write `row`. The caller's transaction must hold the write lock.

    `newest` is the row that the same transaction has written last, if it has written one: it need not be
    looked up then.
    """
    seq, mac_before = (newest.seq, newest.mac) if newest is not None else head() or (0, _START)
    row.seq = seq + 1
    row.mac = secrets.mac(_PURPOSE, _signed_text([getattr(row, name) for name in _COVERED], mac_before))
    row.save(force_insert=True)


def head() -> tuple[int, str] | None:
    """Return number and MAC of the newest row; None if there is no row yet."""
    newest = Audit.select(Audit.seq, Audit.mac).order_by(Audit.seq.desc()).first()
    return None if newest is None else (newest.seq, newest.mac)


def verify(secrets: Secrets, head: tuple[int, str] | None = None, *, newest: int | None = None) -> Verdict:
    """Walk the log, all of it or only so many of the `newest` rows, and return how far it is right.

    `head` is the number and MAC of a row, taken from the service's log: the row must be there.
    """
    right, mac = _row_before(newest)
    verdict = _walk(secrets, _stored(_LOWEST if newest is None else right + 1), (right, mac), head)
    if verdict.broken is None and head is not None and verdict.rows < head[0]:
        return Verdict(verdict.rows, verdict.mac, verdict.rows + 1, f"the log ends before row {head[0]}")
    return verdict


def verify_on(secrets: Secrets, right: tuple[int, str] | None, seconds: float) -> Verdict:
    """Walk on from a row that was found right, or from the first, for about so many seconds.

    There is more to walk if the verdict has fewer rows than the log.
    """
    ends_at = time.monotonic() + seconds
    rows = takewhile(
        lambda _: time.monotonic() < ends_at, _stored(_LOWEST if right is None else right[0] + 1)
    )
    return _walk(secrets, rows, right or (0, _START))


def row_named(text: str) -> tuple[int, str] | None:
    """Return the number and MAC that a text of the form `N:MAC` names, as `head` of `verify` takes them."""
    found = _NAMED.fullmatch(text)
    return None if found is None else (int(found[1]), found[2])


def entries(
    *,
    before: int | None = None,
    action: str | None = None,
    account_id: str | None = None,
    key: str | None = None,
    target_kind: str | None = None,
    target_id: str | None = None,
    since: int | None = None,
    until: int | None = None,
) -> ModelSelect[Audit]:
    """Return the query of the rows that fit, in no order, each with its actor's `email` and `key_prefix`.

    `account_id` is the actor's. So is `key`, if it is an id; what a raw key begins with finds the rows by or
    about such keys, since who has found one somewhere asks whose it was. `since` (inclusive) and `until`
    (exclusive) are unix milliseconds; rows `before` one are those with a lower number.
    """
    conditions = (
        (before, Audit.seq < before),
        (action, Audit.action == action),
        (account_id, Audit.actor_account_id == account_id),
        (key, _concerns(key or "")),
        (target_kind, Audit.target_kind == target_kind),
        (target_id, Audit.target_id == target_id),
        (since, Audit.at >= since),
        (until, Audit.at < until),
    )
    found = (
        Audit.select(Audit, Account.email, Key.key_prefix)
        .join(Account, JOIN.LEFT_OUTER, on=(Account.id == Audit.actor_account_id))
        .switch(Audit)
        .join(Key, JOIN.LEFT_OUTER, on=(Key.id == Audit.actor_key_id))
    )
    for given, condition in conditions:
        if given is not None:
            found = found.where(condition)
    return found


def _concerns(key: str) -> Expression:
    if prefix_of(key) is None:
        return Audit.actor_key_id == key
    begins_so = _keys_that_begin(display_parts(key)[0])
    return Audit.actor_key_id.in_(begins_so) | Audit.target_id.in_(begins_so)


def _keys_that_begin(shown: str) -> CompoundSelectQuery:
    """Select the ids of keys by what is shown of them, those that were deleted too."""
    is_shown = (_member(Audit.before, "key_prefix") == shown) | (_member(Audit.after, "key_prefix") == shown)
    known = Audit.select(Audit.target_id).where(Audit.target_kind == "key", is_shown)
    return known | Key.select(Key.id).where(Key.key_prefix == shown)


def _member(facts: TextField, name: str) -> Case:
    # Where the log was tampered with, facts may be no JSON, which is for `verify` to say.
    return Case(None, ((fn.json_valid(facts), fn.json_extract(facts, f"$.{name}")),))


def _walk(
    secrets: Secrets,
    rows: Iterable[tuple[Any, ...]],
    before: tuple[int, str],
    head: tuple[int, str] | None = None,
) -> Verdict:
    right, mac = before
    try:
        for row in rows:
            why = _what_is_wrong(secrets, row, right + 1, mac, head)
            if why:
                return Verdict(right, mac, right + 1, why)
            right, mac = row[0], row[-1]
    except UnicodeDecodeError:
        return Verdict(right, mac, right + 1, _NOT_OURS)
    return Verdict(right, mac)


def _row_before(newest: int | None) -> tuple[int, str]:
    """The number and MAC by which the first of the newest rows is judged."""
    if newest is None:
        return 0, _START
    sql = "SELECT seq, mac FROM audit WHERE seq <= (SELECT MAX(seq) FROM audit) - ? ORDER BY seq DESC LIMIT 1"
    return database.execute_sql(sql, (newest,)).fetchone() or (0, _START)


def _stored(first: int) -> Iterator[tuple[Any, ...]]:
    # Plain SQL: a model brings what was altered back into the type that its column should have.
    sql = f"SELECT {', '.join(_COVERED)}, mac FROM audit WHERE seq >= ? ORDER BY seq"
    return iter(database.execute_sql(sql, (first,)))


def _what_is_wrong(
    secrets: Secrets,
    row: tuple[Any, ...],
    number: int,
    mac_before: str,
    head: tuple[int, str] | None,
) -> str:
    seq, mac = row[0], row[-1]
    if seq > number:
        return "the row is missing"
    if bytes in map(type, row) or not secrets.mac_is_right(_PURPOSE, _signed_text(row[:-1], mac_before), mac):
        return _NOT_OURS
    if head is not None and seq == head[0] and mac != head[1]:
        return "the row is not the one in the service's log"
    return ""


def _signed_text(covered: Sequence[Any], mac_before: str) -> bytes:
    return json.dumps([mac_before, *covered]).encode()
