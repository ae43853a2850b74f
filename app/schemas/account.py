"""Accounts, as they are shown."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.models import Account
from app.models.account import STATUSES, TIERS
from app.schemas.base import StrictSchema
from app.schemas.fields import Instant


class AccountAnswer(StrictSchema):
    """An account without its password."""

    id = fields.String(required=True, metadata={"format": "uuid"})
    email = fields.String(required=True)
    tier = fields.String(required=True, metadata={"enum": list(TIERS)})
    hourly_limit = fields.Integer(required=True, allow_none=True)
    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    is_operator = fields.Boolean(required=True)
    created_at = Instant(required=True)


def account_answer(account: Account) -> dict[str, Any]:
    """Return the account in the shape of `AccountAnswer`."""
    shown: dict[str, Any] = AccountAnswer().dump(account)
    return shown
