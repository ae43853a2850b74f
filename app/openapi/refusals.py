"""What a route refuses with: its codes, by status, as the OpenAPI document and the guide tell them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from app.auth import MANAGEMENT_ONLY
from app.errors import ERRORS, ApiError, envelope_error
from app.openapi.envelopes import ErrorAnswer
from app.openapi.headers import response_headers
from app.registry import ANY_TYPE, Route
from gateway.denial import DENIALS

EVERY_ROUTE = (
    "VALIDATION_ERROR",
    "METHOD_NOT_ALLOWED",
    "PAYLOAD_TOO_LARGE",
    "INTERNAL_ERROR",
    "DATABASE_UNAVAILABLE",
)
"""The codes of every route beside those of the gateway."""

COMMON_CODES = (*DENIALS, *EVERY_ROUTE)
"""What a call of any route can be refused with, whatever it asks for."""

SERVER_FAULTS: Mapping[int, str] = {
    414: "The request line is longer than 8190 bytes.",
    417: "`Expect` asks for something else than `100-continue`.",
    431: "A header is longer than 8190 bytes, or all are longer than 64 KiB together.",
}
"""What the server answers before the request is read, all as `VALIDATION_ERROR`."""

_SPECIFICS: Mapping[str, Mapping[str, Any]] = {
    "KEY_IN_URL": {"hint": "Send it as X-Api-Key: <key>, and rotate this one."},
    "MISSING_API_KEY": {"hint": "Send the API key as X-Api-Key: <key> or Authorization: Bearer <key>."},
    "IP_NOT_ALLOWED": {"details": {"address": "198.51.100.7"}},
    "RATE_LIMITED": {"retry_after": 17, "details": {"limit": 1000, "window": 3600, "scope": "tier"}},
    "AUTH_ATTEMPTS_LIMITED": {"retry_after": 41},
    "GATEWAY_UNAVAILABLE": {"retry_after": 1},
    "DATABASE_UNAVAILABLE": {"retry_after": 1},
    "VALIDATION_ERROR": {"details": {"rateLimit": ["Not an integer."]}},
    "MISSING_PORTAL_ID": {"details": {"portalId": ["Required."]}},
    "MANAGEMENT_KEY_NO_ENTITY_ACCESS": {
        "details": {"keyType": "management", "allowedTypes": ["api", "authorization"]}
    },
    "MANAGEMENT_KEY_REQUIRED": {"details": {"keyType": "api", "allowedTypes": ["management"]}},
    "KEY_TYPE_NOT_ALLOWED": {"details": {"keyType": "personal", "allowedTypes": ["api", "authorization"]}},
    "ACCOUNT_RESTRICTED": {
        "details": {
            "accountStatus": "RESTRICTED",
            "allowedMethods": ["GET", "HEAD"],
            "alsoAllowed": ["POST /v1/deals/search", "POST /v1/batch"],
        }
    },
    "MANAGEMENT_SCOPE_REQUIRED": {
        "details": {"requiredScope": "vibe:mgmt:keys", "scopes": ["vibe:mgmt:portals"]}
    },
    "SCOPE_DENIED": {"details": {"requiredScope": "vibe:infra", "scopes": ["crm"]}},
    "INTEGRATION_REQUIRED": {"details": {"requiredIntegrations": ["cli"], "integrations": ["ai_tools"]}},
    "IDEMPOTENCY_IN_PROGRESS": {"retry_after": 1},
    "PORTAL_NOT_LINKED": {"details": {"linked": False, "status": "ACTIVE"}},
    "BITRIX_ACCESS_DENIED": {"details": {"code": "insufficient_scope", "description": ""}},
    "BITRIX_ERROR": {"details": {"code": "ERROR_CORE", "description": "The user was not found"}},
    "BITRIX_UNAVAILABLE": {"details": {"outcome": "unknown"}},
}
"""What an example shows beside code and message."""


def codes_of(route: Route) -> tuple[str, ...]:
    """Return every code that a call of `route` can be refused with, in the order of the checks."""
    return tuple(dict.fromkeys((*DENIALS, *_grant_codes(route), *EVERY_ROUTE, *route.errors)))


def own_codes_of(route: Route) -> tuple[str, ...]:
    """Return those of its codes that not every route has."""
    return tuple(code for code in codes_of(route) if code not in COMMON_CODES)


def refusals(route: Route) -> dict[str, Any]:
    """Return the refusals of `route` by status: the name of a shared one, or one of its own."""
    shared = _by_status(COMMON_CODES)
    found: dict[str, Any] = {}
    for status, codes in _by_status(codes_of(route)).items():
        is_shared = shared.get(status) == codes
        found[str(status)] = _name(status) if is_shared else refusal(status, codes, route)
    return found | {str(status): _name(status) for status in SERVER_FAULTS}


def shared_responses(any_route: Route) -> dict[str, Any]:
    """Return, by name, the refusals that are the same for every route with a key."""
    by_status = _by_status(COMMON_CODES)
    found = {_name(status): refusal(status, codes, any_route) for status, codes in by_status.items()}
    return found | {_name(status): server_fault(status) for status in SERVER_FAULTS}


def refusal(status: int, codes: Iterable[str], route: Route | None = None) -> dict[str, Any]:
    """Return the refusal with `status`, which has one of `codes`; no route means a path without a key."""
    codes = tuple(codes)
    lines = (f"`{code}`: {ERRORS[code].message}" for code in codes)
    return _response("\n".join(lines), codes, response_headers(status, route))


def server_fault(status: int) -> dict[str, Any]:
    """Return the refusal of what never came as far as the application."""
    description = f"`VALIDATION_ERROR`: {SERVER_FAULTS[status]}"
    return _response(description, ("VALIDATION_ERROR",), response_headers(status))


def examples() -> dict[str, Any]:
    """Return an example of the refusal with each code, by code."""
    return {code: {"summary": kind.message, "value": _example(code)} for code, kind in ERRORS.items()}


def _response(description: str, codes: tuple[str, ...], headers: dict[str, Any]) -> dict[str, Any]:
    # JSON Schema lets a reference have siblings, and generators of clients that do not know of them
    # still read every refusal as an ErrorAnswer.
    code = {"type": "string", "enum": list(codes)}
    narrowed = {"error": {"type": "object", "properties": {"code": code}}}
    schema = {"$ref": f"#/components/schemas/{ErrorAnswer.__name__}", "properties": narrowed}
    shown = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    content = {"application/json": {"schema": schema, "examples": shown}}
    return {"description": description, "headers": headers, "content": content}


def _by_status(codes: Iterable[str]) -> dict[int, tuple[str, ...]]:
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in codes:
        by_status[ERRORS[code].status].append(code)
    return {status: tuple(found) for status, found in sorted(by_status.items())}


def _name(status: int) -> str:
    return f"Refusal{status}"


def _example(code: str) -> dict[str, Any]:
    return envelope_error(ApiError(code, **_SPECIFICS.get(code, {})), "7f3c2a9e51d84b06a1c9e2f0d4b83a65")


def _grant_codes(route: Route) -> tuple[str, ...]:
    """The refusals of `app.auth`, and of a path that an odd id makes another one."""
    others, codes = ANY_TYPE - route.types, []
    has_parameters = "{" in route.path
    if "management" in others or has_parameters:
        codes.append("MANAGEMENT_KEY_NO_ENTITY_ACCESS")
    if others - {"management"}:
        codes.append(
            "MANAGEMENT_KEY_REQUIRED" if MANAGEMENT_ONLY.match(route.path) else "KEY_TYPE_NOT_ALLOWED"
        )
    if route.changes:
        codes.append("ACCOUNT_RESTRICTED")
    if route.management_scope is not None:
        codes.append("MANAGEMENT_SCOPE_REQUIRED")
    if route.scope is not None:
        codes.append("SCOPE_DENIED")
    if route.integrations:
        codes.append("INTEGRATION_REQUIRED")
    if has_parameters:
        codes.append("NOT_FOUND")
    return tuple(codes)
