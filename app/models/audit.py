"""The audit log's rows."""

from __future__ import annotations

from peewee import BigIntegerField, CharField, Check, TextField

from app.models.base import Base


class Audit(Base):
    """One change. `before` and `after` are JSON texts, kept to the letter because the MAC covers them."""

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
        constraints = (Check("actor_kind IN ('account', 'cli', 'key', 'system')", name="audit_actor_kind"),)
