"""Every route of the API, what it asks of the calling key, and an example of its use.

One table, read by all who need to know: `app.auth` enforces it, the OpenAPI document and the guide tell it,
`GET /v1/me` lists from it what a management key can do. A route that is served but stands not here fails at
start.

Here: `route` is the form of a row, and the other modules have the rows, one a resource.
"""

from __future__ import annotations

from app.registry import (
    account,
    alerts,
    documents,
    entities,
    feedback,
    keys,
    personal_keys,
    platform,
    portals,
    servers,
)
from app.registry.route import ANY_TYPE, MANAGEMENT, PERSONAL, PORTAL, Example, Route

__all__ = ["ANY_TYPE", "MANAGEMENT", "PERSONAL", "PORTAL", "ROUTES", "ROUTE_OF", "Example", "Route"]

ROUTES: tuple[Route, ...] = (
    *platform.ROUTES,
    *keys.ROUTES,
    *portals.ROUTES,
    *feedback.ROUTES,
    *servers.ROUTES,
    *entities.ROUTES,
    *documents.ROUTES,
    *personal_keys.ROUTES,
    *account.ROUTES,
    *alerts.ROUTES,
)

ROUTE_OF: dict[tuple[str, str], Route] = {(route.method, route.path): route for route in ROUTES}
