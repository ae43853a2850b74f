"""Who is calling, and what the routes ask of the caller's key.

The gateway has admitted the key before any of this runs. What is left is decided here for every request, by
`CHECKS` in their order: the type of the key, whether there is such a route, the restriction of the account,
the key's scope, its integration. Whose an object is, is decided by the query that looks for it: what the
caller may not see does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from flask import current_app, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule

from app.errors import ApiError, integration_required
from app.ledger import Actor
from app.registry import ROUTE_OF, ROUTES, Route
from gateway.authorize import Allowed
from gateway.limits import Usage
from gateway.records import AccountRecord, KeyRecord, Snapshot
from gateway.request import Environ

MANAGEMENT_ONLY = re.compile(r"/v1/(keys|portals)(/|$)")
_READING = ("GET", "HEAD")
_PUBLIC_PATHS = frozenset({"/", "/dashboard", "/healthz", "/readyz", "/metrics", "/docs", "/mcp/v1/common"})
_PUBLIC_FOLDERS = ("/dashboard/", "/docs/", "/static/", "/.well-known/")
_PLACEHOLDER = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


class Called(NamedTuple):
    """A call as the router understands it.

    `route` is what it calls; for a method that the path does not serve, one that the path does; None if
    there is none. `refusal` is the router's own, if it has one.
    """

    path: str
    route: Route | None
    refusal: HTTPException | None = None

    @property
    def served(self) -> Route:
        """The route, once it is certain that there is one."""
        assert self.route is not None
        return self.route


Check = Callable[[Snapshot, Called], None]
"""Raises `ApiError`, or what the router has raised, if the holder of the key may not make the call."""


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

    @property
    def snapshot(self) -> Snapshot:
        """The two records, as the checks take them."""
        return Snapshot(self.key, self.account)

    def actor(self) -> Actor:
        """The caller as the audit log names it, and what the current route asks of its key."""
        route = _current_call().route
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
    holder, called = caller.snapshot, _current_call()
    route = called.route
    if route is not None and called.refusal is None:
        request.environ["vibekeys.route"] = f"{route.method} {route.path}"  # for the record of usage
    for check in CHECKS.values():
        check(holder, called)


def check_grants(caller: Principal, route: Route) -> None:
    """Refuse a call of a route, which serves the caller's type of key, unless account and grants allow it."""
    for check in _OF_GRANTS.values():
        check(caller.snapshot, Called(route.path, route))


def call_of(environ: Environ, url_map: Map) -> Called:
    """Return what an application with this map of routes would make of a call."""
    rule, refusal = None, None
    try:
        rule, _ = url_map.bind("").match(_path(environ), environ["REQUEST_METHOD"], return_rule=True)
    except HTTPException as error:
        refusal = error
    return _called(environ, url_map, rule, refusal)


def is_public(path: str) -> bool:
    """Tell whether a path is served without a key."""
    return path in _PUBLIC_PATHS or path.startswith(_PUBLIC_FOLDERS)


def opens(key: KeyRecord, route: Route) -> bool:
    """Tell whether type and grants of a key are such that it may call `route`."""
    return key.type in route.types and _has_scope(key, route) and _has_integration(key, route)


def openapi_path(rule: str) -> str:
    """A Flask rule as OpenAPI writes it: `/v1/keys/<id>` is `/v1/keys/{id}`."""
    return _PLACEHOLDER.sub(r"{\1}", rule)


def _current_call() -> Called:
    return _called(request.environ, current_app.url_map, request.url_rule, request.routing_exception)


def _called(environ: Environ, url_map: Map, rule: Rule | None, refusal: HTTPException | None) -> Called:
    method, path = environ["REQUEST_METHOD"].upper(), _path(environ)
    # The router looks behind doubled slashes, where the gateway did not.
    doubled = environ["PATH_INFO"].startswith("//")
    return Called(path, None if doubled else _route(method, path, url_map, rule, refusal), refusal)


def _path(environ: Environ) -> str:
    """The path as the router reads it."""
    sent: str = environ["PATH_INFO"]
    return "/" + sent.encode("latin-1").decode(errors="replace").lstrip("/")


def _route(
    method: str, path: str, url_map: Map, rule: Rule | None, refusal: HTTPException | None
) -> Route | None:
    if rule is not None:
        return ROUTE_OF.get(("GET" if method == "HEAD" else method, openapi_path(rule.rule)))
    if isinstance(refusal, MethodNotAllowed) and refusal.valid_methods:
        served = sorted(set(refusal.valid_methods) - {"HEAD"})[0]
        of_another_method, _ = url_map.bind("").match(path, served, return_rule=True)
        return ROUTE_OF.get((served, openapi_path(of_another_method.rule)))
    return None


def _check_type(holder: Snapshot, called: Called) -> None:
    key_type, route = holder.key.type, called.route
    if route is not None and key_type in route.types:
        return
    served = {} if route is None else {"allowedTypes": sorted(route.types)}
    details = {"keyType": key_type, **served}
    if key_type == "management":
        raise ApiError("MANAGEMENT_KEY_NO_ENTITY_ACCESS", details=details)
    if MANAGEMENT_ONLY.match(called.path):
        raise ApiError(
            "MANAGEMENT_KEY_REQUIRED", details={"keyType": key_type, "allowedTypes": ["management"]}
        )
    if route is not None:
        raise ApiError("KEY_TYPE_NOT_ALLOWED", details=details)


def _check_route(holder: Snapshot, called: Called) -> None:
    if called.refusal is not None:
        raise called.refusal
    if called.route is None:
        raise ApiError("NOT_FOUND")


def _check_restriction(holder: Snapshot, called: Called) -> None:
    if holder.account.status != "RESTRICTED" or not called.served.changes:
        return
    served = (other for other in ROUTES if holder.key.type in other.types)
    reading = [f"{other.method} {other.path}" for other in served if _reads_by_another_method(other)]
    details = {"accountStatus": holder.account.status, "allowedMethods": _READING, "alsoAllowed": reading}
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


def _check_scope(holder: Snapshot, called: Called) -> None:
    key, route = holder.key, called.served
    if _has_scope(key, route):
        return
    code = "MANAGEMENT_SCOPE_REQUIRED" if key.type == "management" else "SCOPE_DENIED"
    raise ApiError(code, details={"requiredScope": _scope_asked(key, route), "scopes": list(key.scopes)})


def _integrations_asked(key: KeyRecord, route: Route) -> frozenset[str]:
    return route.integrations if key.type == "personal" else frozenset()


def _has_integration(key: KeyRecord, route: Route) -> bool:
    asked = _integrations_asked(key, route)
    return not asked or not asked.isdisjoint(key.integrations)


def _check_integration(holder: Snapshot, called: Called) -> None:
    if not _has_integration(holder.key, called.served):
        raise integration_required(called.served.integrations, holder.key.integrations)


_OF_GRANTS: Mapping[str, Check] = {
    "restriction": _check_restriction,
    "scope": _check_scope,
    "integration": _check_integration,
}
CHECKS: Mapping[str, Check] = {"type": _check_type, "route": _check_route, **_OF_GRANTS}
"""What is asked of a call that the gateway has let in, in this order."""
