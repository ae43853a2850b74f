"""`/api/v1/activity`: what the account did, and what was done to what it owns."""

from __future__ import annotations

from flask import Response

from app.api.answers import ApiBlueprint, page_answer
from app.auth import principal
from app.models import Event
from app.openapi import page_of
from app.paging import newest_first
from app.schemas.activity import EventAnswer, ListActivity, event_answers

blueprint = ApiBlueprint("activity", __name__, description="What happened in the account.")


@blueprint.operation("GET", "/api/v1/activity", query=ListActivity, gives=page_of(EventAnswer))
def list_activity(
    page: int, limit: int, type: str | None = None, key_id: str | None = None, since: int | None = None
) -> Response:
    """The account's events, newest first."""
    query = Event.select().where(Event.account == principal().account.account_id)
    conditions = (
        (type, Event.type == type),
        (key_id, Event.key_id == key_id),
        (since, Event.created_at >= since),
    )
    for given, condition in conditions:
        if given is not None:
            query = query.where(condition)
    rows, total = newest_first(query, page, limit)
    return page_answer(event_answers(rows), page=page, limit=limit, total=total)
