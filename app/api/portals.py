"""`/v1/portals`: the portals that the caller's account is a member of."""

from __future__ import annotations

from flask import Response

from app.api.answers import ApiBlueprint, page_answer
from app.auth import principal
from app.openapi import page_of
from app.paging import page_of_rows
from app.schemas.portal import PortalAnswer
from app.schemas.query import PageQuery
from app.services import services
from app.visible_portals import portal_rows

blueprint = ApiBlueprint("portals", __name__, description="The portals of the key's owner.")


@blueprint.operation("GET", "/v1/portals", query=PageQuery, gives=page_of(PortalAnswer))
def list_portals(page: int, limit: int) -> Response:
    """The portals that the owner of the key is a member of, by domain."""
    now_ms = int(services().clock() * 1000)
    rows, total = page_of_rows(portal_rows(principal().account.account_id, now_ms), page, limit)
    return page_answer(PortalAnswer(many=True).dump(rows), page=page, limit=limit, total=total)
