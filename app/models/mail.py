"""The outbox: mails that were decided on, and what became of them."""

from __future__ import annotations

from peewee import SQL, BigIntegerField, CharField, Check, IntegerField, TextField

from app.models.base import Base, id_field


class Mail(Base):
    """One mail to one recipient. Waiting until `sent_at`, or `failed_at` when it was given up, is set.

    `kind` and `ref` say what it is about: `ticket.RESOLVED`, and the ticket's id. A waiting mail without
    `next_attempt_at` rests: there is no SMTP server to hand it to.
    """

    id = id_field()
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
