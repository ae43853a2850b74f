"""A key's page, whatever its type: what it is, how it was used, and what it has left."""

from __future__ import annotations

from flask import Response, jsonify

from app.account_lists import page_of_events
from app.dashboard.event_words import Told, tell
from app.dashboard.key_facts import home_of, key_of_path, rotation_of, shown
from app.dashboard.key_question import first_question
from app.dashboard.key_usage import SPANS, asked_span, chart_data
from app.dashboard.page import get, render
from app.dashboard.visitor import visitor
from app.errors import ERRORS
from app.models import Key
from app.quota import quota_now
from app.services import services
from app.usage.report import report

_EVENTS_SHOWN = 10


@get("/dashboard/keys/<id>")
def show(id: str) -> Response:
    """All about one key."""
    (row,), span = shown([key_of_path(id)]), asked_span()
    key, (section, back) = row.key, home_of(row.key)
    return render(
        "key/page.html",
        title=key.name,
        section=section,
        back=back,
        row=row,
        rotation=rotation_of(key),
        quota=quota_now(services(), key.id),
        spans=SPANS,
        span=span,
        usage=report(services().db, key, SPANS[span].until(row.now_ms), lineage=False),
        errors=ERRORS,
        events=_newest_events(key),
        **first_question(key),
    )


@get("/dashboard/keys/<id>/usage.json")
def usage(id: str) -> Response:
    """The numbers of the chart."""
    return jsonify(chart_data(key_of_path(id), SPANS[asked_span()]))


def _newest_events(key: Key) -> list[Told]:
    account_id = visitor().account_id
    events, _ = page_of_events(account_id, page=1, limit=_EVENTS_SHOWN, key_id=key.id)
    return tell(events, account_id)
