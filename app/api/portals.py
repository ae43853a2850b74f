"""`/v1/portals`: the portals that the caller's account is a member of."""

from __future__ import annotations

from flask import Response
from peewee import JOIN, ModelSelect, fn

from app.api.answers import ApiBlueprint, page_answer
from app.auth import principal
from app.keyring import status_is
from app.models import Key, Membership, Portal
from app.openapi import page_of
from app.paging import page_of_rows
from app.schemas.portal import PortalAnswer
from app.schemas.query import PageQuery
from app.services import services

blueprint = ApiBlueprint("portals", __name__, description="The portals of the key's owner.")


@blueprint.operation("GET", "/v1/portals", query=PageQuery, gives=page_of(PortalAnswer))
def list_portals(page: int, limit: int) -> Response:
    """The portals that the owner of the key is a member of, by domain."""
    rows, total = page_of_rows(portals_of(principal().account.account_id), page, limit)
    return page_answer(PortalAnswer(many=True).dump(rows), page=page, limit=limit, total=total)


def portals_of(account_id: str) -> ModelSelect[Portal]:
    """Select the portals of an account, as rows that `PortalAnswer` takes."""
    now_ms = int(services().clock() * 1000)
    counted = (Key.portal == Portal.id) & (Key.type == "api") & status_is("ACTIVE", now_ms)
    query: ModelSelect[Portal] = (
        Portal.select(
            Portal.id,
            Portal.domain,
            Portal.status,
            Portal.linked,
            Membership.role,
            fn.COUNT(Key.id).alias("app_key_count"),
        )
        .join(Membership, on=(Membership.portal == Portal.id) & (Membership.account == account_id))
        .join(Key, JOIN.LEFT_OUTER, on=counted)
        .group_by(Portal.id, Portal.domain, Portal.status, Portal.linked, Membership.role)
        .order_by(Portal.domain)
        .objects()
    )
    return query
