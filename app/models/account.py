"""Accounts: the persons who own keys."""

from __future__ import annotations

from peewee import BigIntegerField, BooleanField, CharField, Check, IntegerField

from app.models.base import Base, id_field

TIERS = ("free", "pro", "enterprise")
STATUSES = ("ACTIVE", "RESTRICTED", "SUSPENDED")


class Account(Base):
    """`hourly_limit` is the own number of an enterprise account; null there is no limit at all."""

    id = id_field()
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
