"""Who is calling, and what the routes ask of the caller's key.

The gateway has admitted the key before any of this runs. What is left is decided here for every request, in
one order: the type of the key, the restriction of its account, its scope, its integration. Whose an object
is, is decided by the query that looks for it: what the caller may not see does not exist.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from flask import current_app, request
from werkzeug.exceptions import MethodNotAllowed

from app.errors import ApiError, integration_required
from app.ledger import Actor
from app.registry import ROUTE_OF, ROUTES, Route
from gateway.authorize import Allowed
from gateway.limits import Usage
from gateway.records import AccountRecord, KeyRecord

MANAGEMENT_ONLY = re.compile(r"/v1/(keys|portals)(/|$)")
_READING = ("GET", "HEAD")
_PLACEHOLDER = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: the records on which the gateway admitted it, its address, and what its limits have left.

    `raw_key` is there for sealing an answer to its caller, and for nothing else.
    """

    key: KeyRecord
    account: AccountRecord
    address: str
    usages: tuple[Usage, ...]
    raw_key: str = field(repr=False)

    @property
    def portal_id(self) -> str:
        """The portal of a portal key; the routes that ask for it serve no other type."""
        assert self.key.portal_id is not None
        return self.key.portal_id

    def actor(self) -> Actor:
        """The caller as the audit log names it, and what the current route asks of its key."""
        route = _route()
        scope = None if route is None else _scope_asked(self.key, route)
        integrations = frozenset() if route is None else _integrations_asked(self.key, route)
        return Actor("key", self.account.account_id, self.key.key_id, self.address, scope, integrations)


def principal() -> Principal:
    """Return the caller of the current request. Raises KeyError where the gateway has admitted none."""
    admission: Allowed = request.environ["vibekeys.admission"]
    snapshot = admission.snapshot
    return Principal(snapshot.key, snapshot.account, admission.address, admission.usages, admission.raw_key)


def authorize() -> None:
    """Refuse the current request unless its key may call the route; to run before every request."""
    if request.environ["vibekeys.outcome"] != "public":
        check(principal())


def check(caller: Principal) -> None:
    """Refuse the current request unless the caller's key may call its route.

    A path or method that is not served is left to the router's 404 or 405, once the type of the key is
    such that it may be told.
    """
    route = _route()
    if route is not None and request.routing_exception is None:
        request.environ["vibekeys.route"] = f"{route.method} {route.path}"  # for the record of usage
    _check_type(caller.key.type, route)
    if request.routing_exception is not None:
        return
    if route is None:
        raise ApiError("NOT_FOUND")
    check_grants(caller, route)


def check_grants(caller: Principal, route: Route) -> None:
    """Refuse a call of a route, which serves the caller's type of key, unless account and grants allow it."""
    _check_restriction(caller, route)
    _check_scope(caller.key, route)
    _check_integration(caller.key, route)


def opens(key: KeyRecord, route: Route) -> bool:
    """Tell whether type and grants of a key are such that it may call `route`."""
    return key.type in route.types and _has_scope(key, route) and _has_integration(key, route)


def openapi_path(rule: str) -> str:
    """A Flask rule as OpenAPI writes it: `/v1/keys/<id>` is `/v1/keys/{id}`."""
    return _PLACEHOLDER.sub(r"{\1}", rule)


def _route() -> Route | None:
    """The route of the current request; for a method that its path does not serve, one that the path does."""
    if request.environ["PATH_INFO"].startswith("//"):
        return None  # the router looks behind doubled slashes, where the gateway did not
    if request.url_rule is not None:
        method = "GET" if request.method == "HEAD" else request.method
        return ROUTE_OF.get((method, openapi_path(request.url_rule.rule)))
    error = request.routing_exception
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        served = sorted(set(error.valid_methods) - {"HEAD"})[0]
        rule, _ = current_app.url_map.bind("").match(request.path, method=served, return_rule=True)
        return ROUTE_OF[served, openapi_path(rule.rule)]
    return None


def _check_type(key_type: str, route: Route | None) -> None:
    if route is not None and key_type in route.types:
        return
    served = {} if route is None else {"allowedTypes": sorted(route.types)}
    details = {"keyType": key_type, **served}
    if key_type == "management":
        raise ApiError("MANAGEMENT_KEY_NO_ENTITY_ACCESS", details=details)
    if MANAGEMENT_ONLY.match(request.path):
        raise ApiError(
            "MANAGEMENT_KEY_REQUIRED", details={"keyType": key_type, "allowedTypes": ["management"]}
        )
    if route is not None:
        raise ApiError("KEY_TYPE_NOT_ALLOWED", details=details)


def _check_restriction(caller: Principal, route: Route) -> None:
    if caller.account.status != "RESTRICTED" or not route.changes:
        return
    served = (other for other in ROUTES if caller.key.type in other.types)
    reading = [f"{other.method} {other.path}" for other in served if _reads_by_another_method(other)]
    details = {"accountStatus": caller.account.status, "allowedMethods": _READING, "alsoAllowed": reading}
    raise ApiError("ACCOUNT_RESTRICTED", details=details)


def _reads_by_another_method(route: Route) -> bool:
    return route.method not in _READING and not route.changes


def _scope_asked(key: KeyRecord, route: Route) -> str | None:
    if key.type == "personal":
        return None
    return route.management_scope if key.type == "management" else route.scope


def _has_scope(key: KeyRecord, route: Route) -> bool:
    wanted = _scope_asked(key, route)
    return wanted is None or wanted in key.scopes


def _check_scope(key: KeyRecord, route: Route) -> None:
    if _has_scope(key, route):
        return
    code = "MANAGEMENT_SCOPE_REQUIRED" if key.type == "management" else "SCOPE_DENIED"
    raise ApiError(code, details={"requiredScope": _scope_asked(key, route), "scopes": list(key.scopes)})


def _integrations_asked(key: KeyRecord, route: Route) -> frozenset[str]:
    return route.integrations if key.type == "personal" else frozenset()


def _has_integration(key: KeyRecord, route: Route) -> bool:
    asked = _integrations_asked(key, route)
    return not asked or not asked.isdisjoint(key.integrations)


def _check_integration(key: KeyRecord, route: Route) -> None:
    if not _has_integration(key, route):
        raise integration_required(route.integrations, key.integrations)
