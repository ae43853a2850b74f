"""What an account keeps for its tools: prompts, artifacts, memories.

Every list that the API gives is counted and ordered in one of the indexes alone, as those of tickets are; a
search is looked up in the full-text index of its table, which triggers keep (see the migration).
"""

from __future__ import annotations

from peewee import (
    AutoField,
    BigIntegerField,
    CharField,
    Check,
    ForeignKeyField,
    IntegerField,
    JSONField,
    TextField,
)

from app.models.account import Account
from app.models.base import Base

PROMPT_STATUSES = ("draft", "published")
ARTIFACT_TYPES = ("work_reports", "static_contexts", "general")
ARTIFACT_STATUSES = ("active", "expired")


class Document(Base):
    """What the three tables have in common; there is no table of this name.

    `number` is what the full-text index knows a row by. It is a column, since a row's own number may change
    when a file is vacuumed. `revision` is raised by every change.
    """

    number = AutoField()
    id = CharField(max_length=36, unique=True)
    account = ForeignKeyField(Account, index=False, on_delete="RESTRICT")
    revision = IntegerField()
    created_at = BigIntegerField()
    updated_at = BigIntegerField()

    account_id: str


class Prompt(Document):
    """A prompt. `slug` is a name for it within the account, and stays as it is."""

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


class Artifact(Document):
    """An artifact, named by project and slug within the account."""

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


class Memory(Document):
    """A memory: a text to be found again."""

    project_name = CharField(max_length=255, null=True)
    metadata = JSONField()
    text = TextField()

    class Meta:
        indexes = (
            (("account", "created_at", "id", "project_name"), False),
            (("account", "project_name", "created_at", "id"), False),
        )
