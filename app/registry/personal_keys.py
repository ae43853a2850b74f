"""The routes of `/api/v1/api-keys`."""

from __future__ import annotations

from typing import Any

from app.registry.examples import EXPLANATION, KEY, KEY_ID, QUESTION, SUCCESSOR_ID, USAGE
from app.registry.route import CHANGE_ERRORS, PERSONAL, RAW_KEY_ERRORS, Example, Route, one, page

_ID = {"id": KEY_ID}
_KEY: dict[str, Any] = {
    **KEY,
    "type": "personal",
    "name": "Work laptop",
    "keyPrefix": "vxk_5d03b9",
    "keySuffix": "e41c",
    "portalId": None,
    "scopes": [],
    "integrations": ["ai_tools", "cli"],
}
_EXPLANATION: dict[str, Any] = {
    **EXPLANATION,
    "checks": [
        {**check, "verdict": "NOT_APPLICABLE"} if check["check"] in ("portal", "member") else check
        for check in EXPLANATION["checks"]
    ],
}
_RAW_KEY = "vxk_<64 characters, shown only in this answer>"


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
        types=PERSONAL,
        integrations=frozenset({"cli"}),
        errors=errors,
        reads=reads,
        example=example,
    )


ROUTES: tuple[Route, ...] = (
    _keys(
        "GET",
        "/api/v1/api-keys",
        "listPersonalKeys",
        "list the account's personal keys",
        example=Example(query={"status": "ACTIVE"}, answer=page(_KEY)),
    ),
    _keys(
        "POST",
        "/api/v1/api-keys",
        "createPersonalKey",
        "create a personal key, with no other integrations than the calling one has",
        *CHANGE_ERRORS,
        *RAW_KEY_ERRORS,
        example=Example(
            body={
                "name": "Work laptop",
                "integrations": ["ai_tools", "cli"],
                "ipWhitelist": ["192.0.2.0/24"],
                "rateLimit": 5,
            },
            answer=one({**_KEY, "rawKey": _RAW_KEY}),
        ),
    ),
    _keys(
        "GET",
        "/api/v1/api-keys/{id}",
        "getPersonalKey",
        "single personal key without its secret",
        "ENTITY_NOT_FOUND",
        example=Example(path=_ID, answer=one(_KEY)),
    ),
    _keys(
        "PATCH",
        "/api/v1/api-keys/{id}",
        "updatePersonalKey",
        "change a personal key's settings, revoke it, re-activate it",
        *CHANGE_ERRORS,
        "ENTITY_NOT_FOUND",
        "KEY_ALREADY_ROTATED",
        example=Example(path=_ID, body={"status": "REVOKED"}, answer=one({**_KEY, "status": "REVOKED"})),
    ),
    _keys(
        "DELETE",
        "/api/v1/api-keys/{id}",
        "deletePersonalKey",
        "delete a personal key",
        "ENTITY_NOT_FOUND",
        example=Example(path=_ID, answer=one({"id": KEY_ID, "deleted": True})),
    ),
    _keys(
        "POST",
        "/api/v1/api-keys/{id}/rotate",
        "rotatePersonalKey",
        "make a new personal key with the same settings; the old one works for a grace period",
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
                    **_KEY,
                    "id": SUCCESSOR_ID,
                    "keyPrefix": "vxk_c8e217",
                    "keySuffix": "90fa",
                    "rotation": {
                        "predecessorId": KEY_ID,
                        "successorId": None,
                        "graceEndsAt": "2026-11-26T11:40:00.000Z",
                        "lastUsedAt": None,
                    },
                    "rawKey": _RAW_KEY,
                }
            ),
        ),
    ),
    _keys(
        "GET",
        "/api/v1/api-keys/{id}/usage",
        "getPersonalKeyUsage",
        "how often a personal key was used, when, by what and from where",
        "ENTITY_NOT_FOUND",
        example=Example(
            path=_ID, query={"since": "2026-11-25T00:00:00Z", "bucket": "day"}, answer=one(USAGE)
        ),
    ),
    _keys(
        "POST",
        "/api/v1/api-keys/{id}/explain",
        "explainPersonalKey",
        "why a request with a personal key is refused: each check with its verdict, spending nothing",
        *CHANGE_ERRORS,
        "ENTITY_NOT_FOUND",
        reads=True,
        example=Example(path=_ID, body=QUESTION, answer=one(_EXPLANATION)),
    ),
)
