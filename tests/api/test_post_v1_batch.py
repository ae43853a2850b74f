"""POST /v1/batch: several calls in one request, each judged as if it came alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.bitrix.sandbox import Sandbox, running
from tests.api.linked import Linked
from tests.api.world import Answer, World


@pytest.fixture(scope="module")
def still(still_world: World, still_sandbox: Sandbox) -> Linked:
    """A portal that the tests only read."""
    return Linked(still_world, still_sandbox)


def send(linked: Linked, *calls: Any, key: str | None = None) -> Answer:
    return linked.call("POST", "/v1/batch", key, json={"calls": list(calls)})


def deal(number: int, **more: Any) -> dict[str, Any]:
    return {"entity": "deals", "action": "get", "entityId": number, **more}


def test_200_every_action_gives_what_its_own_answer_would(linked: Linked) -> None:
    alone = {
        "get": linked.get("/v1/deals/5").data,
        "list": linked.get("/v1/deals", {"filter[stageId]": "NEW", "select": "title", "limit": "5"}).json,
        "fields": linked.get("/v1/tasks/fields").data,
        "user": linked.get("/v1/users/3").data,
    }
    asked = {"filter": {"stageId": "NEW"}, "select": ["title"], "limit": 5}
    linked.sandbox.forget_calls()

    data = send(
        linked,
        deal(5, id="get"),
        {"id": "list", "entity": "deals", "action": "list", "params": asked},
        {"id": "search", "entity": "deals", "action": "search", "params": asked},
        {"id": "fields", "entity": "tasks", "action": "fields"},
        {"id": "user", "entity": "users", "action": "get", "entityId": 3},
        {"id": "create", "entity": "deals", "action": "create", "params": {"title": "new", "opened": False}},
        {"id": "update", "entity": "tasks", "action": "update", "entityId": 5, "params": {"priority": 2}},
        {"id": "delete", "entity": "leads", "action": "delete", "entityId": 5},
    ).data

    assert linked.methods == ["batch"]
    results = data["results"]
    assert data["errors"] == {}
    assert (results["get"], results["fields"], results["user"]) == (
        alone["get"],
        alone["fields"],
        alone["user"],
    )
    assert results["list"] == results["search"] == alone["list"]["data"]
    assert data["meta"] == {"list": alone["list"]["meta"], "search": alone["list"]["meta"]}
    assert (results["create"]["title"], results["create"]["opened"]) == ("new", False)
    assert results["create"] == linked.get(f"/v1/deals/{results['create']['id']}").data
    assert (results["update"]["id"], results["update"]["priority"]) == (5, 2)
    assert results["delete"] == {"id": 5, "deleted": True}
    assert linked.get("/v1/leads/5").status == 404


def test_200_what_is_refused_stops_none_of_the_rest(linked: Linked) -> None:
    crm_only = linked.world.portal_key(scopes=["crm"]).raw_key

    answer = send(
        linked,
        deal(5),
        deal(9999),
        {"entity": "tasks", "action": "list"},
        {"entity": "deals", "action": "create", "params": {"colour": "red"}},
        {"entity": "deals", "action": "list", "params": {"filter": {"id": {"$near": 5}}}},
        {"entity": "users", "action": "create", "params": {"name": "x"}},
        {"entity": "deals", "action": "create", "params": {"title": "kept"}},
        key=crm_only,
    )

    assert answer.status == 200
    assert list(answer.data["results"]) == ["0", "6"]
    errors = answer.data["errors"]
    assert {name: error["code"] for name, error in errors.items()} == {
        "1": "ENTITY_NOT_FOUND",
        "2": "SCOPE_DENIED",
        "3": "VALIDATION_ERROR",
        "4": "VALIDATION_ERROR",
        "5": "METHOD_NOT_ALLOWED",
    }
    assert errors["2"]["details"] == {"requiredScope": "task", "scopes": ["crm"]}
    assert errors["3"]["details"] == {"colour": ["Unknown field."]}
    assert "$near" in errors["4"]["details"]["filter"][0]
    assert all(
        set(error) <= {"code", "message", "details", "hint", "retryAfter"} for error in errors.values()
    )
    ((method, params),) = linked.calls
    assert (method, len(params["cmd"])) == ("batch", 3)


def test_200_bitrix24s_own_refusals_stand_by_id(linked: Linked) -> None:
    linked.sandbox.faults.add("refuse", error="ERROR_CORE", description="no", method="crm.item.add")
    data = send(
        linked,
        {"id": "a", "entity": "deals", "action": "create", "params": {"title": "x"}},
        {"id": "b", "entity": "tasks", "action": "create", "params": {"title": "x", "responsibleId": 999}},
        {"id": "c", "entity": "tasks", "action": "delete", "entityId": 9999},
        deal(1, id="d"),
    ).data
    assert list(data["results"]) == ["d"]
    assert {name: error["code"] for name, error in data["errors"].items()} == {
        "a": "BITRIX_ERROR",
        "b": "BITRIX_ERROR",
        "c": "BITRIX_ACCESS_DENIED",
    }
    assert data["errors"]["a"]["details"] == {"code": "ERROR_CORE", "description": "no"}


def test_200_scopes_that_the_webhook_lacks(linked: Linked) -> None:
    linked.sandbox.portal.scopes = frozenset({"crm"})
    data = send(linked, deal(1), {"entity": "tasks", "action": "get", "entityId": 1}).data
    assert list(data["results"]) == ["0"]
    assert data["errors"]["1"]["code"] == "BITRIX_ACCESS_DENIED"


def test_200_nothing_leaves_if_everything_is_refused_here(still: Linked) -> None:
    still.sandbox.forget_calls()
    data = send(
        still, {"entity": "deals", "action": "create", "params": {}}, {"entity": "x", "action": "get"}
    ).data
    assert (data["results"], list(data["errors"])) == ({}, ["0", "1"])
    assert still.calls == []


def test_200_fifty_and_counts_as_one_request(linked: Linked) -> None:
    def remaining() -> int:
        return int(linked.get("/v1/deals", {"limit": "1"}).headers["X-RateLimit-Remaining"])

    before = remaining()
    answer = send(linked, *[deal(number) for number in range(1, 51)])
    assert len(answer.data["results"]) == 50
    assert remaining() == before - 2
    assert linked.methods == ["crm.item.list", "batch", "crm.item.list"]


@pytest.mark.parametrize("number", [0, 51, 1000])
def test_400_length_comes_before_anything_else(still: Linked, number: int) -> None:
    answer = still.post("/v1/batch", {"calls": [{"nonsense": True}] * number, "unknown": 1})
    assert (answer.status, answer.code) == (400, "BATCH_LIMIT_EXCEEDED")
    assert answer.error["details"] == {"calls": number, "limit": 50}


@pytest.mark.parametrize(
    ("body", "blamed"),
    [
        ({}, "calls"),
        ({"calls": {}}, "calls"),
        ({"calls": None}, "calls"),
        ({"calls": [deal(1)], "halt": True}, "halt"),
        ({"calls": [deal(1, id="a"), deal(2, id="a")]}, "calls"),
        ({"calls": [deal(1), deal(2, id="0")]}, "calls"),
    ],
)
def test_400_what_is_wrong_with_the_whole(still: Linked, body: Any, blamed: str) -> None:
    answer = still.post("/v1/batch", body)
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == [blamed]


@pytest.mark.parametrize(
    ("call", "details"),
    [
        (5, {"calls": ["Not an object."]}),
        ({}, ["entity", "action"]),
        (deal(1, colour=1), ["colour"]),
        (deal(1, entity="invoices"), ["entity"]),
        (deal(1, entity=None), ["entity"]),
        (deal(1, action="drop"), ["action"]),
        (deal(1, id=5), ["id"]),
        (deal(1, id=""), ["id"]),
        (deal(1, id="x" * 65), ["id"]),
        (deal(0), ["entityId"]),
        (deal(2**53), ["entityId"]),
        (deal(1, entityId="1"), ["entityId"]),
        ({"entity": "deals", "action": "get"}, {"entityId": ["Required."]}),
        ({"entity": "deals", "action": "update", "params": {"title": "x"}}, {"entityId": ["Required."]}),
        ({"entity": "deals", "action": "list", "entityId": 1}, {"entityId": ["Not for list."]}),
        (deal(1, params={"select": ["id"]}), {"params": ["Not for get."]}),
        (deal(1, params=[]), ["params"]),
        ({"entity": "deals", "action": "list", "params": {"limit": 0}}, ["limit"]),
        ({"entity": "deals", "action": "create"}, ["_body"]),
        ({"entity": "deals", "action": "create", "params": {"observers": []}}, ["params"]),
        ({"entity": "deals", "action": "create", "params": {"fm": [{"typeId": "WEB"}]}}, ["fm"]),
        ({"entity": "deals", "action": "create", "params": {"title": "$result[0]"}}, ["params"]),
    ],
    ids=lambda it: str(it)[:40],
)
def test_200_a_call_that_is_wrong_says_why(still: Linked, call: Any, details: Any) -> None:
    data = send(still, call, deal(1, id="good")).data
    assert list(data["results"]) == ["good"]
    error = data["errors"]["0"]
    assert error["code"] == "VALIDATION_ERROR"
    if isinstance(details, dict):
        assert error["details"] == details
    else:
        assert sorted(error["details"]) == sorted(details)


@pytest.mark.parametrize(
    ("params", "ids", "commands"),
    [
        ({"limit": 50}, range(1, 51), 1),
        ({"limit": 3, "offset": 10}, range(11, 14), 1),
        ({"limit": 50, "offset": 10}, range(11, 61), 2),
        ({"limit": 120}, range(1, 121), 3),
        ({"limit": 50, "offset": 500}, range(0), 1),
    ],
)
def test_200_a_list_takes_a_command_for_each_page(
    still: Linked, params: dict[str, int], ids: range, commands: int
) -> None:
    still.sandbox.forget_calls()
    data = send(still, {"entity": "deals", "action": "list", "params": {**params, "select": ["id"]}}).data
    assert [item["id"] for item in data["results"]["0"]] == list(ids)
    limit, offset = params["limit"], params.get("offset", 0)
    has_more = offset + limit < 120
    assert data["meta"]["0"] == {"limit": limit, "offset": offset, "total": 120, "hasMore": has_more}
    assert len(still.calls[0][1]["cmd"]) == commands


def test_200_long_lists_get_the_room_that_is_left(still: Linked) -> None:
    still.sandbox.forget_calls()
    long = {"entity": "deals", "action": "list", "params": {"limit": 200, "select": ["id"]}}
    data = send(
        still, *[deal(number) for number in range(1, 44)], long, long, {**long, "params": {"limit": 100}}
    ).data
    assert len(data["results"]) == 45
    assert len(data["results"]["43"]) == 120
    assert data["errors"]["44"]["details"] == {"limit": ["The batch has room for 150 items more."]}
    assert len(data["results"]["45"]) == 100
    assert len(still.calls[0][1]["cmd"]) == 49


def test_200_a_restricted_account_reads_and_changes_nothing(linked: Linked) -> None:
    linked.world.change_account(linked.world.admin, status="RESTRICTED")
    data = send(
        linked,
        deal(1),
        {"entity": "deals", "action": "search"},
        {"entity": "deals", "action": "create", "params": {"title": "no"}},
        {"entity": "deals", "action": "delete", "entityId": 1},
    ).data
    assert list(data["results"]) == ["0", "1"]
    assert {error["code"] for error in data["errors"].values()} == {"ACCOUNT_RESTRICTED"}
    assert len(linked.calls[0][1]["cmd"]) == 2


def test_400_not_linked(world: World) -> None:
    key = world.portal_key(scopes=["crm"]).raw_key
    answer = world.call("POST", "/v1/batch", key, json={"calls": [deal(1)]})
    assert (answer.status, answer.code) == (400, "PORTAL_NOT_LINKED")


@pytest.mark.parametrize("where", ["headers", "body", "after"])
def test_502_a_lost_answer_is_lost_for_all_and_nothing_is_doubled(linked: Linked, where: str) -> None:
    linked.sandbox.faults.add("cut", where=where, method="batch")
    made = {"entity": "deals", "action": "create", "params": {"title": "only once"}}

    answer = send(linked, made, deal(1))

    assert (answer.status, answer.code) == (502, "BITRIX_UNAVAILABLE")
    assert answer.error["details"] == {"outcome": "unknown"}
    assert linked.methods == ["batch"]
    assert linked.get("/v1/deals", {"filter[title]": "only once"}).json["meta"]["total"] == 1


@pytest.mark.parametrize(
    "result", [[], None, False, {"item": []}, {"item": {"title": "x"}}, {"item": True}, {"task": {"id": 5}}]
)
def test_200_a_change_with_an_odd_result_may_have_been_made(still: Linked, result: Any) -> None:
    told = {"c0": result, "c1": result, "c2": result, "c3": {"item": {"id": 1}}}
    text = json.dumps({"result": {"result": told, "result_error": []}})
    still.sandbox.faults.add("not_json", text=text, method="batch")
    data = send(
        still,
        {"id": "made", "entity": "deals", "action": "create", "params": {"title": "x"}},
        {"id": "changed", "entity": "deals", "action": "update", "entityId": 1, "params": {"title": "x"}},
        {"id": "read", "entity": "deals", "action": "get", "entityId": 1},
        deal(1, id="sound"),
    ).data
    assert data["results"] == {"sound": {"id": 1}}
    for name in ("made", "changed"):
        assert data["errors"][name]["code"] == "BITRIX_UNAVAILABLE"
        assert data["errors"][name]["details"] == {"outcome": "unknown"}
    assert "details" not in data["errors"]["read"]


def test_200_lists_that_php_wrote_as_maps_or_as_nothing(still: Linked) -> None:
    told = {"c0": [], "c1": {"items": {"3": {"id": "5"}}}, "c2": {"3": {"ID": "6"}}, "c3": []}
    totals = {"c1": "1", "c2": -1}
    text = json.dumps({"result": {"result": told, "result_error": {"c0": None}, "result_total": totals}})
    still.sandbox.faults.add("not_json", text=text, method="batch")
    data = send(
        still,
        {"id": "none", "entity": "deals", "action": "list"},
        {"id": "map", "entity": "deals", "action": "list"},
        {"id": "user", "entity": "users", "action": "get", "entityId": 6},
        {"id": "fields", "entity": "deals", "action": "fields"},
    ).data
    assert data["errors"] == {}
    assert data["results"]["none"] == []
    assert (data["results"]["map"], data["results"]["user"]) == ([{"id": 5}], {"id": 6})
    assert data["meta"]["none"] == {"limit": 50, "offset": 0, "total": 0, "hasMore": False}


def test_200_a_batch_that_only_reads_is_tried_again(linked: Linked) -> None:
    linked.sandbox.faults.add("cut", where="body", method="batch")
    assert list(send(linked, deal(1)).data["results"]) == ["0"]
    assert linked.methods == ["batch", "batch"]


def test_200_ids_may_look_like_anything(still: Linked) -> None:
    ids = ["0/0", "a/0", "a", "$result", "ä ✓", "cmd[0]"]
    data = send(still, *[deal(number, id=name) for number, name in enumerate(ids, 1)]).data
    assert {name: item["id"] for name, item in data["results"].items()} == {
        name: number for number, name in enumerate(ids, 1)
    }


def test_200_calls_of_two_portals_do_not_meet(linked: Linked) -> None:
    world = linked.world
    with running() as other:
        world.change_portal(world.other_portal, webhook_url=other.webhook_url)
        stranger = world.portal_key(world.stranger, portal=world.other_portal, scopes=["crm"]).raw_key
        made = send(
            linked, {"entity": "deals", "action": "create", "params": {"title": "theirs"}}, key=stranger
        )
        assert list(made.data["results"]) == ["0"]
        assert [call.method for call in other.calls] == ["batch"]
    assert linked.calls == []
    assert linked.get("/v1/deals", {"filter[title]": "theirs"}).data == []


def test_400_more_than_bitrix24_takes_at_once(still: Linked) -> None:
    still.sandbox.forget_calls()
    large = {"entity": "deals", "action": "create", "params": {"title": "&" * 120_000}}
    answer = send(still, *[large] * 3, deal(1))
    assert (answer.status, answer.code, list(answer.error["details"])) == (400, "VALIDATION_ERROR", ["calls"])
    assert still.calls == []


@pytest.mark.parametrize(
    "value", [{"a]b": 1}, {"a][b": 1}, {"": 1}, {"x": [[], 1]}, [{}], list(range(901))], ids=str
)
def test_200_what_a_batch_would_change_on_its_way_is_refused(linked: Linked, value: Any) -> None:
    made = {"entity": "deals", "action": "create", "params": {"ufCrm_1700000000": value}}
    data = send(linked, made, deal(1)).data
    assert list(data["results"]) == ["1"]
    assert list(data["errors"]["0"]["details"]) == ["params"]
    assert len(linked.calls[-1][1]["cmd"]) == 1
