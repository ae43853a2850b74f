"""The audit log: who changed what, when and from where, newest first, and whether all of it is unbroken.

Pages follow each other by the number of their last row, so that one is as quick at the end of a long log as
at its beginning. All rows are checked a second at a time: the page asks for the next second by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from flask import Response, request

from app.audit import Verdict, entries, head, row_named, verify_on
from app.dashboard.page import get, is_fragment, post, render
from app.dashboard.tables import Asked
from app.instants import instant_in
from app.models import Account, Audit
from app.models.activity import EVENT_TYPES
from app.schemas.audit import audit_answer, differences
from app.services import services

SECONDS_AT_ONCE = 1.0
"""For how long a request checks rows: other requests have to share the processor with it."""
ACTIONS = (
    *(name for name in EVENT_TYPES if not name.startswith(("hook.", "alert.opened", "alert.closed"))),
    "mail.retried",
    "mail.discarded",
)
"""What is done, in the words of the log."""
KINDS = tuple(dict.fromkeys(name.partition(".")[0] for name in ACTIONS))

_FILTERS = {
    "action": ACTIONS,
    "kind": KINDS,
    "target": None,
    "account": None,
    "key": None,
    "since": None,
    "until": None,
    "before": None,
}
_UNREADABLE = (AttributeError, ValueError, TypeError, OverflowError)
"""What reading a row raises that was tampered with."""


@get("/dashboard/operator/audit", operator=True)
def listed() -> Response:
    """The rows that fit."""
    asked = Asked.from_request(filters=_FILTERS)
    try:
        rows = list(_rows(asked))
    except _UNREADABLE:
        rows = None
    shown = rows[: asked.limit] if rows else []
    return render(
        "operator/audit.html",
        title="Audit log",
        section="audit",
        asked=asked,
        rows=shown,
        is_unreadable=rows is None,
        older=shown[-1]["seq"] if rows and len(rows) > asked.limit else None,
        actions=ACTIONS,
        kinds=KINDS,
    )


@post("/dashboard/operator/audit/verify", operator=True)
def verify() -> Response:
    """Check the rows, or go on with those behind the one that is named."""
    verdict = verify_on(services().secrets, row_named(request.form.get("right", "")), SECONDS_AT_ONCE)
    newest = head()
    return render(
        "operator/_verdict.html" if is_fragment() else "operator/verdict.html",
        title="Verify the chain",
        section="audit",
        verdict=verdict,
        rows=verdict.rows if newest is None else newest[0],
        is_done=_is_done(verdict, newest),
    )


def _is_done(verdict: Verdict, newest: tuple[int, str] | None) -> bool:
    return verdict.broken is not None or newest is None or verdict.rows >= newest[0]


def _rows(asked: Asked) -> Iterator[dict[str, Any]]:
    """Yield the rows of a page, and one more if there is one."""
    filters = {name: value.strip() for name, value in asked.filters.items()}
    found = entries(
        before=_number(filters.get("before", "")),
        action=filters.get("action"),
        account_id=_account_id(filters["account"]) if "account" in filters else None,
        key=filters.get("key"),
        target_kind=filters.get("kind"),
        target_id=filters.get("target"),
        since=_instant(filters.get("since", "")),
        until=_instant(filters.get("until", "")),
    )
    newest_first: Any = found.order_by(Audit.seq.desc()).limit(asked.limit + 1).dicts()
    for row in newest_first:
        answer = audit_answer(row)
        told = differences(answer["before"], answer["after"])
        yield {
            **row,
            "who": answer["who"],
            "differences": [(name, _text(was), _text(now)) for name, was, now in told],
        }


def _account_id(named: str) -> str:
    account = Account.get_or_none((Account.email == named.lower()) | (Account.id == named.lower()))
    return named if account is None else str(account.id)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def _instant(text: str) -> int | None:
    """Return a time as the field of a form has it: in UTC, if it names no zone."""
    for form in (text, f"{text}Z"):
        with suppress(ValueError):
            return instant_in(form)
    return None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)
