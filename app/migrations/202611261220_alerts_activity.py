"""What accounts set for themselves, what happened in them, and what IDEs' hooks told."""

from __future__ import annotations

from peewee import (
    BigIntegerField,
    BlobField,
    CharField,
    Check,
    Database,
    ForeignKeyField,
    JSONField,
    Model,
    TextField,
)
from playhouse.migrate import SchemaMigrator


class Account(Model):
    id = CharField(max_length=36, primary_key=True)


class Preferences(Model):
    account = ForeignKeyField(Account, primary_key=True, on_delete="RESTRICT")
    timezone = CharField(max_length=64)
    business_hours = JSONField(null=True)
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


_TABLES = (Preferences, Event, Hook)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the tables."""
    with db.bind_ctx((Account, *_TABLES)):
        db.create_tables(_TABLES, safe=False)


def down(migrator: SchemaMigrator, db: Database) -> None:
    """Drop the tables."""
    with db.bind_ctx((Account, *_TABLES)):
        db.drop_tables(_TABLES, safe=False)
