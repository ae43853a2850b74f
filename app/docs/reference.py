"""What the pages say in rows: the checks in their order, what each scope opens, the limits, the codes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.bitrix.entities import ENTITIES, Entity
from app.config import Config
from app.docs.calls import curl, indented
from app.docs.fields import Field, fields_of
from app.docs.remedies import REMEDIES
from app.errors import ERRORS
from app.guide.endpoints import endpoint
from app.registry import ROUTES, Route
from app.registry.entities import ROUTE_FOR
from app.registry.route import CHANGE_ERRORS
from app.scopes import LEGACY_INTEGRATIONS, OPERATOR_SCOPES
from gateway.denial import DENIALS, Denial
from gateway.keys import KEY_TYPES

CHECKS: Sequence[tuple[str, Sequence[str]]] = (
    ("There is no key in the URL, neither in the path nor in the query.", ("KEY_IN_URL",)),
    ("There is one key, in a header.", ("AMBIGUOUS_CREDENTIALS", "MISSING_API_KEY")),
    ("It has the form of a key, and was issued here and not deleted.", ("INVALID_API_KEY",)),
    (
        "It is not revoked, not expired, and not past the grace that a rotation left it.",
        ("KEY_REVOKED", "KEY_EXPIRED", "KEY_ROTATED"),
    ),
    (
        "Its account is not suspended; its portal is active, and has its owner as a member.",
        ("ACCOUNT_SUSPENDED", "PORTAL_INACTIVE", "NOT_PORTAL_MEMBER"),
    ),
    ("The client's address is in the key's whitelist, if it has one.", ("IP_NOT_ALLOWED",)),
    ("All limits that apply have room. From here on the request counts.", ("RATE_LIMITED",)),
    (
        "The endpoint serves keys of this type.",
        ("MANAGEMENT_KEY_NO_ENTITY_ACCESS", "MANAGEMENT_KEY_REQUIRED", "KEY_TYPE_NOT_ALLOWED"),
    ),
    ("The account is not restricted, or the request only reads.", ("ACCOUNT_RESTRICTED",)),
    (
        "The key has the scope or the integration that the endpoint asks for.",
        ("MANAGEMENT_SCOPE_REQUIRED", "SCOPE_DENIED", "INTEGRATION_REQUIRED"),
    ),
    ("The object is one that the key's owner may see. Any other does not exist.", ("ENTITY_NOT_FOUND",)),
)
"""What is asked of every request, in this order, with the codes of those that fail."""

_NOTES: Mapping[str, str] = {
    **dict.fromkeys(OPERATOR_SCOPES, "granted by an operator only"),
    **dict.fromkeys(LEGACY_INTEGRATIONS, "legacy: not for new keys"),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """A scope or an integration, and the routes that ask for it."""

    name: str
    meaning: str
    note: str
    opens: Sequence[Route]


@dataclass(frozen=True, slots=True)
class Code:
    """A code with its remedy; `routes` are those that use it in a way of their own, empty if all do."""

    name: str
    status: int
    message: str
    remedy: str
    by_gateway: bool
    routes: Sequence[Route]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route with its fields, as a command, and with its answer."""

    route: Route
    fields: Sequence[Field]
    command: str
    answer: str


@dataclass(frozen=True, slots=True)
class EntityFacts:
    """An entity, and an example of each of its calls."""

    entity: Entity
    calls: Sequence[Endpoint]


@dataclass(frozen=True, slots=True)
class Window:
    """One of the limits that a request counts against."""

    name: str
    set_by: str
    window: str
    counted_for: str


def grants(table: Mapping[str, str]) -> list[Grant]:
    """Return the rows of one of the tables of `app.scopes`."""
    return [
        Grant(name, meaning, _NOTES.get(name, ""), [route for route in ROUTES if name in route.grants])
        for name, meaning in table.items()
    ]


def free() -> list[tuple[Route, list[str]]]:
    """Return the routes that ask nothing more of some types of key than the type, with these types."""
    rows = [(route, [name for name in KEY_TYPES if _is_free(route, name)]) for route in ROUTES]
    return [row for row in rows if row[1]]


def codes() -> list[Code]:
    """Return every code, by status; those of one status in the order in which they are checked."""
    rows = [
        Code(name, kind.status, kind.message, REMEDIES[name], name in DENIALS, _own_routes(name))
        for name, kind in ERRORS.items()
    ]
    return sorted(rows, key=lambda code: code.status)


def windows(config: Config) -> list[Window]:
    """Return the limits of this installation."""
    tier = f"the account's tier: free {config.tier_free_hourly:,}, pro {config.tier_pro_hourly:,}, "
    return [
        Window("second", "the key's `rateLimit`", "one second", "the key and what it was rotated from"),
        Window("key", "the key's `hourlyLimit`", "one hour", "the key and what it was rotated from"),
        Window("tier", f"{tier}enterprise its own", "one hour", "the account: all its keys together"),
    ]


def endpoints(key_type: str, document: Mapping[str, Any], host: str) -> list[Endpoint]:
    """Return what serves keys of a type; `document` is the OpenAPI document."""
    return [
        Endpoint(
            route,
            fields_of(endpoint(route, key_type, document, host)["parameters"]),
            curl(route, host),
            indented(route.example.answer),
        )
        for route in ROUTES
        if key_type in route.types
    ]


def entities(host: str) -> list[EntityFacts]:
    """Return every entity with its calls."""
    return [
        EntityFacts(entity, [one_call(ROUTE_FOR[entity.name, action], host) for action in entity.actions])
        for entity in ENTITIES.values()
    ]


def one_call(route: Route, host: str) -> Endpoint:
    """Return the example of a route; its fields are told elsewhere."""
    return Endpoint(route, (), curl(route, host), indented(route.example.answer))


def refusal() -> Mapping[str, Any]:
    """Return what a client gets that has used up its hour."""
    details = {"limit": 1000, "window": 3600, "scope": "tier"}
    denial = Denial("RATE_LIMITED", retry_after=17, details=details)
    body: Mapping[str, Any] = json.loads(denial.body("4f6c1e0b9a7d4c2e"))
    return body


def places(key_type: str) -> list[str]:
    """Return the paths that serve keys of a type, without those of single objects below them."""
    routes = (route for route in ROUTES if key_type in route.types)
    return list(dict.fromkeys(route.path for route in routes if "{" not in route.path))


def _is_free(route: Route, key_type: str) -> bool:
    return key_type in route.types and not route.asked_of(key_type)


def _own_routes(code: str) -> list[Route]:
    return [] if code in CHANGE_ERRORS else [route for route in ROUTES if code in route.errors]
