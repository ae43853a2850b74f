"""Alerts, and what is remembered to raise them once."""

from __future__ import annotations

from peewee import (
    SQL,
    BigIntegerField,
    CharField,
    Check,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    JSONField,
    TextField,
)

from app.models.account import Account
from app.models.base import Base, id_field

TYPES = ("NEW_LOCATION", "SPIKE", "AUTH_FAILURES", "AFTER_HOURS", "EXPIRING", "ROTATION_DUE")
STATUSES = ("OPEN", "DISMISSED", "CLOSED")


class Alert(Base):
    """One alert. `subject` says what of the account it is about: a lineage, a key, an address …

    `last_hour` is when the last hour began in which it was seen, for alerts that come of hours; what comes of
    an hour is not raised twice. It is over once `closed_at` is set, also if it was dismissed before: until
    then another one about the same is not opened.
    """

    id = id_field()
    account = ForeignKeyField(Account, index=False, on_delete="RESTRICT")
    type = CharField(max_length=16)
    subject = CharField(max_length=128)
    key_id = CharField(max_length=36, null=True)
    status = CharField(max_length=16)
    facts = JSONField()
    created_at = BigIntegerField()
    last_hour = BigIntegerField(null=True)
    dismissed_at = BigIntegerField(null=True)
    closed_at = BigIntegerField(null=True)
    mailed_at = BigIntegerField(null=True)

    account_id: str

    class Meta:
        constraints = (
            Check(f"type IN {TYPES}", name="alert_type"),
            Check(f"status IN {STATUSES}", name="alert_status"),
        )
        indexes = (
            (("account", "created_at", "id"), False),
            (("account", "status", "created_at", "id"), False),
            (("account", "type", "created_at", "id", "status"), False),
            (("account", "key_id", "created_at", "id", "status", "type"), False),
            (("account", "type", "subject", "last_hour"), False),
        )


_NOT_OVER = SQL("closed_at IS NULL")
Alert.add_index(
    Alert.index(Alert.account, Alert.type, Alert.subject, name="alert_once", unique=True, where=_NOT_OVER)
)
Alert.add_index(Alert.index(Alert.type, Alert.key_id, name="alert_of_key", where=_NOT_OVER))
Alert.add_index(
    Alert.index(
        Alert.account, Alert.type, Alert.created_at, name="alert_unmailed", where=SQL("mailed_at IS NULL")
    )
)


class KnownNetwork(Base):
    """A network from which a lineage was used; kept when the usage itself is not kept any more."""

    lineage_id = CharField(max_length=36)
    network = CharField(max_length=64)
    first_seen_at = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("lineage_id", "network")
        without_rowid = True


class AlertProgress(Base):
    """The one row that says up to which hour usage has been looked at."""

    id = IntegerField(primary_key=True)
    next_hour = BigIntegerField()

    class Meta:
        constraints = (Check("id = 1", name="alert_progress_single"),)


class WebhookCall(Base):
    """One call of an account's alert webhook: it waits for `next_attempt_at`, or was sent, or given up."""

    id = id_field()
    account = ForeignKeyField(Account, index=False, on_delete="RESTRICT")
    body = TextField()
    created_at = BigIntegerField()
    attempts = IntegerField()
    next_attempt_at = BigIntegerField(null=True)
    sent_at = BigIntegerField(null=True)
    failed_at = BigIntegerField(null=True)
    last_error = CharField(max_length=255, null=True)

    account_id: str

    class Meta:
        constraints = (
            Check(
                "(next_attempt_at IS NOT NULL) + (sent_at IS NOT NULL) + (failed_at IS NOT NULL) = 1",
                name="webhook_call_state",
            ),
        )


_WAITING = SQL("next_attempt_at IS NOT NULL")
_SENT, _FAILED = SQL("sent_at IS NOT NULL"), SQL("failed_at IS NOT NULL")
WebhookCall.add_index(WebhookCall.index(WebhookCall.next_attempt_at, name="webhook_call_due", where=_WAITING))
WebhookCall.add_index(
    WebhookCall.index(
        WebhookCall.account,
        WebhookCall.attempts,
        WebhookCall.created_at,
        name="webhook_call_waiting",
        where=_WAITING,
    )
)
WebhookCall.add_index(WebhookCall.index(WebhookCall.sent_at, name="webhook_call_sent", where=_SENT))
WebhookCall.add_index(WebhookCall.index(WebhookCall.failed_at, name="webhook_call_failed", where=_FAILED))
