"""A key's page, whatever its type: what it is, how it was used, and what it has left."""

from __future__ import annotations

from flask import Response, jsonify

from app.dashboard.key_question import SECTIONS, first_question
from app.dashboard.key_usage import SPANS, asked_span, chart_data
from app.dashboard.page import get, render
from app.dashboard.seen_keys import seen_key
from app.dashboard.visitor import visitor
from app.errors import ERRORS
from app.keyring import key_status
from app.models import Event, Key
from app.quota import quota_now
from app.services import services
from app.usage.report import Total, report, totals_of

_EVENTS_SHOWN = 10


@get("/dashboard/keys/<id>")
def show(id: str) -> Response:
    """All about one key."""
    key, now_ms, span = seen_key(id), int(services().clock() * 1000), asked_span()
    return render(
        "key/page.html",
        title=key.name,
        section=SECTIONS[key.type],
        key=key,
        state=key_status(key, now_ms),
        total=totals_of([key.id]).get(key.id, Total()),
        quota=quota_now(services(), key.id),
        spans=SPANS,
        span=span,
        usage=report(services().db, key, SPANS[span].until(now_ms), lineage=False),
        errors=ERRORS,
        events=_newest_events(key),
        **first_question(key),
    )


@get("/dashboard/keys/<id>/usage.json")
def usage(id: str) -> Response:
    """The numbers of the chart."""
    return jsonify(chart_data(seen_key(id), SPANS[asked_span()]))


def _newest_events(key: Key) -> list[Event]:
    about = (Event.account == visitor().account_id) & (Event.key_id == key.id)
    return list(
        Event.select().where(about).order_by(Event.created_at.desc(), Event.id.desc()).limit(_EVENTS_SHOWN)
    )
