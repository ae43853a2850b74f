"""Fields of the portal's own: one that it does not have is refused, wherever it is named."""

from __future__ import annotations

from typing import Any

import pytest

from app.bitrix import own_fields
from tests.api.linked import Linked
from tests.api.world import World

NOPE = ["The portal has no such field."]
OWN = "ufCrm_1700000000"
FIELDS = {"deals": "crm.item.fields", "tasks": "tasks.task.getFields", "users": "user.fields"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/tasks/search", {"filter": {"ufNope": 5}}),
        ("/v1/users/search", {"filter": {"ufNope": {"$in": [5]}}}),
        ("/v1/deals/search", {"order": {"ufNope": "asc"}}),
        ("/v1/deals/search", {"select": ["id", "ufNope"]}),
        ("/v1/deals", {"ufNope": 5}),
        ("/v1/tasks", {"title": "x", "responsibleId": 1, "UF_NOPE": 5}),
    ],
)
def test_400_a_field_that_there_is_not(linked: Linked, path: str, body: Any) -> None:
    answer = linked.post(path, body)
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert answer.error["details"] == {"ufNope": NOPE}
    assert linked.methods == [FIELDS[path.split("/")[2]]]


def test_400_to_change_one(linked: Linked) -> None:
    answer = linked.call("PATCH", "/v1/deals/1", json={"title": "x", "ufCrmNope": 5, "parentId9": 1})
    assert answer.error["details"] == {"ufCrmNope": NOPE, "parentId9": NOPE}
    assert linked.methods == ["crm.item.fields"]


def test_the_portal_is_asked_once(linked: Linked) -> None:
    for number in range(1, 4):
        asked = {f"filter[{OWN}]": f"PO-0000{number}", "filter[parentId177]": "0"}
        assert linked.get("/v1/deals", asked).status == 200
    assert linked.get("/v1/deals", {"filter[ufNope]": "1"}).status == 400
    assert linked.methods == ["crm.item.fields", *["crm.item.list"] * 3]


def test_fields_that_every_portal_has_are_not_asked_for(linked: Linked) -> None:
    assert linked.get("/v1/tasks", {"filter[ufCrmTask]": "D_1"}).status == 200
    assert linked.get("/v1/users", {"filter[ufDepartment]": "1"}).status == 200
    assert linked.methods == ["tasks.task.list", "user.get"]


def test_a_field_that_was_made_meanwhile_is_found(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_fields, "BELIEVED", -1.0)
    assert linked.get("/v1/deals", {f"filter[{OWN}]": "1"}).status == 200
    for _ in range(2):
        assert linked.get("/v1/deals", {"filter[ufNope]": "1"}).status == 400
    assert linked.get("/v1/deals", {f"filter[{OWN}]": "1"}).status == 200
    assert linked.methods.count("crm.item.fields") == 3


def test_what_the_portal_said_is_forgotten(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_fields, "BELIEVED", -1.0)
    monkeypatch.setattr(own_fields, "REMEMBERED", -1.0)
    for _ in range(2):
        assert linked.get("/v1/deals", {f"filter[{OWN}]": "1"}).status == 200
    assert linked.methods.count("crm.item.fields") == 2


def test_only_so_many_answers_are_kept(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_fields, "_MOST_ANSWERS", 1)
    for name in ("deals", "leads", "deals"):
        assert linked.get(f"/v1/{name}", {"filter[ufNope]": "1"}).status == 400
    assert linked.methods == ["crm.item.fields"] * 3


def test_what_the_portal_refuses_to_tell_refuses_the_call(linked: Linked) -> None:
    linked.sandbox.portal.scopes = frozenset({"task"})
    assert linked.get("/v1/deals", {"filter[ufNope]": "1"}).code == "BITRIX_ACCESS_DENIED"


@pytest.mark.parametrize("told", [[], {"fields": []}, {"fields": None}, {"fields": [5]}, None])
def test_fields_of_another_shape(linked: Linked, told: Any) -> None:
    linked.sandbox.portal.call = lambda *_: {"result": told}  # type: ignore[method-assign]
    assert linked.get("/v1/deals", {"filter[ufNope]": "1"}).status in (400, 404, 502)


class TestBatch:
    """The portal is asked once for all calls of a batch."""

    def test_200_only_the_calls_that_name_such_a_field_are_refused(self, linked: Linked) -> None:
        calls = [
            {"entity": "deals", "action": "list", "params": {"filter": {"ufNope": 1}}},
            {"entity": "deals", "action": "update", "entityId": 1, "params": {"ufNope": 1}},
            {
                "entity": "tasks",
                "action": "create",
                "params": {"title": "x", "responsibleId": 1, "ufNope": 1},
            },
            {"entity": "deals", "action": "create", "params": {OWN: "PO"}},
            {"entity": "deals", "action": "get", "entityId": 1},
        ]
        data = linked.post("/v1/batch", {"calls": calls}).data
        assert list(data["results"]) == ["3", "4"]
        assert [error["details"] for error in data["errors"].values()] == [{"ufNope": NOPE}] * 3
        assert linked.methods == ["batch", "batch"]
        assert [len(params["cmd"]) for _, params in linked.calls] == [2, 2]

    def test_200_entities_whose_fields_are_refused(self, linked: Linked) -> None:
        linked.sandbox.portal.scopes = frozenset({"crm"})
        calls = [
            {"entity": name, "action": "list", "params": {"filter": {field: "PO"}}}
            for name, field in (("deals", OWN), ("tasks", "ufNope"))
        ]
        data = linked.post("/v1/batch", {"calls": calls}).data
        assert list(data["results"]) == ["0"]
        assert data["errors"]["1"]["code"] == "BITRIX_ACCESS_DENIED"

    def test_400_not_linked(self, world: World) -> None:
        key = world.portal_key(scopes=["crm"]).raw_key
        call = {"entity": "deals", "action": "list", "params": {"filter": {"ufNope": 1}}}
        answer = world.call("POST", "/v1/batch", key, json={"calls": [call]})
        assert (answer.status, answer.code) == (400, "PORTAL_NOT_LINKED")
