"""The examples of the table of routes: whoever copies one gets what it shows."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from marshmallow import class_registry

from app.registry import ROUTE_OF, ROUTES, Route
from app.registry.examples import HOST
from app.registry.quickstart import DEAL_STEPS, MANAGEMENT_STEPS, Step
from tests.api.described import Described
from tests.api.world import PUBLIC_URL, World

ANSWERED = [step for step in (*MANAGEMENT_STEPS, *DEAL_STEPS) if step.answer]
OTHERWISE = [route for route in ROUTES if route.other_example]
WITH_BODY = [route for route in ROUTES if route.example.body is not None]


def operation_id(route: Route) -> str:
    return route.operation_id


@pytest.fixture(scope="module")
def described(still_world: World) -> Described:
    return Described(still_world.call("GET", "/v1/openapi.json").json)


@pytest.mark.parametrize("route", ROUTES, ids=operation_id)
def test_the_answer_is_one_that_the_document_describes(described: Described, route: Route) -> None:
    assert described.flaws(content(described, route)["schema"], route.example.answer) == []
    assert content(described, route)["example"] == route.example.answer


@pytest.mark.parametrize("route", ROUTES, ids=operation_id)
def test_path_and_query_are_such_as_the_document_describes(described: Described, route: Route) -> None:
    given = {**route.example.path, **route.example.query}
    assert set(re.findall(r"{(\w+)}", route.path)) == set(route.example.path)
    (parameters,) = (
        operation["parameters"]
        for method, path, operation in described.operations()
        if (method, path) == (route.method, route.path)
    )
    shown = {one["name"]: one for one in parameters if one["name"] in given}
    assert set(shown) == set(given)
    for name, value in given.items():
        assert shown[name]["example"] == value
        assert described.flaws(shown[name]["schema"], value) == []


@pytest.mark.parametrize("route", WITH_BODY, ids=operation_id)
def test_the_body_is_one_that_the_document_describes(described: Described, route: Route) -> None:
    body = described.operation(route.method, route.path)["requestBody"]["content"]["application/json"]
    assert body["example"] == route.example.body
    assert described.flaws(body["schema"], route.example.body) == []


@pytest.mark.parametrize("route", WITH_BODY, ids=operation_id)
def test_the_body_is_read_by_a_schema_of_the_view(described: Described, route: Route) -> None:
    body = described.operation(route.method, route.path)["requestBody"]["content"]["application/json"]
    names = [form["$ref"].rpartition("/")[2] for form in body["schema"].get("oneOf", [body["schema"]])]
    schema: Any = class_registry.get_class(names[0])
    read = schema().load(route.example.body, partial=route.method == "PATCH")
    assert len(read) == len(route.example.body or {})


@pytest.mark.parametrize("route", OTHERWISE, ids=operation_id)
def test_the_example_of_other_keys_is_one_that_the_document_describes(
    described: Described, route: Route
) -> None:
    other, operation = route.other_example, described.operation(route.method, route.path)
    assert other is not None
    assert (other.path, other.query) == (route.example.path, route.example.query)
    assert described.flaws(content(described, route)["schema"], other.answer) == []
    if other.body is not None:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert described.flaws(schema, other.body) == []


def test_what_a_management_key_is_shown_of_itself_is_true_if_shortened(still_world: World) -> None:
    """To the letter, for whoever reads only the example."""
    shown = ROUTE_OF["GET", "/v1/me"].example.answer["data"]
    told = json.loads(still_world.call("GET", "/v1/me").body.replace(PUBLIC_URL.encode(), HOST.encode()))[
        "data"
    ]
    assert set(shown) == set(told)
    for name in ("quickstart", "docs"):
        assert shown[name] == told[name]
    for name in ("capabilities", "feedback"):
        assert is_shortened(shown[name], told[name]), name
        assert shown[name]
    assert {"statuses", "transitions", "paging", "workflow"} <= set(shown["feedback"])
    assert ROUTE_OF["GET", "/v1/guide"].example.answer["data"]["feedback"] == shown["feedback"]


@pytest.mark.parametrize("step", ANSWERED, ids=lambda step: step.operation_id)
def test_the_answer_of_a_step_is_one_that_the_document_describes(described: Described, step: Step) -> None:
    (route,) = (route for route in ROUTES if route.operation_id == step.operation_id)
    assert described.flaws(content(described, route)["schema"], step.answer) == []


def is_shortened(shown: Any, whole: Any) -> bool:
    """Is this the whole, but for members and items that are left out?"""
    if isinstance(shown, dict):
        return all(name in whole and is_shortened(value, whole[name]) for name, value in shown.items())
    if isinstance(shown, list):
        rest = iter(whole)
        return all(any(is_shortened(item, one) for one in rest) for item in shown)
    return bool(shown == whole)


def content(described: Described, route: Route) -> Any:
    responses = described.operation(route.method, route.path)["responses"]
    (success,) = (response for status, response in responses.items() if status.startswith("2"))
    return success["content"]["application/json"]
