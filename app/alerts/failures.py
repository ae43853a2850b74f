"""AUTH_FAILURES: somebody tries keys, or uses keys that do not work any more.

An account is told of ten failures in an hour with keys that begin like one of its own. Those with a key that
was revoked, has expired or was rotated count too: whoever sends it holds the whole key. Where keys of several
accounts begin alike, nobody can tell whose a wrong one was meant to be, and none of them is told.

Operators are told of ten wrong keys in an hour from one address, the worst first, and of no more than a
hundred addresses at a time: who has more addresses than that would have an alert for each of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import apsw

from app.alerts.finding import Finding, Hour
from app.usage.windows import HOUR_MS
from gateway.denial import WRONG_KEY

TYPE = "AUTH_FAILURES"
LEAST_FAILURES = 10
MOST_ADDRESSES = 100

_OF_THE_KEY = frozenset({"KEY_REVOKED", "KEY_EXPIRED", "KEY_ROTATED"})
_CODES = ", ".join(f"'{code}'" for code in sorted(WRONG_KEY | _OF_THE_KEY))

_BY_KEY = f"""
    SELECT "key".key_prefix, "key".owner_id, "key".id, split.name, split.requests
    FROM usage_split_hour AS split CROSS JOIN "key" ON "key".id = split.key_id
    WHERE split.starts_at = ? AND split.kind = 'refusal' AND split.name IN ({_CODES})"""
_BY_ADDRESS = """
    SELECT address, requests FROM wrong_keys WHERE starts_at = ? AND requests >= ? AND address <> 'other'
    ORDER BY requests DESC"""
_OPERATORS = "SELECT id FROM account WHERE is_operator"
_GOING_ON = f"""
    SELECT subject FROM alert
    WHERE account_id = ? AND type = '{TYPE}' AND subject >= 'address ' AND subject < 'address!'
        AND closed_at IS NULL AND last_hour >= ?"""


@dataclass
class _Tried:
    """What was tried under one beginning of a key: `wrong` ones, and `own` ones by account, key and code."""

    wrong: dict[str, int] = field(default_factory=dict)
    own: dict[tuple[str, str], dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    keys: dict[str, str] = field(default_factory=dict)
    """The account of each key that begins like that and was meant, or may have been."""


def findings(connection: apsw.Connection, hour: Hour) -> Iterator[Finding]:
    """Yield who was tried, and from where, as far as the hour has come."""
    for key_prefix, tried in _tried(connection, hour).items():
        yield from _of_accounts(key_prefix, tried, hour)
    yield from _of_operators(connection, hour)


def _tried(connection: apsw.Connection, hour: Hour) -> dict[str, _Tried]:
    found: dict[str, _Tried] = defaultdict(_Tried)
    rows: Any = connection.execute(_BY_KEY, (hour.starts_at,))
    for key_prefix, account_id, key_id, code, requests in rows:
        tried = found[key_prefix]
        tried.keys[key_id] = account_id
        if code in WRONG_KEY:
            # Each key that begins like that has the same number.
            tried.wrong[code] = max(tried.wrong.get(code, 0), requests)
        else:
            tried.own[account_id, key_id][code] = requests
    return found


def _of_accounts(key_prefix: str, tried: _Tried, hour: Hour) -> Iterator[Finding]:
    accounts = set(tried.keys.values())
    wrong = tried.wrong if len(accounts) == 1 else {}
    for account_id in accounts:
        codes = dict(wrong)
        keys = [key_id for key_id, owner_id in tried.keys.items() if owner_id == account_id]
        for key_id in keys:
            for code, requests in tried.own.get((account_id, key_id), {}).items():
                codes[code] = codes.get(code, 0) + requests
        failures = sum(codes.values())
        if failures >= LEAST_FAILURES:
            facts = {
                "key_prefix": key_prefix,
                "hour_starts_at": hour.starts_at,
                "failures": failures,
                "codes": codes,
            }
            about = keys[0] if len(keys) == 1 else None
            yield Finding(account_id, TYPE, f"prefix {key_prefix}", about, hour.starts_at, facts)


def _of_operators(connection: apsw.Connection, hour: Hour) -> Iterator[Finding]:
    addresses: Any = connection.execute(_BY_ADDRESS, (hour.starts_at, LEAST_FAILURES)).fetchall()
    operators: Any = connection.execute(_OPERATORS).fetchall() if addresses else ()
    for (account_id,) in operators:
        told: Any = connection.execute(_GOING_ON, (account_id, hour.starts_at - HOUR_MS)).fetchall()
        going_on = {subject for (subject,) in told}
        for address, failures in addresses:
            subject = f"address {address}"
            if subject not in going_on and len(going_on) >= MOST_ADDRESSES:
                continue
            going_on.add(subject)
            facts = {"address": address, "hour_starts_at": hour.starts_at, "failures": failures}
            yield Finding(account_id, TYPE, subject, None, hour.starts_at, facts)
