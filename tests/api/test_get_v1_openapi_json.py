"""GET /v1/openapi.json: valid, complete, and true."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.errors import ERRORS
from app.registry import ROUTES, Route
from tests.api.world import PUBLIC_URL, Answer, World


@pytest.fixture(scope="module")
def document(still_world: World) -> Any:
    return still_world.call("GET", "/v1/openapi.json").json


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


def test_every_route_and_no_other(document: Any) -> None:
    described = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
        if method != "parameters"
    }
    assert described == {(route.method, route.path) for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation_id)
def test_operation_tells_id_security_and_refusals(document: Any, route: Route) -> None:
    operation = document["paths"][route.path][route.method.lower()]

    assert operation["operationId"] == route.operation_id
    assert operation["security"] == [{"apiKey": list(route.grants)}, {"bearer": list(route.grants)}]
    assert operation["x-key-types"] == sorted(route.types)
    for code in ("MISSING_API_KEY", "RATE_LIMITED", "GATEWAY_UNAVAILABLE", *route.errors):
        assert f"`{code}`" in operation["responses"][str(ERRORS[code].status)]["description"]
    successes = [status for status in operation["responses"] if status.startswith("2")]
    assert successes == ["201" if route.operation_id in {"createKey", "rotateKey"} else "200"]


def test_operation_ids_are_unique() -> None:
    assert len({route.operation_id for route in ROUTES}) == len(ROUTES)


def test_answers_have_the_shape_that_is_promised(world: World, document: Any) -> None:
    portal_id = {"portalId": world.portal.id}
    created = world.call("POST", "/v1/keys", json={**portal_id, "name": "till", "scopes": ["crm"]})
    key = f"/v1/keys/{created.data['id']}"
    answers = {
        ("post", "/v1/keys"): created,
        ("get", "/v1/me"): world.call("GET", "/v1/me"),
        ("get", "/v1/portals"): world.call("GET", "/v1/portals"),
        ("get", "/v1/keys/{id}"): world.call("GET", key),
        ("patch", "/v1/keys/{id}"): world.call("PATCH", key, json={"rateLimit": 5}),
        ("post", "/v1/keys/{id}/rotate"): world.call("POST", f"{key}/rotate"),
        ("get", "/v1/keys"): world.call("GET", "/v1/keys", query_string=portal_id),
        ("delete", "/v1/keys/{id}"): world.call("DELETE", key),
    }

    for (method, path), answer in answers.items():
        check(document, method, path, answer)


def test_refusals_have_the_shape_that_is_promised(still_world: World, document: Any) -> None:
    check(document, "get", "/v1/keys", still_world.call("GET", "/v1/keys"))
    check(document, "post", "/v1/keys", still_world.call("POST", "/v1/keys", json={"name": 1}))
    check(document, "get", "/v1/keys/{id}", still_world.call("GET", "/v1/keys/x"))
    check(document, "get", "/v1/me", still_world.service.call("GET", "/v1/me"))


def check(document: Any, method: str, path: str, answer: Answer) -> None:
    response = document["paths"][path][method]["responses"][str(answer.status)]
    schema = response["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**schema, "components": document["components"]})
    assert [error.message for error in validator.iter_errors(answer.json)] == []
