"""What an account has set for itself."""

from __future__ import annotations

from peewee import BigIntegerField, BlobField, CharField, ForeignKeyField, JSONField

from app.models.account import Account
from app.models.base import Base


class Preferences(Base):
    """An account without a row has set nothing. They are no concern of the gateway's, and so apart.

    Business hours and the zone that they are in hold from `hours_set_at` on, not for what was before.
    """

    account = ForeignKeyField(Account, primary_key=True, on_delete="RESTRICT")
    timezone = CharField(max_length=64)
    business_hours = JSONField(null=True)
    hours_set_at = BigIntegerField(default=0)
    alert_webhook_sealed = BlobField(null=True)

    account_id: str
