"""When each key last called each route."""

from __future__ import annotations

from peewee import BigIntegerField, CharField, CompositeKey, Database, Model
from playhouse.migrate import SchemaMigrator


class UsageAction(Model):
    key_id = CharField(max_length=36)
    name = CharField(max_length=255)
    starts_at = BigIntegerField(index=True)

    class Meta:
        legacy_table_names = False
        primary_key = CompositeKey("key_id", "name")
        without_rowid = True


_FROM_DAYS = """
    INSERT INTO usage_action (key_id, name, starts_at)
    SELECT key_id, name, max(starts_at) FROM usage_split_day
    WHERE kind = 'action' AND name <> 'other' GROUP BY key_id, name"""


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the table, and fill it with what is known of the days until now."""
    with db.bind_ctx((UsageAction,)):
        db.create_tables((UsageAction,), safe=False)
    migrator.database.execute_sql(_FROM_DAYS)


def down(migrator: SchemaMigrator, db: Database) -> None:
    """Drop it."""
    with db.bind_ctx((UsageAction,)):
        db.drop_tables((UsageAction,), safe=False)
