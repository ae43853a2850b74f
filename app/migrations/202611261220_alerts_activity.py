"""What accounts set for themselves, what happened in them, what IDEs' hooks told, and alerts."""

from __future__ import annotations

from peewee import (
    SQL,
    BigIntegerField,
    BlobField,
    CharField,
    Check,
    CompositeKey,
    Database,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
    TextField,
)
from playhouse.migrate import SchemaMigrator

_TYPES = ("NEW_LOCATION", "SPIKE", "AUTH_FAILURES", "AFTER_HOURS", "EXPIRING", "ROTATION_DUE")


class Account(Model):
    id = CharField(max_length=36, primary_key=True)


class Preferences(Model):
    account = ForeignKeyField(Account, primary_key=True, on_delete="RESTRICT")
    timezone = CharField(max_length=64)
    business_hours = JSONField(null=True)
    hours_set_at = BigIntegerField(default=0)
    alert_webhook_sealed = BlobField(null=True)


class Event(Model):
    id = CharField(max_length=36, primary_key=True)
    account = ForeignKeyField(Account, index=False, on_delete="RESTRICT")
    created_at = BigIntegerField()
    type = CharField(max_length=64)
    key_id = CharField(max_length=36, null=True)
    by = CharField(max_length=16)
    by_key_id = CharField(max_length=36, null=True)
    address = CharField(max_length=64, null=True)
    target_kind = CharField(max_length=16)
    target_id = CharField(max_length=36)
    before = TextField(null=True)
    after = TextField(null=True)

    class Meta:
        constraints = (Check("\"by\" IN ('account', 'other', 'operator', 'system')", name="event_by"),)
        indexes = (
            (("account", "created_at", "id"), False),
            (("account", "type", "created_at", "id"), False),
            (("account", "key_id", "created_at", "id", "type"), False),
        )


class Hook(Model):
    id = CharField(max_length=36, primary_key=True)
    account = ForeignKeyField(Account, index=False, on_delete="RESTRICT")
    key_id = CharField(max_length=36)
    tool = CharField(max_length=16)
    event_name = CharField(max_length=64)
    session_id = CharField(max_length=255)
    payload = TextField()
    created_at = BigIntegerField()

    class Meta:
        constraints = (Check("tool IN ('claude-code', 'cursor-ide')", name="hook_tool"),)


class Alert(Model):
    id = CharField(max_length=36, primary_key=True)
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

    class Meta:
        constraints = (
            Check(f"type IN {_TYPES}", name="alert_type"),
            Check("status IN ('OPEN', 'DISMISSED', 'CLOSED')", name="alert_status"),
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


class KnownNetwork(Model):
    lineage_id = CharField(max_length=36)
    network = CharField(max_length=64)
    first_seen_at = BigIntegerField()

    class Meta:
        legacy_table_names = False
        primary_key = CompositeKey("lineage_id", "network")
        without_rowid = True


class AlertProgress(Model):
    id = IntegerField(primary_key=True)
    next_hour = BigIntegerField()

    class Meta:
        legacy_table_names = False
        constraints = (Check("id = 1", name="alert_progress_single"),)


class WebhookCall(Model):
    id = CharField(max_length=36, primary_key=True)
    account = ForeignKeyField(Account, index=False, on_delete="RESTRICT")
    body = TextField()
    created_at = BigIntegerField()
    attempts = IntegerField()
    next_attempt_at = BigIntegerField(null=True)
    sent_at = BigIntegerField(null=True)
    failed_at = BigIntegerField(null=True)
    last_error = CharField(max_length=255, null=True)

    class Meta:
        legacy_table_names = False
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

_TABLES = (Preferences, Event, Hook, Alert, KnownNetwork, AlertProgress, WebhookCall)
_KEY_INDEXES = (
    'CREATE INDEX "key_owner_id_type_created_at_id" ON "key" ("owner_id", "type", "created_at", "id")',
    'CREATE INDEX "key_age" ON "key" ("created_at", "id") WHERE NOT revoked AND successor_id IS NULL',
    'CREATE INDEX "key_expiry" ON "key" ("expires_at", "id") WHERE expires_at IS NOT NULL',
)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the tables, and the indexes by which an account's keys are listed and those that age are found."""
    with db.bind_ctx((Account, *_TABLES)):
        db.create_tables(_TABLES, safe=False)
    for statement in _KEY_INDEXES:
        migrator.database.execute_sql(statement)


def down(migrator: SchemaMigrator, db: Database) -> None:
    """Drop them."""
    for name in ("key_expiry", "key_age", "key_owner_id_type_created_at_id"):
        migrator.drop_index("key", name).run()
    with db.bind_ctx((Account, *_TABLES)):
        db.drop_tables(_TABLES, safe=False)
