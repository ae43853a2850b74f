"""The index of legacy keys has their owners: a wrong key is told to the account whose keys begin like it."""

from __future__ import annotations

from peewee import Database
from playhouse.migrate import SchemaMigrator

_INDEX = 'CREATE INDEX "key_legacy" ON "key" ({}) WHERE is_legacy'


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the index anew, with the owner."""
    _replace(db, '"unchecked_prefix", "key_prefix", "owner_id"')


def down(migrator: SchemaMigrator, db: Database) -> None:
    """Make it anew, without."""
    _replace(db, '"unchecked_prefix", "key_prefix"')


def _replace(db: Database, columns: str) -> None:
    for statement in ('DROP INDEX "key_legacy"', _INDEX.format(columns)):
        db.execute_sql(statement)  # type: ignore[no-untyped-call]
