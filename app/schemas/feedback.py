"""Feedback tickets, as they are sent and as they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from app.feedback import ANSWER_STATUSES, CATEGORIES, STATUSES, Thread
from app.models import Ticket
from app.schemas.base import StrictSchema
from app.schemas.fields import Choice, Instant, LongText, Text, Uuid
from app.schemas.json_value import JsonObjectOrText
from app.schemas.query import PageQuery

TITLE_LENGTH = 255
TEXT_LENGTH = 10_000
CONTEXT_BYTES = 16 * 1024


class CreateTicket(StrictSchema):
    """The body of `POST /v1/feedback`."""

    category = Choice(CATEGORIES, required=True)
    title = Text(1, TITLE_LENGTH, required=True)
    description = LongText(1, TEXT_LENGTH, required=True)
    context = JsonObjectOrText(CONTEXT_BYTES, allow_none=True)


class ChangeTicket(StrictSchema):
    """The body of `PATCH /v1/feedback/{id}`."""

    status = Choice(tuple(STATUSES), metadata={"description": "Needed if there is no `resolution`."})
    resolution = LongText(
        1,
        TEXT_LENGTH,
        allow_none=True,
        metadata={"description": "How it ended; null takes it back. Needed if there is no `status`."},
    )

    @validates_schema
    def not_empty(self, data: Mapping[str, Any], **_: Any) -> None:
        """A change of nothing is a mistake."""
        if not data:
            raise ValidationError("At least one of status and resolution is needed.")


class TeamComment(StrictSchema):
    """The team's body of `POST /v1/feedback/{id}/comments`."""

    text = LongText(1, TEXT_LENGTH, required=True)
    status = Choice(
        ANSWER_STATUSES,
        required=True,
        metadata={"description": "The ticket's new status. The team must give one, an author must not."},
    )


class DeskAnswer(StrictSchema):
    """What the team says in the dashboard: a comment if there is a text, and how the ticket stands."""

    text = LongText(1, TEXT_LENGTH)
    status = Choice(tuple(STATUSES), required=True)
    resolution = LongText(1, TEXT_LENGTH, allow_none=True)

    @validates_schema
    def no_news(self, data: Mapping[str, Any], **_: Any) -> None:
        """With a comment the team has looked at the ticket."""
        if "text" in data and data.get("status") == "NEW":
            raise ValidationError("With an answer, a ticket is not NEW any more.", "status")


class AuthorComment(StrictSchema):
    """The author's body of `POST /v1/feedback/{id}/comments`."""

    text = LongText(1, TEXT_LENGTH, required=True)


class ListTickets(PageQuery):
    """The query of `GET /v1/feedback`."""

    status = Choice(tuple(STATUSES), metadata={"description": "Only tickets with this status."})
    category = Choice(CATEGORIES, metadata={"description": "Only tickets of this category."})
    portal_id = Uuid(metadata={"description": "Only tickets of this portal."})


class TicketAnswer(StrictSchema):
    """A ticket as lists show it."""

    id = fields.String(required=True, metadata={"format": "uuid"})
    portal_id = fields.String(required=True, metadata={"format": "uuid"})
    author_id = fields.String(required=True, metadata={"format": "uuid"})
    category = fields.String(required=True, metadata={"enum": list(CATEGORIES)})
    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    title = fields.String(required=True)
    description = fields.String(required=True)
    context = fields.Raw(
        required=True,
        allow_none=True,
        metadata={"type": ["object", "string"], "description": "What the author sent with it."},
    )
    resolution = fields.String(
        required=True, allow_none=True, metadata={"description": "How it ended, in the team's words."}
    )
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class CommentAnswer(StrictSchema):
    """A comment of a ticket's thread."""

    id = fields.String(required=True, metadata={"format": "uuid"})
    author = fields.String(required=True, metadata={"enum": ["TEAM", "USER"]})
    text = fields.String(required=True)
    status = fields.String(
        required=True,
        metadata={"enum": list(STATUSES), "description": "The ticket's status once the comment was made."},
    )
    created_at = Instant(required=True)


class TicketCard(TicketAnswer):
    """A ticket with its comments, oldest first."""

    comments = fields.List(fields.Nested(CommentAnswer), required=True)


def ticket_answers(tickets: Iterable[Ticket]) -> list[dict[str, Any]]:
    """Return the tickets in the shape of `TicketAnswer`."""
    shown: list[dict[str, Any]] = TicketAnswer(many=True).dump(tickets)
    return shown


def ticket_card(thread: Thread) -> dict[str, Any]:
    """Return a ticket with its comments in the shape of `TicketCard`."""
    comments = CommentAnswer(many=True).dump(thread.comments)
    return {**ticket_answers([thread.ticket])[0], "comments": comments}
