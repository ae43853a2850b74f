"""The routes of `/v1/portals`."""

from __future__ import annotations

from app.registry.examples import PORTAL_CARD
from app.registry.route import MANAGEMENT, Example, Route, page

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/v1/portals",
        operation_id="listPortals",
        summary="list your portals",
        types=MANAGEMENT,
        management_scope="vibe:mgmt:portals",
        example=Example(answer=page(PORTAL_CARD)),
    ),
)
