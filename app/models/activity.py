"""What happened in an account, and what the IDE's hooks told."""

from __future__ import annotations

from peewee import BigIntegerField, CharField, Check, ForeignKeyField, TextField

from app.models.account import Account
from app.models.base import Base, id_field

EVENT_TYPES = (
    "key.issued",
    "key.changed",
    "key.rotated",
    "key.revoked",
    "key.reactivated",
    "key.deleted",
    "account.created",
    "account.changed",
    "account.keys_imported",
    "account.sign_in_failed",
    "session.began",
    "session.ended",
    "portal.created",
    "portal.changed",
    "portal.member_set",
    "portal.member_removed",
    "server.created",
    "server.deleted",
    "ticket.created",
    "ticket.changed",
    "ticket.commented",
    "prompt.created",
    "prompt.changed",
    "prompt.deleted",
    "artifact.created",
    "artifact.changed",
    "artifact.deleted",
    "memory.created",
    "memory.changed",
    "memory.deleted",
    "alert.opened",
    "alert.dismissed",
    "alert.closed",
    "hook.claude-code",
    "hook.cursor-ide",
)
"""All that an account is told of. Those of changes are the actions of the audit log."""


class Event(Base):
    """One thing that an account did, or that was done to what it owns.

    `key_id` is the key that it is about, else the one by which it was done. Who did it is told if that was
    the account itself: `address` and `by_key_id` are null for others. `before` and `after` are JSON texts.
    """

    id = id_field()
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
            (("created_at",), False),
            (("account", "created_at", "id"), False),
            (("account", "type", "created_at", "id"), False),
            (("account", "key_id", "created_at", "id", "type"), False),
        )


class Hook(Base):
    """What one hook of an IDE sent, as it sent it; `payload` is JSON."""

    id = id_field()
    account = ForeignKeyField(Account, index=False, on_delete="RESTRICT")
    key_id = CharField(max_length=36)
    tool = CharField(max_length=16)
    event_name = CharField(max_length=64)
    session_id = CharField(max_length=255)
    payload = TextField()
    created_at = BigIntegerField()

    class Meta:
        constraints = (Check("tool IN ('claude-code', 'cursor-ide')", name="hook_tool"),)
        indexes = (
            (("created_at",), False),
            (("account", "created_at", "id"), False),
        )


class HookRoom(Base):
    """How many bytes an account's hooks take: their payloads, and 1 KiB for what is around each. Triggers of
    the database keep it.
    """

    account = ForeignKeyField(Account, primary_key=True, on_delete="RESTRICT")
    bytes = BigIntegerField(index=True)

    account_id: str

    class Meta:
        legacy_table_names = False
