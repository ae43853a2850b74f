"""Portals, as the operator sees them: with all their members."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from marshmallow import fields
from peewee import ModelSelect, fn

from app.keyring import status_is
from app.models import Account, Key, Membership, Portal
from app.models.portal import ROLES, STATUSES
from app.schemas.base import StrictSchema
from app.schemas.fields import Instant


class MemberAnswer(StrictSchema):
    """One account's place in a portal."""

    account_id = fields.String(required=True, metadata={"format": "uuid"})
    email = fields.String(required=True)
    role = fields.String(required=True, metadata={"enum": list(ROLES)})


class PortalCard(StrictSchema):
    """A portal with its members; of its webhook URL only whether there is one."""

    id = fields.String(required=True, metadata={"format": "uuid"})
    domain = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    linked = fields.Boolean(required=True)
    has_webhook_url = fields.Boolean(required=True)
    app_key_count = fields.Integer(required=True)
    members = fields.List(fields.Nested(MemberAnswer), required=True)
    created_at = Instant(required=True)


def portal_cards(portals: ModelSelect[Portal], now: float) -> list[dict[str, Any]]:
    """Return the portals in the shape of `PortalCard` at `now` (unix seconds); three queries for all."""
    members = _members_by_portal(portals)
    counts = _app_keys_by_portal(portals, int(now * 1000))
    cards = [
        {
            **portal.__data__,
            "has_webhook_url": portal.webhook_url_sealed is not None,
            "app_key_count": counts.get(portal.id, 0),
            "members": members[portal.id],
        }
        for portal in portals
    ]
    shown: list[dict[str, Any]] = PortalCard(many=True).dump(cards)
    return shown


def _members_by_portal(portals: ModelSelect[Portal]) -> dict[str, list[dict[str, str]]]:
    members: dict[str, list[dict[str, str]]] = defaultdict(list)
    query = Membership.select(Membership, Account).join(Account).where(Membership.portal.in_(_ids(portals)))
    for row in query.order_by(Account.email):
        members[row.portal_id].append(
            {"account_id": row.account.id, "email": row.account.email, "role": row.role}
        )
    return members


def _app_keys_by_portal(portals: ModelSelect[Portal], now_ms: int) -> dict[str, int]:
    active = Key.select(Key.portal, fn.COUNT(Key.id)).where(
        Key.portal.in_(_ids(portals)), Key.type == "api", status_is("ACTIVE", now_ms)
    )
    counts: Any = active.group_by(Key.portal).tuples()
    return dict(counts)


def _ids(portals: ModelSelect[Portal]) -> ModelSelect[Portal]:
    # As a query of its own: of ids a statement takes only so many, and there is no cap on portals.
    return portals.select(Portal.id).order_by()
