"""The routes of `/v1/keys`."""

from __future__ import annotations

from app.registry.examples import (
    EXPLANATION,
    KEY,
    KEY_ID,
    PORTAL_ID,
    QUESTION,
    RAW_KEY,
    SUCCESSOR_ID,
    USAGE,
)
from app.registry.route import CHANGE_ERRORS, MANAGEMENT, RAW_KEY_ERRORS, Example, Route, one, page


def _keys(
    method: str,
    path: str,
    operation_id: str,
    summary: str,
    *errors: str,
    reads: bool = False,
    example: Example,
) -> Route:
    return Route(
        method=method,
        path=path,
        operation_id=operation_id,
        summary=summary,
        types=MANAGEMENT,
        management_scope="vibe:mgmt:keys",
        errors=errors,
        reads=reads,
        example=example,
    )


_ID = {"id": KEY_ID}

ROUTES: tuple[Route, ...] = (
    _keys(
        "GET",
        "/v1/keys",
        "listKeys",
        "list APP keys for a portal (requires portalId query param)",
        "MISSING_PORTAL_ID",
        "NOT_PORTAL_MEMBER",
        example=Example(query={"portalId": PORTAL_ID, "status": "ACTIVE"}, answer=page(KEY)),
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
        example=Example(
            body={
                "portalId": PORTAL_ID,
                "name": "Nightly report",
                "scopes": ["crm", "task"],
                "ipWhitelist": ["192.0.2.0/24"],
                "rateLimit": 5,
            },
            answer=one({**KEY, "rawKey": RAW_KEY}),
        ),
    ),
    _keys(
        "GET",
        "/v1/keys/{id}",
        "getKey",
        "single key without its secret",
        "ENTITY_NOT_FOUND",
        example=Example(path=_ID, answer=one(KEY)),
    ),
    _keys(
        "PATCH",
        "/v1/keys/{id}",
        "updateKey",
        "change a key's settings, revoke it, re-activate it",
        *CHANGE_ERRORS,
        "ENTITY_NOT_FOUND",
        "KEY_ALREADY_ROTATED",
        example=Example(path=_ID, body={"status": "REVOKED"}, answer=one({**KEY, "status": "REVOKED"})),
    ),
    _keys(
        "DELETE",
        "/v1/keys/{id}",
        "deleteKey",
        "delete a key",
        "ENTITY_NOT_FOUND",
        "KEY_HAS_ACTIVE_SERVERS",
        example=Example(path=_ID, answer=one({"id": KEY_ID, "deleted": True})),
    ),
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
        example=Example(
            path=_ID,
            body={"graceHours": 2},
            answer=one(
                {
                    **KEY,
                    "id": SUCCESSOR_ID,
                    "keyPrefix": "vibe_api_b03c77",
                    "keySuffix": "19e4",
                    "rotation": {
                        "predecessorId": KEY_ID,
                        "successorId": None,
                        "graceEndsAt": "2026-11-26T11:40:00.000Z",
                        "lastUsedAt": None,
                    },
                    "rawKey": RAW_KEY,
                }
            ),
        ),
    ),
    _keys(
        "GET",
        "/v1/keys/{id}/usage",
        "getKeyUsage",
        "how often a key was used, when, by what and from where",
        "ENTITY_NOT_FOUND",
        example=Example(
            path=_ID, query={"since": "2026-11-25T00:00:00Z", "bucket": "day"}, answer=one(USAGE)
        ),
    ),
    _keys(
        "POST",
        "/v1/keys/{id}/explain",
        "explainKey",
        "why a request with a key is refused: each check with its verdict, spending nothing",
        *CHANGE_ERRORS,
        "ENTITY_NOT_FOUND",
        reads=True,
        example=Example(path=_ID, body=QUESTION, answer=one(EXPLANATION)),
    ),
)
