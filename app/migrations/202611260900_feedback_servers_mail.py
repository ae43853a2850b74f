"""Feedback tickets with their comments, servers, and the outbox of mails."""

from __future__ import annotations

from peewee import (
    SQL,
    BigIntegerField,
    CharField,
    Check,
    Database,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
    TextField,
)
from playhouse.migrate import SchemaMigrator

_STATUS = "status IN ('NEW', 'REVIEWING', 'AWAITING_USER', 'NEEDS_REVIEW', 'RESOLVED', 'ARCHIVED')"


class Account(Model):
    id = CharField(max_length=36, primary_key=True)


class Portal(Model):
    id = CharField(max_length=36, primary_key=True)


class Ticket(Model):
    id = CharField(max_length=36, primary_key=True)
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
            (("portal", "author", "created_at", "id"), False),
            (("portal", "author", "status", "created_at", "id", "category"), False),
            (("portal", "author", "category", "created_at", "id"), False),
        )


class TicketComment(Model):
    id = CharField(max_length=36, primary_key=True)
    ticket = ForeignKeyField(Ticket, index=False, on_delete="RESTRICT")
    author = CharField(max_length=8)
    account = ForeignKeyField(Account, index=False, null=True, on_delete="RESTRICT")
    text = TextField()
    status = CharField(max_length=16)
    created_at = BigIntegerField()

    class Meta:
        legacy_table_names = False
        constraints = (
            Check("author IN ('TEAM', 'USER')", name="comment_author"),
            Check(_STATUS, name="comment_status"),
        )
        indexes = ((("ticket", "created_at", "id"), False),)


class Server(Model):
    id = CharField(max_length=36, primary_key=True)
    portal = ForeignKeyField(Portal, index=False, on_delete="RESTRICT")
    lineage_id = CharField(max_length=36)
    name = CharField(max_length=255)
    created_at = BigIntegerField()

    class Meta:
        constraints = (Check("length(name) BETWEEN 1 AND 255", name="server_name"),)
        indexes = ((("lineage_id", "portal", "created_at", "id"), False),)


class Mail(Model):
    id = CharField(max_length=36, primary_key=True)
    kind = CharField(max_length=32)
    ref = CharField(max_length=36)
    recipient = CharField(max_length=254)
    subject = CharField(max_length=255)
    body = TextField()
    created_at = BigIntegerField()
    attempts = IntegerField()
    next_attempt_at = BigIntegerField(null=True)
    sent_at = BigIntegerField(null=True)
    failed_at = BigIntegerField(null=True)
    last_error = CharField(max_length=255, null=True)

    class Meta:
        constraints = (Check("sent_at IS NULL OR failed_at IS NULL", name="mail_ended_once"),)


_WAITING = SQL("sent_at IS NULL AND failed_at IS NULL")
Mail.add_index(Mail.index(Mail.next_attempt_at, Mail.created_at, name="mail_waiting", where=_WAITING))
Mail.add_index(Mail.index(Mail.failed_at, name="mail_failed", where=SQL("failed_at IS NOT NULL")))
Mail.add_index(Mail.index(Mail.sent_at, name="mail_sent", where=SQL("sent_at IS NOT NULL")))

_TABLES = (Ticket, TicketComment, Server, Mail)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the tables."""
    with db.bind_ctx((Account, Portal, *_TABLES)):
        db.create_tables(_TABLES, safe=False)


def down(migrator: SchemaMigrator, db: Database) -> None:
    """Drop the tables."""
    with db.bind_ctx((Account, Portal, *_TABLES)):
        db.drop_tables(_TABLES, safe=False)
