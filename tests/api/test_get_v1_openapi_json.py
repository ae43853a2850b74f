"""GET /v1/openapi.json: valid, complete, and true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.auth import opens
from app.errors import ERRORS
from app.registry import ROUTE_OF, ROUTES, Route, account, alerts, documents
from app.serve.refusal import _REASONS
from gateway.keys import mint
from tests.api.alerts import new_alert
from tests.api.described import Described
from tests.api.linked import Linked
from tests.api.world import PUBLIC_URL, UNKNOWN_ID, Answer, World
from tests.gateway.records import new_key

WITHOUT_KEY = {"/healthz", "/readyz", "/metrics", "/docs/openapi.json"}
MCP = "/mcp/v1/common"
MAKES_SOMETHING = {
    *("createKey", "rotateKey", "createTicket", "commentTicket", "createServer"),
    *("createDeal", "createContact", "createCompany", "createLead", "createTask"),
    *("createPrompt", "createArtifact", "createMemory"),
    *("createPersonalKey", "rotatePersonalKey", "keepClaudeCodeHook", "keepCursorHook"),
}
SCHEMES = ("apiKey", "bearer")
BY_THE_SERVER = {status for status, _ in _REASONS.values()} - {400, 413}
"""Statuses that never come from the application."""

Called = tuple[str, str, Answer]
"""Method and path of an operation, and what came back."""


@pytest.fixture(scope="module")
def document(still_world: World) -> Any:
    return still_world.call("GET", "/v1/openapi.json").json


@pytest.fixture(scope="module")
def described(document: Any) -> Described:
    return Described(document)


def test_200_valid_openapi_3_1(document: Any) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": PUBLIC_URL}]
    OpenAPIV31SpecValidator(document).validate()


def test_200_for_every_type_of_key(world: World) -> None:
    for raw_key in (world.portal_key().raw_key, world.personal_key().raw_key, world.admin.management_key):
        assert world.call("GET", "/v1/openapi.json", raw_key).status == 200


def test_200_without_a_key_below_docs(still_world: World, document: Any) -> None:
    answer = still_world.service.call("GET", "/docs/openapi.json")
    assert (answer.status, answer.json) == (200, document)
    assert still_world.service.call("POST", "/docs/openapi.json").code == "METHOD_NOT_ALLOWED"


def test_every_route_and_what_needs_no_key_and_no_other(described: Described) -> None:
    found = {(method, path) for method, path, _ in described.operations()}
    without_key = {("GET", path) for path in WITHOUT_KEY} | {("GET", MCP), ("POST", MCP)}
    assert found == {(route.method, route.path) for route in ROUTES} | without_key


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation_id)
def test_operation_tells_id_security_and_refusals(described: Described, route: Route) -> None:
    operation = described.operation(route.method, route.path)

    assert operation["operationId"] == route.operation_id
    assert operation["x-key-types"] == sorted(route.types)
    for code in ("MISSING_API_KEY", "RATE_LIMITED", "GATEWAY_UNAVAILABLE", *route.errors):
        assert code in codes(described, route, ERRORS[code].status)
    successes = [status for status in operation["responses"] if status.startswith("2")]
    assert successes == ["201" if route.operation_id in MAKES_SOMETHING else "200"]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation_id)
def test_the_alternatives_of_security_are_those_that_the_service_lets_pass(
    described: Described, route: Route
) -> None:
    security = described.operation(route.method, route.path)["security"]

    enough = {grants for key_type in route.types for grants in least_grants(key_type, route)}
    for scheme in SCHEMES:
        assert {frozenset(one[scheme]) for one in security if scheme in one} == enough
    assert len(security) == len(SCHEMES) * len(enough)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation_id)
def test_a_status_has_only_its_own_codes_each_with_an_example(described: Described, route: Route) -> None:
    for status, response in described.operation(route.method, route.path)["responses"].items():
        if status.startswith("2"):
            continue
        content = described.follow(response)["content"]["application/json"]
        assert list(content["examples"]) == codes(described, route, int(status))
        for code, example in content["examples"].items():
            value = described.follow(example)["value"]
            assert value["error"]["code"] == code
            assert str(ERRORS[code].status) == status or int(status) in BY_THE_SERVER
            assert described.flaws(content["schema"], value) == []
            assert described.flaws(content["schema"], {**value, "error": {**value["error"], "code": "X"}})


def test_what_the_server_answers_by_itself_is_described_for_every_operation(described: Described) -> None:
    for method, path, operation in described.operations():
        assert {str(status) for status in BY_THE_SERVER} <= set(operation["responses"]), (method, path)


def test_what_needs_no_key_asks_for_none(described: Described) -> None:
    asked = {path: described.operation("get", path)["security"] for path in WITHOUT_KEY}
    assert asked == {path: [{"metricsToken": []}] if path == "/metrics" else [] for path in WITHOUT_KEY}


def test_operation_ids_are_unique(described: Described) -> None:
    ids = [operation["operationId"] for _, _, operation in described.operations()]
    assert len(set(ids)) == len(ids)


def test_every_parameter_header_and_scheme_says_what_it_is(described: Described) -> None:
    parameters = [one for _, _, operation in described.operations() for one in operation["parameters"]]
    components = described.document["components"]
    for one in (*parameters, *components["headers"].values(), *components["securitySchemes"].values()):
        assert one["description"].endswith("."), one
    assert len(parameters) > len(ROUTES) / 2


def test_every_property_has_a_type(document: Any) -> None:
    untyped = [where for where, schema in properties(document["components"]["schemas"]) if not typed(schema)]
    assert untyped == []


def test_every_tag_says_what_it_holds(described: Described) -> None:
    told = {tag["name"]: tag["description"] for tag in described.document["tags"]}
    assert {name for _, _, operation in described.operations() for name in operation["tags"]} == set(told)
    assert all(told.values())


def test_answers_have_the_shape_that_is_promised(linked: Linked, described: Described) -> None:
    world = linked.world
    answers = [*of_keys(world), *of_tickets(world), *of_servers(world), *of_documents(world)]
    answers += [*of_personal_keys(world), *of_account(world)]
    answers += [(route.method, route.path, answer) for route, answer in linked.examples()]
    rotated = world.portal_key()
    world.rotate(rotated.key, grace_hours=1)
    answers += [("GET", path, world.call("GET", path)) for path in ("/v1/me", "/v1/guide", "/v1/portals")]
    answers += [("GET", "/v1/openapi.json", world.call("GET", "/v1/openapi.json", rotated.raw_key))]

    assert {(method, path) for method, path, _ in answers} == set(ROUTE_OF)
    assert {answer.status for _, _, answer in answers} == {200, 201}
    assert flaws(described, answers) == {}


def test_answers_without_a_key_have_the_shape_that_is_promised(world: World, described: Described) -> None:
    answers = [("GET", path, world.service.call("GET", path)) for path in sorted(WITHOUT_KEY)]

    assert {answer.status for _, _, answer in answers} == {200, 404}
    assert flaws(described, answers) == {}


def test_refusals_have_the_shape_that_is_promised(world: World, described: Described) -> None:
    call, anonymous = world.call, world.service.call
    narrow = world.issue("management", world.admin.account, scopes=["vibe:mgmt:portals"], rate_limit=1)
    portal_key = world.portal_key(ip_whitelist=["192.0.2.1"]).raw_key
    answers = [
        ("GET", "/v1/keys", call("GET", "/v1/keys")),
        ("POST", "/v1/keys", call("POST", "/v1/keys", json={"name": 1})),
        ("POST", "/v1/keys", call("POST", "/v1/keys", data="x", content_type="text/plain")),
        ("POST", "/v1/keys", call("POST", "/v1/keys", data=b" " * 1_100_000)),
        ("GET", "/v1/keys", call("GET", "/v1/keys", narrow.raw_key)),
        ("GET", "/v1/keys", call("GET", "/v1/keys", narrow.raw_key)),
        ("GET", "/v1/keys", call("GET", "/v1/keys", world.personal_key().raw_key)),
        ("GET", "/v1/keys/{id}", call("GET", f"/v1/keys/{UNKNOWN_ID}")),
        ("GET", "/v1/keys/{id}", call("GET", "/v1/keys/x")),
        ("GET", "/v1/keys/{id}", call("OPTIONS", "/v1/keys/x")),
        ("GET", "/v1/me", call("GET", "/v1/me", portal_key)),
        ("GET", "/v1/me", anonymous("GET", "/v1/me")),
        ("GET", "/v1/me", anonymous("GET", "/v1/me", "vxk_short")),
        ("GET", "/v1/me", anonymous("GET", f"/v1/me?{portal_key}")),
        *(("GET", path, anonymous("POST", path)) for path in sorted(WITHOUT_KEY)),
        *((method, MCP, anonymous(method, MCP)) for method in ("GET", "POST")),
        *refusals_of_documents(world),
    ]

    assert {answer.status for _, _, answer in answers} == {400, 401, 403, 404, 405, 409, 412, 413, 415, 429}
    assert flaws(described, answers) == {}


def of_keys(world: World) -> list[Called]:
    wanted = {"portalId": world.portal.id, "name": "till", "scopes": ["crm"]}
    twice = {"json": wanted, "headers": {"Idempotency-Key": "1"}}
    created, again = (world.call("POST", "/v1/keys", **twice) for _ in range(2))
    key = f"/v1/keys/{created.data['id']}"
    return [
        ("POST", "/v1/keys", created),
        ("POST", "/v1/keys", again),
        ("GET", "/v1/keys/{id}", world.call("GET", key)),
        ("PATCH", "/v1/keys/{id}", world.call("PATCH", key, json={"rateLimit": 5})),
        ("POST", "/v1/keys/{id}/rotate", world.call("POST", f"{key}/rotate")),
        ("GET", "/v1/keys/{id}/usage", world.call("GET", f"{key}/usage")),
        *explained("/v1/keys", lambda body: world.call("POST", f"{key}/explain", json=body)),
        ("GET", "/v1/keys", world.call("GET", "/v1/keys", query_string={"portalId": world.portal.id})),
        ("DELETE", "/v1/keys/{id}", world.call("DELETE", key)),
    ]


def explained(path: str, ask: Callable[[Any], Answer]) -> list[Called]:
    """What lets pass, what the gateway refuses, what the application refuses, and what needs no key."""
    asked = [
        (method, path) for method in ("GET", "PUT") for path in ("/v1/me", f"/v1/{mint('api')}", "/docs")
    ]
    bodies = [{"address": "192.0.2.1", "method": method, "path": path} for method, path in asked]
    return [("POST", f"{path}/{{id}}/explain", ask(body)) for body in bodies]


def of_tickets(world: World) -> list[Called]:
    author, team = (
        world.portal_key().raw_key,
        world.issue("management", world.admin.account, scopes=["vibe:mgmt:feedback"]).raw_key,
    )
    wanted = ROUTE_OF["POST", "/v1/feedback"].example.body
    created = world.call("POST", "/v1/feedback", author, json=wanted)
    ticket = f"/v1/feedback/{created.data['id']}"
    asked = {"text": "When?", "status": "AWAITING_USER"}
    return [
        ("POST", "/v1/feedback", created),
        ("POST", "/v1/feedback/{id}/comments", world.call("POST", f"{ticket}/comments", team, json=asked)),
        (
            "POST",
            "/v1/feedback/{id}/comments",
            world.call("POST", f"{ticket}/comments", author, json={"text": "Now."}),
        ),
        ("PATCH", "/v1/feedback/{id}", world.call("PATCH", ticket, team, json={"status": "REVIEWING"})),
        ("GET", "/v1/feedback/{id}", world.call("GET", ticket, author)),
        ("GET", "/v1/feedback", world.call("GET", "/v1/feedback", team)),
    ]


def of_servers(world: World) -> list[Called]:
    key = world.portal_key(scopes=["vibe:infra"]).raw_key
    created = world.call("POST", "/v1/infra/servers", key, json={"name": "runner"})
    server = f"/v1/infra/servers/{created.data['id']}"
    return [
        ("POST", "/v1/infra/servers", created),
        ("GET", "/v1/infra/servers", world.call("GET", "/v1/infra/servers", key)),
        ("GET", "/v1/infra/servers/{id}", world.call("GET", server, key)),
        ("DELETE", "/v1/infra/servers/{id}", world.call("DELETE", server, key)),
    ]


def of_documents(world: World) -> list[Called]:
    key = world.personal_key().raw_key
    answers: list[Called] = []
    made: dict[str, str] = {}
    for route in documents.ROUTES:
        path = route.path.format_map({**route.example.path, **made})
        answer = world.call(route.method, path, key, json=route.example.body)
        answers.append((route.method, route.path, answer))
        if answer.status == 201:
            made = {"id": answer.data["id"]}
            answers.append(("GET", route.path, world.call("GET", path, key)))
    return answers


def refusals_of_documents(world: World) -> list[Called]:
    key, path = world.personal_key().raw_key, "/api/v1/artifacts/{project}/{slug}"
    wanted = {"projectName": "a/b", "slug": "c", "title": "d", "content": "e"}
    another = {"json": {}, "headers": {"If-Match": '"another"'}}
    world.call("POST", "/api/v1/artifacts", key, json=wanted)
    world.call("POST", "/api/v1/artifacts", key, json={**wanted, "slug": "d"})
    return [
        ("POST", "/api/v1/artifacts", world.call("POST", "/api/v1/artifacts", key, json=wanted)),
        ("PUT", path, world.call("PUT", "/api/v1/artifacts/a/b/d", key, json={"slug": "c"})),
        ("PUT", path, world.call("PUT", "/api/v1/artifacts/a/b/c", key, **another)),
        ("DELETE", path, world.call("DELETE", "/api/v1/artifacts/a/b/c", key, **another)),
        ("GET", path, world.call("GET", "/api/v1/artifacts/a/c", key)),
    ]


def of_personal_keys(world: World) -> list[Called]:
    own, path = world.personal_key().raw_key, "/api/v1/api-keys"
    created = world.call("POST", path, own, json={"name": "laptop", "integrations": ["cli"]})
    key = f"{path}/{created.data['id']}"
    return [
        ("POST", path, created),
        ("GET", path, world.call("GET", path, own)),
        ("GET", f"{path}/{{id}}", world.call("GET", key, own)),
        ("PATCH", f"{path}/{{id}}", world.call("PATCH", key, own, json={"rateLimit": 5})),
        ("POST", f"{path}/{{id}}/rotate", world.call("POST", f"{key}/rotate", own)),
        ("GET", f"{path}/{{id}}/usage", world.call("GET", f"{key}/usage", own)),
        *explained(path, lambda body: world.call("POST", f"{key}/explain", own, json=body)),
        ("DELETE", f"{path}/{{id}}", world.call("DELETE", key, own)),
    ]


def of_account(world: World) -> list[Called]:
    key = world.personal_key(integrations=["ai_tools", "cli"]).raw_key
    return [
        (route.method, route.path, world.call(route.method, route.path, key, json=route.example.body))
        for route in account.ROUTES
    ] + [
        (route.method, route.path, world.call(route.method, path, key, json=route.example.body))
        for route in alerts.ROUTES
        for path in (route.path.replace("{id}", new_alert(world, world.admin).id),)
    ]


def codes(described: Described, route: Route, status: int) -> list[str]:
    """The codes that a refusal of the route with this status can have."""
    content = described.response(route.method, route.path, status)["content"]["application/json"]
    found: list[str] = content["schema"]["properties"]["error"]["properties"]["code"]["enum"]
    return found


def least_grants(key_type: str, route: Route) -> Iterator[frozenset[str]]:
    """What opens the route to a key of this type: nothing, or each of these alone."""
    kind = "integrations" if key_type == "personal" else "scopes"

    def suffices(*grants: str) -> bool:
        return opens(new_key(type=key_type, **{kind: grants})[1], route)

    single = (frozenset({name}) for name in route.grants if suffices(name))
    yield from [frozenset()] if suffices() else single


def flaws(described: Described, answers: list[Called]) -> dict[str, list[str]]:
    found = {
        f"{method} {path} {answer.status}": described.flaws_of(method, path, answer)
        for method, path, answer in answers
    }
    return {what: wrong for what, wrong in found.items() if wrong}


def properties(schemas: Any) -> Iterator[tuple[str, Any]]:
    """Every property of every schema, by where it stands."""
    for name, schema in schemas.items():
        for member, described in schema.get("properties", {}).items():
            yield f"{name}.{member}", described
        yield from properties({f"{name}.{m}": inner for m, inner in schema.get("properties", {}).items()})


def typed(schema: Any) -> bool:
    if "$ref" in schema:
        return True
    if "anyOf" in schema:
        return all(typed(one) for one in schema["anyOf"])
    return "type" in schema and (schema["type"] != "array" or typed(schema["items"]))
