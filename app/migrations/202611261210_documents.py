"""Prompts, artifacts and memories, each with its full-text index."""

from __future__ import annotations

from peewee import (
    AutoField,
    BigIntegerField,
    CharField,
    Check,
    Database,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
    TextField,
)
from playhouse.migrate import SchemaMigrator


class Account(Model):
    id = CharField(max_length=36, primary_key=True)


class Prompt(Model):
    number = AutoField()
    id = CharField(max_length=36, unique=True)
    account = ForeignKeyField(Account, index=False, on_delete="RESTRICT")
    revision = IntegerField()
    created_at = BigIntegerField()
    updated_at = BigIntegerField()
    slug = CharField(max_length=255)
    status = CharField(max_length=16)
    labels = JSONField()
    title = CharField(max_length=255)
    description = CharField(max_length=200, null=True)
    content = TextField()

    class Meta:
        constraints = (
            Check("status IN ('draft', 'published')", name="prompt_status"),
            Check("length(title) BETWEEN 1 AND 255", name="prompt_title"),
        )
        indexes = (
            (("account", "slug"), True),
            (("account", "created_at", "id", "status", "labels"), False),
        )


class Artifact(Model):
    number = AutoField()
    id = CharField(max_length=36, unique=True)
    account = ForeignKeyField(Account, index=False, on_delete="RESTRICT")
    revision = IntegerField()
    created_at = BigIntegerField()
    updated_at = BigIntegerField()
    project_name = CharField(max_length=255)
    slug = CharField(max_length=255)
    status = CharField(max_length=16)
    type = CharField(max_length=16)
    metadata = JSONField()
    title = CharField(max_length=255)
    description = CharField(max_length=500, null=True)
    content = TextField()

    class Meta:
        constraints = (
            Check("status IN ('active', 'expired')", name="artifact_status"),
            Check("type IN ('work_reports', 'static_contexts', 'general')", name="artifact_type"),
            Check("length(title) BETWEEN 1 AND 255", name="artifact_title"),
        )
        indexes = (
            (("account", "project_name", "slug"), True),
            (("account", "created_at", "id", "status", "type", "project_name"), False),
            (("account", "project_name", "created_at", "id", "status", "type"), False),
        )


class Memory(Model):
    number = AutoField()
    id = CharField(max_length=36, unique=True)
    account = ForeignKeyField(Account, index=False, on_delete="RESTRICT")
    revision = IntegerField()
    created_at = BigIntegerField()
    updated_at = BigIntegerField()
    project_name = CharField(max_length=255, null=True)
    metadata = JSONField()
    text = TextField()

    class Meta:
        indexes = (
            (("account", "created_at", "id", "project_name"), False),
            (("account", "project_name", "created_at", "id"), False),
        )


_TABLES = (Prompt, Artifact, Memory)
_SEARCHED = {
    "prompt": ("title", "description", "content"),
    "artifact": ("title", "description", "content"),
    "memory": ("text",),
}
# All of it is done under the write lock: of a megabyte for a fifth of a second.
_INDEXED_CHARACTERS = 100_000
_FOLDED = {"ё": "е", "Ё": "Е", "ß": "ss", "ẞ": "SS"}


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the tables."""
    with db.bind_ctx((Account, *_TABLES)):
        db.create_tables(_TABLES, safe=False)
    for table, columns in _SEARCHED.items():
        for statement in _full_text(table, columns):
            db.execute_sql(statement)  # type: ignore[no-untyped-call]


def down(migrator: SchemaMigrator, db: Database) -> None:
    """Drop the tables."""
    for table in _SEARCHED:
        db.execute_sql(f"DROP TABLE {table}_words")  # type: ignore[no-untyped-call]
    with db.bind_ctx((Account, *_TABLES)):
        db.drop_tables(_TABLES, safe=False)


def _full_text(table: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The index, which keeps no text, and the triggers that tell it of what comes and goes.

    The account is indexed like a word, and so is the first letter of each word. Without this, a search for
    all words with a common letter would gather, of all accounts, where they stand.
    """
    names = ", ".join(("account_id", *columns))
    values = ", ".join(("new.account_id", *(_indexed(f"new.{name}") for name in columns)))
    put = f"INSERT INTO {table}_words (rowid, {names}) VALUES (new.number, {values});"
    take = f"DELETE FROM {table}_words WHERE rowid = old.number;"
    # Without the text, what is taken out is marked at once: not read and looked up word by word.
    options = "content='', contentless_delete=1, prefix='1', tokenize='unicode61 remove_diacritics 2'"
    return (
        f"CREATE VIRTUAL TABLE {table}_words USING fts5({names}, {options})",
        f"CREATE TRIGGER {table}_inserted AFTER INSERT ON {table} BEGIN {put} END",
        f"CREATE TRIGGER {table}_deleted AFTER DELETE ON {table} BEGIN {take} END",
        f"CREATE TRIGGER {table}_changed AFTER UPDATE OF number, {names} ON {table} BEGIN {take} {put} END",
    )


def _indexed(column: str) -> str:
    """The beginning of a text; letters that the tokenizer takes for letters of their own are replaced."""
    folded = f"substr({column}, 1, {_INDEXED_CHARACTERS})"
    for letter, plain in _FOLDED.items():
        folded = f"replace({folded}, '{letter}', '{plain}')"
    return folded
