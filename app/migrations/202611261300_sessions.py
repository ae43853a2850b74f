"""Sessions of the dashboard, attempts to sign in, and accounts as those who make a change."""

from __future__ import annotations

from peewee import BigIntegerField, CharField, Database, ForeignKeyField, IntegerField, Model
from playhouse.migrate import SchemaMigrator


class Account(Model):
    id = CharField(max_length=36, primary_key=True)


class Session(Model):
    id = CharField(max_length=36, primary_key=True)
    token_digest = CharField(max_length=64, unique=True)
    account = ForeignKeyField(Account, on_delete="RESTRICT")
    created_at = BigIntegerField()
    last_seen_at = BigIntegerField()
    expires_at = BigIntegerField(index=True)
    address = CharField(max_length=64)
    user_agent = CharField(max_length=200)


class SignInAttempts(Model):
    name = CharField(max_length=64, primary_key=True)
    began_at = BigIntegerField(index=True)
    attempts = IntegerField()

    class Meta:
        legacy_table_names = False


_TABLES = (Session, SignInAttempts)
_AUDIT = """
    CREATE TABLE "audit_anew" (
        "seq" INTEGER NOT NULL PRIMARY KEY,
        "at" INTEGER NOT NULL,
        "actor_kind" VARCHAR(16) NOT NULL,
        "actor_account_id" VARCHAR(36),
        "actor_key_id" VARCHAR(36),
        "address" VARCHAR(64),
        "action" VARCHAR(64) NOT NULL,
        "target_kind" VARCHAR(16) NOT NULL,
        "target_id" VARCHAR(36) NOT NULL,
        "before" TEXT,
        "after" TEXT,
        "mac" VARCHAR(64) NOT NULL,
        CONSTRAINT "audit_actor_kind" CHECK (actor_kind IN ({kinds})))"""


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the tables, and let an account be the actor of an audit row."""
    with db.bind_ctx((Account, *_TABLES)):
        db.create_tables(_TABLES, safe=False)
    _admit(migrator, "'account', 'cli', 'key', 'system'")


def down(migrator: SchemaMigrator, db: Database) -> None:
    """Drop them. It fails where an account has made a change: the log would lose the row."""
    _admit(migrator, "'cli', 'key', 'system'")
    with db.bind_ctx((Account, *_TABLES)):
        db.drop_tables(_TABLES, safe=False)


def _admit(migrator: SchemaMigrator, kinds: str) -> None:
    # SQLite can't change a check: the rows move into a table that has the new one.
    run = migrator.database.execute_sql
    run(_AUDIT.format(kinds=kinds))
    run('INSERT INTO "audit_anew" SELECT * FROM "audit"')
    run('DROP TABLE "audit"')
    run('ALTER TABLE "audit_anew" RENAME TO "audit"')
