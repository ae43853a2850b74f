"""The account's events, as they are asked for and as they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import fields

from app.models import Event
from app.models.activity import EVENT_TYPES
from app.schemas.audit import shown_facts
from app.schemas.base import StrictSchema
from app.schemas.fields import Choice, Instant, Uuid
from app.schemas.query import PageQuery

BY = ("account", "other", "operator", "system")


class ListActivity(PageQuery):
    """The query of `GET /api/v1/activity`."""

    type = Choice(EVENT_TYPES, metadata={"description": "Events of this type only."})
    key_id = Uuid(metadata={"description": "Events that this key is about, or that were done by it."})
    since = Instant(metadata={"description": "Events from this time on."})


class EventAnswer(StrictSchema):
    """One thing that the account did, or that was done to what it owns."""

    id = fields.String(required=True, metadata={"format": "uuid"})
    type = fields.String(required=True, metadata={"enum": list(EVENT_TYPES)})
    created_at = Instant(required=True)
    key_id = fields.String(
        required=True,
        allow_none=True,
        metadata={"format": "uuid", "description": "The key that it is about, else the one that did it."},
    )
    by = fields.String(
        required=True,
        metadata={
            "enum": list(BY),
            "description": "`account`: a key of this one, or its owner in the dashboard. `other`: another.",
        },
    )
    by_key_id = fields.String(
        required=True, allow_none=True, metadata={"format": "uuid", "description": "If by this account."}
    )
    address = fields.String(
        required=True, allow_none=True, metadata={"description": "Where from, if by this account."}
    )
    target_kind = fields.String(required=True)
    target_id = fields.String(required=True, metadata={"format": "uuid"})
    before = fields.Dict(required=True, allow_none=True)
    after = fields.Dict(required=True, allow_none=True)


def event_answers(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Return events in the shape of `EventAnswer`."""
    facts = [
        {
            **event.__data__,
            "before": shown_facts(event.before),
            "after": shown_facts(event.after),
        }
        for event in events
    ]
    shown: list[dict[str, Any]] = EventAnswer(many=True).dump(facts)
    return shown
