"""An index for an author's own tickets, on all portals together: the dashboard lists them."""

from __future__ import annotations

from peewee import Database
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the index."""
    db.execute_sql(  # type: ignore[no-untyped-call]
        'CREATE INDEX "ticket_author_id_created_at_id" ON "ticket" ("author_id", "created_at", "id")'
    )


def down(migrator: SchemaMigrator, db: Database) -> None:
    """Drop it."""
    db.execute_sql('DROP INDEX "ticket_author_id_created_at_id"')  # type: ignore[no-untyped-call]
