"""Keys, and the tombstones of deleted ones."""

from __future__ import annotations

from peewee import (
    SQL,
    BigIntegerField,
    BooleanField,
    CharField,
    Check,
    ForeignKeyField,
    IntegerField,
    JSONField,
)

from app.models.account import Account
from app.models.base import Base, id_field
from app.models.portal import Portal


class Key(Base):
    """One API key. `rotated_at`, `successor_id` and `grace_ends_at` are set together, by rotation.

    Predecessor and successor are plain text, not foreign keys: they are history, and outlive the
    row that they name. `unchecked_prefix` marks a legacy key under one of our own prefixes.
    """

    id = id_field()
    type = CharField(max_length=16)
    owner = ForeignKeyField(Account, index=False, on_delete="RESTRICT")
    portal = ForeignKeyField(Portal, index=False, null=True, on_delete="RESTRICT")
    lineage_id = CharField(max_length=36, index=True)
    digest = CharField(max_length=64, unique=True)
    key_prefix = CharField(max_length=32, index=True)
    key_suffix = CharField(max_length=4)
    name = CharField(max_length=255)
    scopes = JSONField()
    integrations = JSONField()
    ip_whitelist = JSONField()
    rate_limit = IntegerField(null=True)
    hourly_limit = IntegerField(null=True)
    expires_at = BigIntegerField(null=True)
    metadata = JSONField()
    revoked = BooleanField(default=False)
    rotated_at = BigIntegerField(null=True)
    grace_ends_at = BigIntegerField(null=True)
    predecessor_id = CharField(max_length=36, null=True)
    successor_id = CharField(max_length=36, null=True)
    is_legacy = BooleanField(default=False)
    unchecked_prefix = BooleanField(default=False)
    created_at = BigIntegerField()
    revision = BigIntegerField()

    owner_id: str
    portal_id: str | None

    class Meta:
        constraints = (
            Check("type IN ('api', 'authorization', 'management', 'personal')", name="key_type"),
            Check("(type IN ('api', 'authorization')) = (portal_id IS NOT NULL)", name="key_portal"),
            Check("length(digest) = 64", name="key_digest"),
            Check("length(name) BETWEEN 1 AND 255", name="key_name"),
            Check("rate_limit IS NULL OR rate_limit BETWEEN 1 AND 1000000000", name="key_rate_limit"),
            Check("hourly_limit IS NULL OR hourly_limit BETWEEN 1 AND 1000000000", name="key_hourly_limit"),
            Check("(rotated_at IS NULL) = (successor_id IS NULL)", name="key_successor"),
            Check("(rotated_at IS NULL) = (grace_ends_at IS NULL)", name="key_grace"),
        )
        indexes = (
            (("portal", "created_at", "id"), False),
            (("owner", "created_at", "id"), False),
            (("owner", "portal"), False),
            (("owner", "type", "created_at", "id"), False),
        )


# Every worker asks each second whether there are legacy keys, and under which of our prefixes; and whose keys
# begin like a wrong one.
Key.add_index(
    Key.index(Key.unchecked_prefix, Key.key_prefix, Key.owner, name="key_legacy", where=SQL("is_legacy"))
)
# Those whose age matters, and those whose expiry does: looked for each minute.
_LIVES = SQL("NOT revoked AND successor_id IS NULL")
Key.add_index(Key.index(Key.created_at, Key.id, name="key_age", where=_LIVES))
Key.add_index(Key.index(Key.expires_at, Key.id, name="key_expiry", where=SQL("expires_at IS NOT NULL")))


class Tombstone(Base):
    """What is left of a deleted key: enough to publish over its record, for ever."""

    digest = CharField(max_length=64, primary_key=True)
    account_id = CharField(max_length=36)
    revision = BigIntegerField()
