"""The portals that an account sees: those that it is a member of, each with its role there."""

from __future__ import annotations

from peewee import JOIN, ModelSelect, fn

from app.keyring import status_is
from app.models import Key, Membership, Portal


def portals_of(account_id: str) -> ModelSelect[Portal]:
    """Select the portals that an account is a member of."""
    member = (Membership.portal == Portal.id) & (Membership.account == account_id)
    return Portal.select(Portal).join(Membership, on=member)


def portal_rows(account_id: str, now_ms: int) -> ModelSelect[Portal]:
    """Select them by domain, as rows with `role` and `app_key_count`: the ACTIVE keys of type api."""
    counted = (Key.portal == Portal.id) & (Key.type == "api") & status_is("ACTIVE", now_ms)
    shown = (Portal.id, Portal.domain, Portal.status, Portal.linked, Membership.role)
    return (
        portals_of(account_id)
        .select(*shown, fn.COUNT(Key.id).alias("app_key_count"))
        .join(Key, JOIN.LEFT_OUTER, on=counted)
        .group_by(*shown)
        .order_by(Portal.domain)
        .objects()
    )
