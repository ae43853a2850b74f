"""The first tables: accounts, portals, keys, publication, audit, idempotency."""

from __future__ import annotations

from peewee import (
    SQL,
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    Check,
    CompositeKey,
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
    email = CharField(max_length=254, unique=True)
    tier = CharField(max_length=16)
    hourly_limit = IntegerField(null=True)
    status = CharField(max_length=16)
    is_operator = BooleanField()
    password_hash = CharField(max_length=255, null=True)
    created_at = BigIntegerField()
    revision = BigIntegerField()

    class Meta:
        constraints = (
            Check("email = lower(email)", name="account_email_folded"),
            Check("tier IN ('free', 'pro', 'enterprise')", name="account_tier"),
            Check("status IN ('ACTIVE', 'RESTRICTED', 'SUSPENDED')", name="account_status"),
            Check(
                "hourly_limit IS NULL OR (tier = 'enterprise' AND hourly_limit BETWEEN 1 AND 1000000000)",
                name="account_hourly_limit",
            ),
        )
        indexes = ((("created_at", "id"), False),)


class Portal(Model):
    id = CharField(max_length=36, primary_key=True)
    domain = CharField(max_length=253, unique=True)
    webhook_url_sealed = BlobField(null=True)
    allow_private = BooleanField()
    status = CharField(max_length=16)
    linked = BooleanField()
    created_at = BigIntegerField()

    class Meta:
        constraints = (
            Check("domain = lower(domain)", name="portal_domain_folded"),
            Check("status IN ('ACTIVE', 'INACTIVE')", name="portal_status"),
        )
        indexes = ((("created_at", "id"), False),)


class Membership(Model):
    portal = ForeignKeyField(Portal, index=False, on_delete="RESTRICT")
    account = ForeignKeyField(Account, on_delete="RESTRICT")
    role = CharField(max_length=16)

    class Meta:
        primary_key = CompositeKey("portal", "account")
        constraints = (Check("role IN ('ADMIN', 'MEMBER')", name="membership_role"),)


class Key(Model):
    id = CharField(max_length=36, primary_key=True)
    type = CharField(max_length=16)
    owner = ForeignKeyField(Account, index=False, on_delete="RESTRICT")
    portal = ForeignKeyField(Portal, index=False, null=True, on_delete="RESTRICT")
    lineage_id = CharField(max_length=36, index=True)
    digest = CharField(max_length=64, unique=True)
    key_prefix = CharField(max_length=32)
    key_suffix = CharField(max_length=4)
    name = CharField(max_length=255)
    scopes = JSONField()
    integrations = JSONField()
    ip_whitelist = JSONField()
    rate_limit = IntegerField(null=True)
    hourly_limit = IntegerField(null=True)
    expires_at = BigIntegerField(null=True)
    metadata = JSONField()
    revoked = BooleanField()
    rotated_at = BigIntegerField(null=True)
    grace_ends_at = BigIntegerField(null=True)
    predecessor_id = CharField(max_length=36, null=True)
    successor_id = CharField(max_length=36, null=True)
    is_legacy = BooleanField()
    unchecked_prefix = BooleanField()
    created_at = BigIntegerField()
    revision = BigIntegerField()

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
        )


Key.add_index(Key.index(Key.unchecked_prefix, Key.key_prefix, name="key_legacy", where=SQL("is_legacy")))


class Tombstone(Model):
    digest = CharField(max_length=64, primary_key=True)
    account_id = CharField(max_length=36)
    revision = BigIntegerField()


class Unpublished(Model):
    revision = BigIntegerField(primary_key=True)
    kind = CharField(max_length=16)
    ref = CharField(max_length=64)

    class Meta:
        constraints = (Check("kind IN ('key', 'account')", name="unpublished_kind"),)


class Heads(Model):
    id = IntegerField(primary_key=True)
    revision = BigIntegerField()
    published = BigIntegerField()

    class Meta:
        constraints = (Check("id = 1", name="heads_single"),)


class Audit(Model):
    seq = BigIntegerField(primary_key=True)
    at = BigIntegerField()
    actor_kind = CharField(max_length=16)
    actor_account_id = CharField(max_length=36, null=True)
    actor_key_id = CharField(max_length=36, null=True)
    address = CharField(max_length=64, null=True)
    action = CharField(max_length=64)
    target_kind = CharField(max_length=16)
    target_id = CharField(max_length=36)
    before = TextField(null=True)
    after = TextField(null=True)
    mac = CharField(max_length=64)

    class Meta:
        constraints = (Check("actor_kind IN ('cli', 'key', 'system')", name="audit_actor_kind"),)


class Idempotency(Model):
    id = CharField(max_length=64, primary_key=True)
    fingerprint = CharField(max_length=64)
    attempt = CharField(max_length=32)
    started_at = BigIntegerField(index=True)
    status = IntegerField(null=True)
    answer = BlobField(null=True)

    class Meta:
        constraints = (Check("(status IS NULL) = (answer IS NULL)", name="idempotency_finished"),)


_TABLES = (Account, Portal, Membership, Key, Tombstone, Unpublished, Heads, Audit, Idempotency)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the tables."""
    with db.bind_ctx(_TABLES):
        db.create_tables(_TABLES, safe=False)
        Heads.create(id=1, revision=0, published=0)


def down(migrator: SchemaMigrator, db: Database) -> None:
    """Drop the tables."""
    with db.bind_ctx(_TABLES):
        db.drop_tables(_TABLES, safe=False)
