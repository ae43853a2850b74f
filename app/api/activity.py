"""`/api/v1/activity`: what the account did, and what was done to what it owns."""

from __future__ import annotations

from flask import Response

from app.account_lists import page_of_events
from app.api.answers import ApiBlueprint, page_answer
from app.auth import principal
from app.openapi import page_of
from app.schemas.activity import EventAnswer, ListActivity, event_answers

blueprint = ApiBlueprint("activity", __name__, description="What happened in the account.")


@blueprint.operation("GET", "/api/v1/activity", query=ListActivity, gives=page_of(EventAnswer))
def list_activity(
    page: int, limit: int, type: str | None = None, key_id: str | None = None, since: int | None = None
) -> Response:
    """The account's events, newest first."""
    account_id = principal().account.account_id
    rows, total = page_of_events(account_id, page=page, limit=limit, type=type, key_id=key_id, since=since)
    return page_answer(event_answers(rows), page=page, limit=limit, total=total)
