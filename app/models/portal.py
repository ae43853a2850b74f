"""Portals, which are Bitrix24 tenants, and who is a member of which."""

from __future__ import annotations

from peewee import BigIntegerField, BlobField, BooleanField, CharField, Check, CompositeKey, ForeignKeyField

from app.models.account import Account
from app.models.base import Base, id_field

STATUSES = ("ACTIVE", "INACTIVE")
ROLES = ("ADMIN", "MEMBER")


class Portal(Base):
    """`allow_private`: the webhook URL is not https on the portal's domain, and may lead anywhere."""

    id = id_field()
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


class Membership(Base):
    """One account's place in one portal."""

    portal = ForeignKeyField(Portal, index=False, on_delete="RESTRICT")
    account = ForeignKeyField(Account, on_delete="RESTRICT")
    role = CharField(max_length=16)

    portal_id: str
    account_id: str

    class Meta:
        primary_key = CompositeKey("portal", "account")
        constraints = (Check("role IN ('ADMIN', 'MEMBER')", name="membership_role"),)
