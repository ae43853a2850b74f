"""Who may call what: type, restriction, scope, integration, in this order, for every route there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from app.api import register
from app.registry import ROUTE_OF, ROUTES, Route
from gateway.keys import mint
from tests.api.linked import ENTITY_SCOPES
from tests.api.world import UNKNOWN_ID, World

KEY_TYPES = ("api", "authorization", "management", "personal")
MANAGEMENT_ONLY = ("/v1/keys", "/v1/portals")

# Every route × every type of key: written down here once more, so that a slip in the table shows.
SERVED: dict[tuple[str, str], set[str]] = {
    ("GET", "/v1/me"): set(KEY_TYPES),
    ("GET", "/v1/guide"): set(KEY_TYPES),
    ("GET", "/v1/openapi.json"): set(KEY_TYPES),
    ("GET", "/v1/portals"): {"management"},
    ("GET", "/v1/keys"): {"management"},
    ("POST", "/v1/keys"): {"management"},
    ("GET", "/v1/keys/{id}"): {"management"},
    ("PATCH", "/v1/keys/{id}"): {"management"},
    ("DELETE", "/v1/keys/{id}"): {"management"},
    ("POST", "/v1/keys/{id}/rotate"): {"management"},
    ("GET", "/v1/keys/{id}/usage"): {"management"},
    ("POST", "/v1/keys/{id}/explain"): {"management"},
    ("POST", "/v1/feedback"): {"api", "authorization"},
    ("GET", "/v1/feedback"): {"api", "authorization", "management"},
    ("GET", "/v1/feedback/{id}"): {"api", "authorization", "management"},
    ("PATCH", "/v1/feedback/{id}"): {"management"},
    ("POST", "/v1/feedback/{id}/comments"): {"api", "authorization", "management"},
    ("GET", "/v1/infra/servers"): {"api", "authorization"},
    ("POST", "/v1/infra/servers"): {"api", "authorization"},
    ("GET", "/v1/infra/servers/{id}"): {"api", "authorization"},
    ("DELETE", "/v1/infra/servers/{id}"): {"api", "authorization"},
    **{
        (method, f"/v1/{entity}{path}"): {"api", "authorization"}
        for entity in ("deals", "contacts", "companies", "leads", "tasks", "users")
        for method, path in (("GET", ""), ("POST", "/search"), ("GET", "/fields"), ("GET", "/{id}"))
    },
    **{
        (method, f"/v1/{entity}{path}"): {"api", "authorization"}
        for entity in ("deals", "contacts", "companies", "leads", "tasks")
        for method, path in (("POST", ""), ("PATCH", "/{id}"), ("DELETE", "/{id}"))
    },
    ("POST", "/v1/batch"): {"api", "authorization"},
    ("GET", "/api/v1/prompts"): {"personal"},
    ("POST", "/api/v1/prompts"): {"personal"},
    ("GET", "/api/v1/prompts/{id}"): {"personal"},
    ("PUT", "/api/v1/prompts/{id}"): {"personal"},
    ("DELETE", "/api/v1/prompts/{id}"): {"personal"},
    ("GET", "/api/v1/artifacts"): {"personal"},
    ("POST", "/api/v1/artifacts"): {"personal"},
    ("GET", "/api/v1/artifacts/{project}/{slug}"): {"personal"},
    ("PUT", "/api/v1/artifacts/{project}/{slug}"): {"personal"},
    ("DELETE", "/api/v1/artifacts/{project}/{slug}"): {"personal"},
    ("GET", "/api/v1/memories"): {"personal"},
    ("POST", "/api/v1/memories"): {"personal"},
    ("GET", "/api/v1/memories/{id}"): {"personal"},
    ("PUT", "/api/v1/memories/{id}"): {"personal"},
    ("DELETE", "/api/v1/memories/{id}"): {"personal"},
    ("GET", "/api/v1/api-keys"): {"personal"},
    ("POST", "/api/v1/api-keys"): {"personal"},
    ("GET", "/api/v1/api-keys/{id}"): {"personal"},
    ("PATCH", "/api/v1/api-keys/{id}"): {"personal"},
    ("DELETE", "/api/v1/api-keys/{id}"): {"personal"},
    ("POST", "/api/v1/api-keys/{id}/rotate"): {"personal"},
    ("GET", "/api/v1/api-keys/{id}/usage"): {"personal"},
    ("POST", "/api/v1/api-keys/{id}/explain"): {"personal"},
    ("GET", "/api/v1/account"): {"personal"},
    ("PATCH", "/api/v1/account"): {"personal"},
    ("GET", "/api/v1/activity"): {"personal"},
    ("GET", "/api/v1/alerts"): {"personal"},
    ("GET", "/api/v1/alerts/{id}"): {"personal"},
    ("PATCH", "/api/v1/alerts/{id}"): {"personal"},
    ("POST", "/api/v1/claude-code/hooks"): {"personal"},
    ("POST", "/api/v1/cursor-ide/hooks"): {"personal"},
}
ALSO_READ = {
    "api": [
        *(
            f"POST /v1/{name}/search"
            for name in ("deals", "contacts", "companies", "leads", "tasks", "users")
        ),
        "POST /v1/batch",
    ],
    "management": ["POST /v1/keys/{id}/explain"],
    "personal": ["POST /api/v1/api-keys/{id}/explain"],
}
"""What reads although its method might change something."""
SCOPES: dict[str, str] = {
    "/v1/portals": "vibe:mgmt:portals",
    "/v1/keys": "vibe:mgmt:keys",
    "/v1/feedback": "vibe:mgmt:feedback",
}


def path_of(route: Route) -> str:
    return route.path.format(id=UNKNOWN_ID, project="a", slug="b")


def key_of(keys: Mapping[str, str], route: Route) -> str:
    """One that the route serves, of the first type that it can be."""
    return next(keys[key_type] for key_type in ("management", "api", "personal") if key_type in route.types)


@pytest.fixture(scope="module")
def keys(still_world: World) -> dict[str, str]:
    """One raw key of each type, of one account."""
    scopes = [*ENTITY_SCOPES, "vibe:infra"]
    return {
        "api": still_world.portal_key(scopes=scopes).raw_key,
        "authorization": still_world.portal_key(key_type="authorization", scopes=scopes).raw_key,
        "management": still_world.issue(
            "management", still_world.admin.account, scopes=list(SCOPES.values())
        ).raw_key,
        "personal": still_world.personal_key(integrations=["ai_tools", "cli"]).raw_key,
    }


def test_every_route_has_its_row_here() -> None:
    assert {(route.method, route.path) for route in ROUTES} == set(SERVED)


@pytest.mark.parametrize("key_type", KEY_TYPES)
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_type_of_key(still_world: World, keys: dict[str, str], route: Route, key_type: str) -> None:
    answer = still_world.call(route.method, path_of(route), keys[key_type], data=b"{broken")

    if key_type in SERVED[route.method, route.path]:
        assert answer.status in {200, 400, 404, 415}
    else:
        assert (answer.status, answer.code) == (403, _code_for_type(route, key_type))
        served = sorted(SERVED[route.method, route.path])
        assert answer.error["details"] == {"keyType": key_type, "allowedTypes": served}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/invoices",
        "/v1/invoices/1",
        "/v1/deals/1/rows",
        "/v1/keys/a/b/c",
        "/v1/keys/",
        "/v1/nothing",
        "/v2/keys",
        "/V1/me",
        "/v1//me",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "TRACE"])
def test_403_management_key_on_what_is_not_served(still_world: World, method: str, path: str) -> None:
    answer = still_world.call(method, path)

    assert (answer.status, answer.code) == (403, "MANAGEMENT_KEY_NO_ENTITY_ACCESS")
    assert answer.error["details"] == {"keyType": "management"}


@pytest.mark.parametrize("path", ["//healthz", "///readyz", "//metrics", "//v1/me"])
def test_doubled_slashes_lead_nowhere(still_world: World, keys: dict[str, str], path: str) -> None:
    overrides = {"PATH_INFO": path}
    answer = still_world.call("GET", "/", keys["personal"], environ_overrides=overrides)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")
    answer = still_world.call("GET", "/", environ_overrides=overrides)
    assert (answer.status, answer.code) == (403, "MANAGEMENT_KEY_NO_ENTITY_ACCESS")


@pytest.mark.parametrize("key_type", ["api", "authorization", "personal"])
@pytest.mark.parametrize("path", ["/v1/keys/", "/v1/keys/a/b/c", "/v1/portals/x", "/v1/keys/x/usage"])
def test_403_other_keys_below_management_paths(
    still_world: World, keys: dict[str, str], key_type: str, path: str
) -> None:
    answer = still_world.call("GET", path, keys[key_type])

    assert (answer.status, answer.code) == (403, "MANAGEMENT_KEY_REQUIRED")


@pytest.mark.parametrize("key_type", ["api", "authorization", "personal"])
@pytest.mark.parametrize(
    "path",
    [
        "/v1/nothing",
        "/v1/invoices",
        "/v1/deals/1/rows",
        "/v1/deals/",
        "/v1/keysmith",
        "/v1/portals2",
        "/v1/me/",
        "/v1//me",
        "/%00",
    ],
)
def test_404_other_keys_on_unknown_paths(
    still_world: World, keys: dict[str, str], key_type: str, path: str
) -> None:
    answer = still_world.call("GET", path, keys[key_type])

    assert (answer.status, answer.code) == (404, "NOT_FOUND")
    assert answer.headers["X-Request-Id"] == answer.error["requestId"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v1/me", "GET, HEAD"),
        ("OPTIONS", "/v1/me", "GET, HEAD"),
        ("PUT", "/v1/keys", "GET, HEAD, POST"),
        ("DELETE", "/v1/keys", "GET, HEAD, POST"),
        ("POST", f"/v1/keys/{UNKNOWN_ID}", "DELETE, GET, HEAD, PATCH"),
        ("GET", f"/v1/keys/{UNKNOWN_ID}/rotate", "POST"),
        ("BREW", "/v1/portals", "GET, HEAD"),
    ],
)
def test_405_wrong_method(still_world: World, method: str, path: str, allowed: str) -> None:
    answer = still_world.call(method, path)

    assert (answer.status, answer.code) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize("key_type", ["api", "authorization", "personal"])
def test_405_for_other_keys_where_they_are_served(
    still_world: World, keys: dict[str, str], key_type: str
) -> None:
    assert still_world.call("DELETE", "/v1/me", keys[key_type]).status == 405
    assert still_world.call("DELETE", "/v1/keys", keys[key_type]).code == "MANAGEMENT_KEY_REQUIRED"


def test_403_management_scope_for_every_route(world: World) -> None:
    for scope in set(SCOPES.values()):
        key = world.issue("management", world.admin.account, scopes=[scope]).raw_key
        for route in ROUTES:
            if "management" not in route.types:
                continue
            wanted = next((SCOPES[root] for root in SCOPES if route.path.startswith(root)), None)
            answer = world.call(route.method, path_of(route), key)
            if wanted in {None, scope}:
                assert answer.status != 403 or answer.code == "NOT_PORTAL_MEMBER"
            else:
                assert (answer.status, answer.code) == (403, "MANAGEMENT_SCOPE_REQUIRED")
                assert answer.error["details"] == {"requiredScope": wanted, "scopes": [scope]}


def test_403_restricted_account_reads_only(world: World) -> None:
    issued = world.portal_key(scopes=["vibe:infra", *ENTITY_SCOPES])
    keys = {
        "management": world.issue("management", world.admin.account, scopes=list(SCOPES.values())).raw_key,
        "api": issued.raw_key,
        "personal": world.personal_key().raw_key,
    }
    world.change_account(world.admin, status="RESTRICTED")
    before = world.service.rows()

    for route in ROUTES:
        path = route.path.format(id=issued.key.id, project="a", slug="b")
        answer = world.call(route.method, path, key_of(keys, route), query_string=_portal_query(world, route))
        if route.method == "GET":
            assert answer.status == 200 or answer.code in {"ENTITY_NOT_FOUND", "PORTAL_NOT_LINKED"}
        elif route.path.endswith(("/search", "/batch", "/explain")):
            assert answer.error["details"] == {"_body": ["A JSON object is required."]}
        else:
            assert (answer.status, answer.code) == (403, "ACCOUNT_RESTRICTED")
            (key_type,) = (key_type for key_type, key in keys.items() if key == key_of(keys, route))
            allowed = {"allowedMethods": ["GET", "HEAD"], "alsoAllowed": ALSO_READ[key_type]}
            assert answer.error["details"] == {"accountStatus": "RESTRICTED", **allowed}
    assert world.service.rows() == before


def test_type_is_told_before_restriction_and_restriction_before_scope(world: World) -> None:
    portal_key = world.portal_key().raw_key
    without_scope = world.issue("management", world.admin.account, scopes=["vibe:mgmt:portals"]).raw_key
    world.change_account(world.admin, status="RESTRICTED")

    assert world.call("POST", "/v1/keys", portal_key).code == "MANAGEMENT_KEY_REQUIRED"
    assert world.call("POST", "/v1/keys", without_scope).code == "ACCOUNT_RESTRICTED"
    assert world.call("GET", "/v1/keys", without_scope).code == "MANAGEMENT_SCOPE_REQUIRED"


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_400_no_route_takes_an_unknown_query_parameter(
    still_world: World, keys: dict[str, str], route: Route
) -> None:
    query = {**_portal_query(still_world, route), "surprise": "1"}

    answer = still_world.call(route.method, path_of(route), key_of(keys, route), query_string=query)

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == ["surprise"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_200_public_paths_take_any_key_or_none(still_world: World, path: str) -> None:
    assert still_world.service.call("GET", path).status == 200
    assert still_world.call("GET", path).status == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/docs", "/static/docs.css", "/v1/me"])
def test_400_a_key_in_the_url_of_any_path(still_world: World, path: str) -> None:
    answer = still_world.call("GET", f"{path}?key={mint('personal')}")

    assert (answer.status, answer.code) == (400, "KEY_IN_URL")


@pytest.mark.parametrize("path", ["/docs/nothing", "/static/nothing", "/.well-known/nothing"])
def test_404_public_and_unknown(still_world: World, path: str) -> None:
    answer = still_world.service.call("GET", path)

    assert (answer.status, answer.code) == (404, "NOT_FOUND")


def test_401_without_a_key(still_world: World) -> None:
    for route in ROUTES:
        answer = still_world.service.call(route.method, path_of(route))
        assert (answer.status, answer.code) == (401, "MISSING_API_KEY")


@pytest.mark.parametrize(
    ("asked", "code", "details"),
    [
        (
            {"types": frozenset({"management"})},
            "KEY_TYPE_NOT_ALLOWED",
            {"keyType": "api", "allowedTypes": ["management"]},
        ),
        ({"scope": "vibe:infra"}, "SCOPE_DENIED", {"requiredScope": "vibe:infra", "scopes": ["crm"]}),
        ({"scope": "crm"}, None, None),
        ({"integrations": frozenset({"cli"})}, None, None),
        ({"management_scope": "vibe:mgmt:keys"}, None, None),
    ],
)
def test_what_a_route_asks_of_portal_keys(
    world: World, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any], code: str | None, details: Any
) -> None:
    _ask_of_me(monkeypatch, **asked)

    answer = world.call("GET", "/v1/me", world.portal_key(scopes=["crm"]).raw_key)

    if code is None:
        assert answer.status == 200
    else:
        assert (answer.status, answer.code, answer.error["details"]) == (403, code, details)


@pytest.mark.parametrize("held", ["ai_tools", "cli"])
def test_403_integration_of_personal_keys(world: World, monkeypatch: pytest.MonkeyPatch, held: str) -> None:
    key = world.issue("personal", world.admin.account, integrations=[held]).raw_key

    _ask_of_me(monkeypatch, integrations=frozenset({"ai_tools", "cli"}), scope="crm")
    assert world.call("GET", "/v1/me", key).status == 200

    other = {"ai_tools": "cli", "cli": "ai_tools"}[held]
    _ask_of_me(monkeypatch, integrations=frozenset({other}))
    answer = world.call("GET", "/v1/me", key)
    assert (answer.status, answer.code) == (403, "INTEGRATION_REQUIRED")
    assert answer.error["details"] == {"requiredIntegrations": [other], "integrations": [held]}


def test_route_without_a_row_is_not_served(still_world: World) -> None:
    app = Flask("with a forgotten route")
    app.extensions["vibekeys"] = still_world.services
    app.get("/v1/forgotten")(lambda: "unguarded")

    with pytest.raises(RuntimeError, match="/v1/forgotten"):
        register(app)


def _code_for_type(route: Route, key_type: str) -> str:
    if key_type == "management":
        return "MANAGEMENT_KEY_NO_ENTITY_ACCESS"
    only = route.path.startswith(MANAGEMENT_ONLY)
    return "MANAGEMENT_KEY_REQUIRED" if only else "KEY_TYPE_NOT_ALLOWED"


def _ask_of_me(monkeypatch: pytest.MonkeyPatch, **asked: Any) -> None:
    row = ("GET", "/v1/me")
    monkeypatch.setitem(ROUTE_OF, row, replace(ROUTE_OF[row], **asked))


def _portal_query(world: World, route: Route) -> dict[str, Any]:
    listing = (route.method, route.path) == ("GET", "/v1/keys")
    return {"portalId": world.portal.id} if listing else {}
