"""Alerts, as they are asked for, shown and dismissed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import fields

from app.mail.alerts import sentence
from app.models import Alert
from app.models.alert import STATUSES, TYPES
from app.schemas.base import StrictSchema
from app.schemas.fields import Choice, Instant, Uuid, facts_shown
from app.schemas.query import PageQuery


class ListAlerts(PageQuery):
    """The query of `GET /api/v1/alerts`."""

    status = Choice(STATUSES, metadata={"description": "Alerts of this status only."})
    type = Choice(TYPES, metadata={"description": "Alerts of this type only."})
    key_id = Uuid(metadata={"description": "Alerts about this key only."})


class ChangeAlert(StrictSchema):
    """The body of `PATCH /api/v1/alerts/{id}`."""

    status = Choice(("DISMISSED",), required=True)


class AlertAnswer(StrictSchema):
    """Something that the account should look at."""

    id = fields.String(required=True, metadata={"format": "uuid"})
    type = fields.String(required=True, metadata={"enum": list(TYPES)})
    status = fields.String(
        required=True,
        metadata={"enum": list(STATUSES), "description": "`CLOSED` once it is over; `DISMISSED` stays."},
    )
    key_id = fields.String(
        required=True,
        allow_none=True,
        metadata={"format": "uuid", "description": "The key that it is about, if it is about one."},
    )
    message = fields.String(required=True, metadata={"description": "The same as `facts`, in a sentence."})
    facts = fields.Dict(required=True, metadata={"description": "What was seen when it was opened."})
    created_at = Instant(required=True)
    dismissed_at = Instant(required=True, allow_none=True)
    closed_at = Instant(
        required=True, allow_none=True, metadata={"description": "When it was over, also if dismissed."}
    )


def alert_answers(alerts: Sequence[Alert]) -> list[dict[str, Any]]:
    """Return alerts in the shape of `AlertAnswer`."""
    facts = [
        {**alert.__data__, "message": sentence(alert.type, alert.facts), "facts": facts_shown(alert.facts)}
        for alert in alerts
    ]
    shown: list[dict[str, Any]] = AlertAnswer(many=True).dump(facts)
    return shown
