"""Activity: what happened in the account, newest first, each told in words."""

from __future__ import annotations

from flask import Response

from app.account_lists import page_of_events
from app.dashboard.event_words import TITLES, tell
from app.dashboard.page import get, render
from app.dashboard.tables import Asked, Table
from app.dashboard.visitor import visitor
from app.models import Key
from app.models.activity import EVENT_TYPES
from app.services import services
from app.usage.windows import DAY_MS, HOUR_MS
from app.visible_keys import every_key_of

SINCE = {
    "hour": ("The last hour", HOUR_MS),
    "day": ("The last 24 hours", DAY_MS),
    "week": ("The last 7 days", 7 * DAY_MS),
    "month": ("The last 30 days", 30 * DAY_MS),
}
"""How far back, as a filter: without dates, which begin at another time in each time zone."""
_MOST_KEYS = 100


@get("/dashboard/activity")
def listed() -> Response:
    """The events that fit."""
    asked = Asked.from_request(filters={"type": EVENT_TYPES, "keyId": None, "since": tuple(SINCE)})
    rows, total = page_of_events(
        visitor().account_id,
        page=asked.page,
        limit=asked.limit,
        type=asked.filters.get("type"),
        key_id=asked.filters.get("keyId"),
        since=_since(asked.filters.get("since")),
    )
    return render(
        "activity/list.html",
        title="Activity",
        section="activity",
        table=Table(asked, tell(rows, visitor().account_id), total),
        types=TITLES.items(),
        keys=_keys(asked.filters.get("keyId")),
        since=[(name, label) for name, (label, _) in SINCE.items()],
    )


def _since(chosen: str | None) -> int | None:
    return None if chosen is None else int(services().clock() * 1000) - SINCE[chosen][1]


def _keys(chosen: str | None) -> list[tuple[str, str]]:
    """Return the keys to choose from: the newest, and the one that is chosen, though it may be gone."""
    visible = every_key_of(visitor().account_id)
    newest = visible.order_by(Key.created_at.desc(), Key.id.desc()).limit(_MOST_KEYS)
    options = {key.id: f"{key.name} ({key.key_prefix}…)" for key in newest}
    if chosen is not None and chosen not in options:
        older = visible.where(Key.id == chosen).first()
        options[chosen] = "A deleted key" if older is None else f"{older.name} ({older.key_prefix}…)"
    return list(options.items())
