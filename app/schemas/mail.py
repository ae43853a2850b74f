"""Mails of the outbox, as they are shown: without their text."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.models import Mail
from app.schemas.base import StrictSchema
from app.schemas.fields import Instant

STATUSES = ("WAITING", "RESTING", "FAILED", "SENT")
"""RESTING: there is no SMTP_URL. FAILED: given up."""


class MailAnswer(StrictSchema):
    """One mail, and what became of it."""

    id = fields.String(required=True, metadata={"format": "uuid"})
    kind = fields.String(required=True)
    ref = fields.String(required=True)
    recipient = fields.String(required=True)
    subject = fields.String(required=True)
    status = fields.Function(lambda mail: mail_status(mail))
    attempts = fields.Integer(required=True)
    created_at = Instant(required=True)
    next_attempt_at = Instant(required=True, allow_none=True)
    sent_at = Instant(required=True, allow_none=True)
    failed_at = Instant(required=True, allow_none=True)
    last_error = fields.String(required=True, allow_none=True)


def mail_status(mail: Mail) -> str:
    """Return which of `STATUSES` the mail has."""
    if mail.sent_at is not None:
        return "SENT"
    if mail.failed_at is not None:
        return "FAILED"
    return "RESTING" if mail.next_attempt_at is None else "WAITING"


def mail_answer(mail: Mail) -> dict[str, Any]:
    """Return the mail in the shape of `MailAnswer`."""
    shown: dict[str, Any] = MailAnswer().dump(mail)
    return shown
