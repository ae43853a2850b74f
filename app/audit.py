"""The audit log: one row a change, written in the change's own transaction, chained by HMAC.

Each row's MAC covers the row and the MAC before it, and rows are numbered without gaps. So a row
that was altered, removed, moved or inserted is found without the secret being at hand when it
happened. A log whose tail was cut off is still a good chain; that is why number and MAC of each row
also go to the service's log (event `audit.row`), against which `verify` can be told the head.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.models import Audit
from app.secrets import Secrets
from gateway.keys import KEY_IN_TEXT

_PURPOSE = "audit"
_START = "0" * 64
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


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found: rows that are right, the last one's MAC, and the first broken row, if any."""

    rows: int
    mac: str
    broken: int | None = None
    why: str = ""


def facts(values: Mapping[str, Any] | None) -> str | None:
    """Return a `before` or `after` as the text that is stored; raw keys in it are blotted out."""
    if values is None:
        return None
    return KEY_IN_TEXT.sub("[raw key]", json.dumps(values, sort_keys=True, separators=(",", ":")))


def append(secrets: Secrets, row: Audit) -> None:
    """Number, sign and write `row`. The caller's transaction must hold the write lock."""
    last = Audit.select(Audit.seq, Audit.mac).order_by(Audit.seq.desc()).first()
    row.seq = last.seq + 1 if last else 1
    row.mac = secrets.mac(_PURPOSE, _signed_text(row, last.mac if last else _START))
    row.save(force_insert=True)


def verify(secrets: Secrets, head: tuple[int, str] | None = None) -> Verdict:
    """Walk the whole log and return how far it is right.

    `head` is the number and MAC of a row, taken from the service's log: the row must be there.
    """
    right, mac = 0, _START
    for row in Audit.select().order_by(Audit.seq).iterator():
        why = _what_is_wrong(secrets, row, right + 1, mac, head)
        if why:
            return Verdict(right, mac, right + 1, why)
        right, mac = row.seq, row.mac
    if head is not None and right < head[0]:
        return Verdict(right, mac, right + 1, f"the log ends before row {head[0]}")
    return Verdict(right, mac)


def _what_is_wrong(
    secrets: Secrets, row: Audit, number: int, mac_before: str, head: tuple[int, str] | None
) -> str:
    if row.seq != number:
        return "the row is missing"
    if not secrets.mac_is_right(_PURPOSE, _signed_text(row, mac_before), row.mac):
        return "the row is not the one that was written here"
    if head is not None and row.seq == head[0] and row.mac != head[1]:
        return "the row is not the one in the service's log"
    return ""


def _signed_text(row: Audit, mac_before: str) -> bytes:
    return json.dumps([mac_before, *(getattr(row, name) for name in _COVERED)]).encode()
