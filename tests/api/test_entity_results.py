"""Answers of Bitrix24 whose result has an odd shape: what is believed, and what it means for a change."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.bitrix.sandbox import Sandbox
from tests.api.linked import Linked
from tests.api.world import World

UNKNOWN = {"outcome": "unknown"}


@pytest.fixture(scope="module")
def still(still_world: World, still_sandbox: Sandbox) -> Linked:
    return Linked(still_world, still_sandbox)


def _give(linked: Linked, result: Any, method: str | None = None, **more: Any) -> None:
    """Have the next call answered 200 with a result of any shape."""
    linked.sandbox.faults.add("not_json", text=json.dumps({"result": result, **more}), method=method)


PATHS = (
    "/v1/deals",
    "/v1/deals/1",
    "/v1/deals/fields",
    "/v1/tasks",
    "/v1/tasks/1",
    "/v1/users",
    "/v1/users/1",
)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "result",
    [
        [5],
        "text",
        None,
        5,
        False,
        {"items": [5]},
        {"items": None},
        {"item": []},
        {"item": 5},
        {"tasks": [[]]},
    ],
)
def test_502_a_result_of_another_shape(still: Linked, path: str, result: Any) -> None:
    _give(still, result)
    answer = still.get(path)
    assert (answer.status, answer.code, answer.error.get("details")) == (502, "BITRIX_UNAVAILABLE", None)


@pytest.mark.parametrize("path", PATHS)
def test_an_empty_result_is_an_empty_list_or_no_item(still: Linked, path: str) -> None:
    _give(still, [])
    answer = still.get(path)
    if path.endswith("1"):
        assert (answer.status, answer.code) == (404, "ENTITY_NOT_FOUND")
    elif path.endswith("fields"):
        assert not any(field["custom"] for field in answer.data.values())
    else:
        meta = {"limit": 50, "offset": 0, "total": 0, "hasMore": False}
        assert (answer.data, answer.json["meta"]) == ([], meta)


@pytest.mark.parametrize(
    ("path", "result"),
    [
        ("/v1/deals", {"items": {"3": {"id": "5"}, "7": {"id": 6}}}),
        ("/v1/tasks", {"tasks": {"3": {"id": "5"}, "7": {"id": 6}}}),
        ("/v1/users", {"3": {"ID": "5"}, "7": {"ID": 6}}),
    ],
)
def test_200_a_list_that_php_wrote_as_a_map(still: Linked, path: str, result: Any) -> None:
    _give(still, result, total="2")
    assert still.get(path).data == [{"id": 5}, {"id": 6}]
    _give(still, {"items": {}, "tasks": {}} if path != "/v1/users" else {}, total=0)
    assert still.get(path).data == []


def test_200_a_user_that_php_wrote_into_a_map(still: Linked) -> None:
    _give(still, {"3": {"ID": "5"}})
    assert still.get("/v1/users/5").data == {"id": 5}


@pytest.mark.parametrize(("total", "told"), [(-1, 1), (10**30, 1), ("many", 1), (True, 1), ("7", 7), (7, 7)])
def test_200_a_total_that_can_be_none_is_what_was_found(still: Linked, total: Any, told: int) -> None:
    _give(still, {"items": [{"id": 5}]}, total=total)
    answer = still.get("/v1/deals", {"limit": 1})
    assert answer.json["meta"] == {"limit": 1, "offset": 0, "total": told, "hasMore": told > 1}


def test_200_an_error_that_is_null_is_none(still: Linked) -> None:
    _give(still, {"item": {"id": "5"}}, error=None, error_description="")
    assert still.get("/v1/deals/5").data == {"id": 5}


TASK = {"title": "x", "responsibleId": 1}
CHANGES: list[tuple[str, str, Any, str, Any]] = [
    ("POST", "/v1/deals", {"title": "x"}, "crm.item.add", "item"),
    ("PATCH", "/v1/deals/1", {"title": "x"}, "crm.item.update", "item"),
    ("POST", "/v1/tasks", TASK, "tasks.task.add", "task"),
    ("PATCH", "/v1/tasks/1", {"title": "x"}, "tasks.task.update", "task"),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda it: f"{it[0]} {it[1]}")
@pytest.mark.parametrize("result", [[], {}, None, True, 5, {"": []}, {"": None}, {"": {"title": "x"}}])
def test_502_a_change_with_an_odd_result_may_have_been_made(still: Linked, change: Any, result: Any) -> None:
    method, path, body, called, under = change
    named = {under: result[""]} if isinstance(result, dict) and result else result
    still.sandbox.forget_calls()
    _give(still, named, called)

    answer = still.call(method, path, json=body)

    assert (answer.status, answer.code) == (502, "BITRIX_UNAVAILABLE")
    assert answer.error["details"] == UNKNOWN
    assert still.methods == [called]


@pytest.mark.parametrize("result", [None, False, {"task": False}])
def test_502_a_deletion_that_is_not_confirmed(still: Linked, result: Any) -> None:
    _give(still, result, "tasks.task.delete")
    answer = still.call("DELETE", "/v1/tasks/1")
    assert (answer.status, answer.error["details"]) == (502, UNKNOWN)


def test_200_a_changed_item_that_is_not_shown_is_read(still: Linked) -> None:
    still.sandbox.forget_calls()
    _give(still, {"task": True}, "tasks.task.update")
    answer = still.call("PATCH", "/v1/tasks/7", json={"title": "x"})
    assert (answer.status, answer.data) == (200, still.get("/v1/tasks/7").data)
    assert still.methods[:2] == ["tasks.task.update", "tasks.task.get"]


def test_502_a_changed_item_that_cannot_be_read_either(still: Linked) -> None:
    _give(still, {"task": True}, "tasks.task.update")
    still.sandbox.faults.add("refuse", error="ACCESS_DENIED", method="tasks.task.get")
    answer = still.call("PATCH", "/v1/tasks/7", json={"title": "x"})
    assert (answer.status, answer.error["details"]) == (502, UNKNOWN)
