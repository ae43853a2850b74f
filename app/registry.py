"""Every route of the API and what it asks of the calling key.

One table, read by all who need to know: `app.auth` enforces it, the OpenAPI document tells it, `GET /v1/me`
lists from it what a management key can do. A route that is served but stands not here fails at start.
"""

from __future__ import annotations

from dataclasses import dataclass

ANY_TYPE = frozenset({"api", "authorization", "management", "personal"})
MANAGEMENT = frozenset({"management"})

CHANGE_ERRORS = ("VALIDATION_ERROR", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE")
RAW_KEY_ERRORS = ("IDEMPOTENCY_IN_PROGRESS", "IDEMPOTENCY_KEY_REUSED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation. `path` is written as in OpenAPI, `{id}`.

    `types` are the types of key that it serves. Of the three grants, those that are set are asked for, each
    of the types that it concerns: `management_scope` of management keys, `scope` of portal keys,
    `integrations` (any one of them) of personal keys. `errors` are the codes that it can answer with beside
    those of every route.
    """

    method: str
    path: str
    operation_id: str
    summary: str
    types: frozenset[str]
    management_scope: str | None = None
    scope: str | None = None
    integrations: frozenset[str] = frozenset()
    errors: tuple[str, ...] = ()

    @property
    def grants(self) -> tuple[str, ...]:
        """The scopes and integrations that it asks for, as the OpenAPI document names them."""
        scopes = tuple(name for name in (self.management_scope, self.scope) if name is not None)
        return scopes + tuple(sorted(self.integrations))


def _keys(method: str, path: str, operation_id: str, summary: str, *errors: str) -> Route:
    return Route(
        method=method,
        path=path,
        operation_id=operation_id,
        summary=summary,
        types=MANAGEMENT,
        management_scope="vibe:mgmt:keys",
        errors=errors,
    )


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/v1/me",
        operation_id="getMe",
        summary="this key's own description",
        types=ANY_TYPE,
    ),
    Route(
        method="GET",
        path="/v1/openapi.json",
        operation_id="getOpenapi",
        summary="OpenAPI 3.1 document of this API",
        types=ANY_TYPE,
    ),
    _keys(
        "GET",
        "/v1/keys",
        "listKeys",
        "list APP keys for a portal (requires portalId query param)",
        "MISSING_PORTAL_ID",
        "NOT_PORTAL_MEMBER",
    ),
    _keys(
        "POST",
        "/v1/keys",
        "createKey",
        "create APP key (requires portalId in body)",
        *CHANGE_ERRORS,
        "MISSING_PORTAL_ID",
        "NOT_PORTAL_MEMBER",
        "PORTAL_NOT_LINKED",
        "BITRIX_UNAVAILABLE",
        *RAW_KEY_ERRORS,
    ),
    _keys("GET", "/v1/keys/{id}", "getKey", "single key without its secret", "ENTITY_NOT_FOUND"),
    _keys(
        "PATCH",
        "/v1/keys/{id}",
        "updateKey",
        "change a key's settings, revoke it, re-activate it",
        *CHANGE_ERRORS,
        "ENTITY_NOT_FOUND",
        "KEY_ALREADY_ROTATED",
    ),
    _keys("DELETE", "/v1/keys/{id}", "deleteKey", "delete a key", "ENTITY_NOT_FOUND"),
    _keys(
        "POST",
        "/v1/keys/{id}/rotate",
        "rotateKey",
        "make a new key with the same settings; the old one works for a grace period",
        *CHANGE_ERRORS,
        "ENTITY_NOT_FOUND",
        "KEY_ALREADY_ROTATED",
        "PREDECESSOR_IN_GRACE",
        "KEY_NOT_ACTIVE",
        *RAW_KEY_ERRORS,
    ),
    Route(
        method="GET",
        path="/v1/portals",
        operation_id="listPortals",
        summary="list your portals",
        types=MANAGEMENT,
        management_scope="vibe:mgmt:portals",
    ),
)

ROUTE_OF: dict[tuple[str, str], Route] = {(route.method, route.path): route for route in ROUTES}
