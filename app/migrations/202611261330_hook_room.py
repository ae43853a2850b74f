"""How much room an account's hooks take, kept by triggers, and the indexes by which old ones are found."""

from __future__ import annotations

from peewee import BigIntegerField, CharField, Database, ForeignKeyField, Model
from playhouse.migrate import SchemaMigrator


class Account(Model):
    id = CharField(max_length=36, primary_key=True)


class HookRoom(Model):
    account = ForeignKeyField(Account, primary_key=True, on_delete="RESTRICT")
    bytes = BigIntegerField(index=True)

    class Meta:
        legacy_table_names = False


_AROUND_PAYLOAD = 1024
_INDEXES = {
    "hook_created_at": '"hook" ("created_at")',
    "hook_account_id_created_at_id": '"hook" ("account_id", "created_at", "id")',
    "event_created_at": '"event" ("created_at")',
}


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the table, its triggers and the indexes."""
    with db.bind_ctx((Account, HookRoom)):
        db.create_tables((HookRoom,), safe=False)
    for name, columns in _INDEXES.items():
        db.execute_sql(f'CREATE INDEX "{name}" ON {columns}')  # type: ignore[no-untyped-call]
    for statement in (
        f"""INSERT INTO hook_room (account_id, bytes)
        SELECT account_id, sum({_room("hook")}) FROM hook GROUP BY account_id""",
        f"""CREATE TRIGGER hook_kept AFTER INSERT ON hook BEGIN
        INSERT INTO hook_room (account_id, bytes) VALUES (new.account_id, {_room("new")})
        ON CONFLICT (account_id) DO UPDATE SET bytes = bytes + excluded.bytes; END""",
        f"""CREATE TRIGGER hook_removed AFTER DELETE ON hook BEGIN
        UPDATE hook_room SET bytes = bytes - {_room("old")} WHERE account_id = old.account_id; END""",
    ):
        db.execute_sql(statement)  # type: ignore[no-untyped-call]


def down(migrator: SchemaMigrator, db: Database) -> None:
    """Drop them."""
    for trigger in ("hook_kept", "hook_removed"):
        db.execute_sql(f"DROP TRIGGER {trigger}")  # type: ignore[no-untyped-call]
    for name in _INDEXES:
        db.execute_sql(f'DROP INDEX "{name}"')  # type: ignore[no-untyped-call]
    with db.bind_ctx((Account, HookRoom)):
        db.drop_tables((HookRoom,), safe=False)


def _room(row: str) -> str:
    return f"(octet_length({row}.payload) + {_AROUND_PAYLOAD})"
