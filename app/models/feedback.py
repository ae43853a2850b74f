"""Feedback tickets and their comments."""

from __future__ import annotations

from peewee import BigIntegerField, CharField, Check, ForeignKeyField, JSONField, TextField

from app.models.account import Account
from app.models.base import Base, id_field
from app.models.portal import Portal

_STATUS = "status IN ('NEW', 'REVIEWING', 'AWAITING_USER', 'NEEDS_REVIEW', 'RESOLVED', 'ARCHIVED')"


class Ticket(Base):
    """One ticket. `context` is whatever the author sent with it: an object, a text, or null.

    Every list of the API, and an author's in the dashboard, is counted and ordered in one of the indexes
    alone: its columns are those that a filter is looked up by, then the order, then what the rest of a filter
    is judged by. One portal may
    have most of the tickets, so what is looked up by a portal is looked up by a status or category as well.
    """

    id = id_field()
    portal = ForeignKeyField(Portal, index=False, on_delete="RESTRICT")
    author = ForeignKeyField(Account, index=False, on_delete="RESTRICT")
    category = CharField(max_length=16)
    status = CharField(max_length=16)
    title = CharField(max_length=255)
    description = TextField()
    context = JSONField(null=True)
    resolution = TextField(null=True)
    created_at = BigIntegerField()
    updated_at = BigIntegerField()

    portal_id: str
    author_id: str

    class Meta:
        constraints = (
            Check(_STATUS, name="ticket_status"),
            Check(
                "category IN ('BUG', 'SUGGESTION', 'DOCS', 'CHAT', 'BOTS', 'OTHER')", name="ticket_category"
            ),
            Check("length(title) BETWEEN 1 AND 255", name="ticket_title"),
        )
        indexes = (
            (("created_at", "id"), False),
            (("status", "created_at", "id"), False),
            (("category", "created_at", "id"), False),
            (("status", "category", "created_at", "id"), False),
            (("portal", "created_at", "id"), False),
            (("portal", "status", "created_at", "id", "category"), False),
            (("portal", "category", "created_at", "id"), False),
            (("author", "created_at", "id"), False),
            (("portal", "author", "created_at", "id"), False),
            (("portal", "author", "status", "created_at", "id", "category"), False),
            (("portal", "author", "category", "created_at", "id"), False),
        )


class TicketComment(Base):
    """One comment. `status` is the ticket's once it was made; `account` wrote it, for the team as well."""

    id = id_field()
    ticket = ForeignKeyField(Ticket, index=False, on_delete="RESTRICT")
    author = CharField(max_length=8)
    account = ForeignKeyField(Account, index=False, null=True, on_delete="RESTRICT")
    text = TextField()
    status = CharField(max_length=16)
    created_at = BigIntegerField()

    ticket_id: str

    class Meta:
        constraints = (
            Check("author IN ('TEAM', 'USER')", name="comment_author"),
            Check(_STATUS, name="comment_status"),
        )
        indexes = ((("ticket", "created_at", "id"), False),)
