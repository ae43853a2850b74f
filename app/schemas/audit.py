"""Rows of the audit log, as they are asked for and as they are shown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import fields

from app.schemas.base import StrictSchema
from app.schemas.fields import Instant, facts_shown


class AuditPeriod(StrictSchema):
    """From when until when: `since` is part of it, `until` is not."""

    since = Instant()
    until = Instant()


class AuditAnswer(StrictSchema):
    """One change: who, from where and by which key, what was and what is now.

    `who` is the actor's e-mail, `cli` or `system`. `key_prefix` is null once the key was deleted. Both are
    read from the tables as they are now; the chain covers the ids.
    """

    seq = fields.Integer(required=True)
    at = Instant(required=True)
    who = fields.String(required=True)
    actor_kind = fields.String(required=True, metadata={"enum": ["account", "cli", "key", "system"]})
    account_id = fields.String(required=True, allow_none=True, attribute="actor_account_id")
    key_id = fields.String(required=True, allow_none=True, attribute="actor_key_id")
    key_prefix = fields.String(required=True, allow_none=True)
    address = fields.String(required=True, allow_none=True)
    action = fields.String(required=True)
    target_kind = fields.String(required=True)
    target_id = fields.String(required=True)
    before = fields.Raw(required=True, allow_none=True)
    after = fields.Raw(required=True, allow_none=True)
    mac = fields.String(required=True)


_ANSWER = AuditAnswer()


def audit_answer(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of `app.audit.entries` in the shape of `AuditAnswer`.

    Raises ValueError, TypeError or OverflowError for one that holds what the service never wrote.
    """
    shown: dict[str, Any] = _ANSWER.dump(
        {
            **row,
            "who": row["email"] or row["actor_account_id"] or row["actor_kind"],
            "before": shown_facts(row["before"]),
            "after": shown_facts(row["after"]),
        }
    )
    return shown


def shown_facts(stored: str | None) -> dict[str, Any] | None:
    """Return stored facts as they are shown."""
    return None if stored is None else facts_shown(json.loads(stored))


def differences(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> Iterator[tuple[str, Any, Any]]:
    """Yield the name of each shown fact that is another one now, what it was and what it is.

    None stands for what is not there, and for what is empty.
    """
    was, now = before or {}, after or {}
    for name in dict.fromkeys((*was, *now)):
        values = [facts.get(name) for facts in (was, now)]
        old, new = (None if value in ([], {}) else value for value in values)
        if old != new:
            yield name, old, new
