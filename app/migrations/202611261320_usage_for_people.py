"""When each key last called each route; and what all keys of an account had today, by indexes alone."""

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
_REFUSALS = (
    'CREATE INDEX "usage_split_day_refusals" ON "usage_split_day" '
    """("starts_at", "key_id", "name", "requests") WHERE kind = 'refusal'"""
)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the table, fill it with what is known of the days until now, and make the indexes."""
    with db.bind_ctx((UsageAction,)):
        db.create_tables((UsageAction,), safe=False)
    migrator.database.execute_sql(_FROM_DAYS)
    migrator.drop_index("usage_day", "usage_day_starts_at").run()
    migrator.add_index("usage_day", ("starts_at", "key_id", "requests")).run()
    migrator.database.execute_sql(_REFUSALS)


def down(migrator: SchemaMigrator, db: Database) -> None:
    """Drop them, and make the index that was there."""
    migrator.drop_index("usage_split_day", "usage_split_day_refusals").run()
    migrator.drop_index("usage_day", "usage_day_starts_at_key_id_requests").run()
    migrator.add_index("usage_day", ("starts_at",)).run()
    with db.bind_ctx((UsageAction,)):
        db.drop_tables((UsageAction,), safe=False)
