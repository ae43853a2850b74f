"""How often keys were used, when, by what and from where."""

from __future__ import annotations

from peewee import BigIntegerField, CharField, Check, CompositeKey, Database, Model
from playhouse.migrate import SchemaMigrator

_KINDS = "kind IN ('tool', 'action', 'status', 'network', 'refusal')"


class UsageKey(Model):
    key_id = CharField(max_length=36, primary_key=True)
    lineage_id = CharField(max_length=36, index=True)
    requests = BigIntegerField()
    last_used_at = BigIntegerField()
    last_used_ip = CharField(max_length=64, null=True)

    class Meta:
        legacy_table_names = False
        without_rowid = True


class UsageHour(Model):
    key_id = CharField(max_length=36)
    starts_at = BigIntegerField(index=True)
    slot = BigIntegerField()
    requests = BigIntegerField()

    class Meta:
        legacy_table_names = False
        primary_key = CompositeKey("key_id", "starts_at", "slot")
        without_rowid = True


class UsageDay(Model):
    key_id = CharField(max_length=36)
    starts_at = BigIntegerField(index=True)
    requests = BigIntegerField()

    class Meta:
        legacy_table_names = False
        primary_key = CompositeKey("key_id", "starts_at")
        without_rowid = True


class UsageSplitHour(Model):
    key_id = CharField(max_length=36)
    starts_at = BigIntegerField(index=True)
    kind = CharField(max_length=16)
    name = CharField(max_length=255)
    requests = BigIntegerField()

    class Meta:
        legacy_table_names = False
        primary_key = CompositeKey("key_id", "starts_at", "kind", "name")
        constraints = (Check(_KINDS, name="usage_split_hour_kind"),)
        without_rowid = True


class UsageSplitDay(Model):
    key_id = CharField(max_length=36)
    starts_at = BigIntegerField(index=True)
    kind = CharField(max_length=16)
    name = CharField(max_length=255)
    requests = BigIntegerField()

    class Meta:
        legacy_table_names = False
        primary_key = CompositeKey("key_id", "starts_at", "kind", "name")
        constraints = (Check(_KINDS, name="usage_split_day_kind"),)
        without_rowid = True


class WrongKeys(Model):
    address = CharField(max_length=64)
    starts_at = BigIntegerField(index=True)
    requests = BigIntegerField()

    class Meta:
        legacy_table_names = False
        primary_key = CompositeKey("starts_at", "address")
        without_rowid = True


_TABLES = (UsageKey, UsageHour, UsageDay, UsageSplitHour, UsageSplitDay, WrongKeys)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the tables, and the index by which a wrong key is held against the beginnings of keys."""
    with db.bind_ctx(_TABLES):
        db.create_tables(_TABLES, safe=False)
    migrator.add_index("key", ("key_prefix",)).run()


def down(migrator: SchemaMigrator, db: Database) -> None:
    """Drop them."""
    migrator.drop_index("key", "key_key_prefix").run()
    with db.bind_ctx(_TABLES):
        db.drop_tables(_TABLES, safe=False)
