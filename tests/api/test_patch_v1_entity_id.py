"""PATCH /v1/deals/{id} and the other entities."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.linked import Linked

CHANGES: dict[str, dict[str, Any]] = {
    "deals": {"title": "Changed", "stageId": "WON", "opportunity": 7, "observers": [3]},
    "contacts": {"lastName": "Changed", "birthdate": "1991-01-02"},
    "companies": {"title": "Changed", "revenue": 1.5},
    "leads": {"title": "Changed", "opened": False},
    "tasks": {"title": "Changed", "status": 5, "deadline": "2027-01-01T00:00:00.000Z", "taskControl": True},
}


@pytest.mark.parametrize("name", CHANGES)
def test_200_what_is_sent_changes_and_the_rest_stays(linked: Linked, name: str) -> None:
    before = linked.get(f"/v1/{name}/7").data
    answer = linked.call("PATCH", f"/v1/{name}/7", json=CHANGES[name])

    assert answer.status == 200
    assert answer.data.items() >= CHANGES[name].items()
    kept = ("createdBy", "categoryId", "sourceId", "companyIds", "responsibleId", "typeId")
    assert all(answer.data.get(field) == before.get(field) for field in kept)
    assert linked.get(f"/v1/{name}/8").data.get("title") != "Changed"


def test_200_null_and_an_empty_list_empty_a_field(linked: Linked) -> None:
    assert linked.get("/v1/deals/4").data["observers"] == [1, 2]
    data = linked.call("PATCH", "/v1/deals/4", json={"closedate": None, "observers": []}).data
    assert (data["closedate"], data["observers"]) == (None, [])
    assert linked.call("PATCH", "/v1/tasks/4", json={"auditors": [], "deadline": None}).data["auditors"] == []


def test_200_ways_are_added(linked: Linked) -> None:
    way = {"typeId": "PHONE", "valueType": "HOME", "value": "+49 30 2"}
    ways = linked.call("PATCH", "/v1/contacts/1", json={"fm": [way]}).data["fm"]
    assert [one["value"] for one in ways] == ["+49 30 5551001", "contact-1@example.com", "+49 30 2"]


@pytest.mark.parametrize(
    ("body", "blamed"),
    [
        ({}, "_body"),
        ({"id": 8}, "id"),
        ({"webformId": 5}, "webformId"),
        ({"title": 5}, "title"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_400_nothing_wrong_leaves(linked: Linked, body: dict[str, Any], blamed: str) -> None:
    answer = linked.call("PATCH", "/v1/deals/7", json=body)
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == [blamed]
    assert linked.calls == []


@pytest.mark.parametrize("title", ["", " ", "\u200b", None])
def test_400_what_an_item_needs_cannot_be_emptied(linked: Linked, title: str | None) -> None:
    answer = linked.call("PATCH", "/v1/tasks/7", json={"title": title})
    assert (answer.status, list(answer.error["details"])) == (400, ["title"])
    assert linked.calls == []


@pytest.mark.parametrize("name", CHANGES)
def test_404_an_item_that_there_is_not(linked: Linked, name: str) -> None:
    answer = linked.call(
        "PATCH", f"/v1/{name}/9999", json={"comments": "x"} if name != "tasks" else {"mark": "P"}
    )
    assert (answer.status, answer.code) == (404, "ENTITY_NOT_FOUND")


def test_422_a_task_that_there_is_and_that_may_not_be_changed(linked: Linked) -> None:
    linked.sandbox.faults.add(
        "refuse", error="0", description="Action not allowed", method="tasks.task.update"
    )
    answer = linked.call("PATCH", "/v1/tasks/7", json={"mark": "P"})
    assert (answer.status, answer.code) == (422, "BITRIX_ERROR")
    assert answer.error["details"] == {"code": "0", "description": "Action not allowed"}


def test_502_the_outcome_is_unknown(linked: Linked) -> None:
    linked.sandbox.faults.add("cut", where="after", method="crm.item.update")
    answer = linked.call("PATCH", "/v1/deals/7", json={"title": "perhaps"})
    assert (answer.status, answer.error["details"]) == (502, {"outcome": "unknown"})
    assert linked.methods == ["crm.item.update"]


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({"UF_MAIL_MESSAGE": 5}, {"UF_MAIL_MESSAGE": ["Read only."]}),
        ({"UF_CRM_TASK": "D_1"}, {"ufCrmTask": ["Not a list of at most 500."]}),
        ({"ufCrmTask": ["D_1"], "UF_CRM_TASK": ["D_2"]}, {"UF_CRM_TASK": ["The same field as ufCrmTask."]}),
        ({"UF_OWNER": 1, "ufOwner": 2}, {"ufOwner": ["The same field as UF_OWNER."]}),
    ],
)
def test_400_fields_as_bitrix24_spells_them(linked: Linked, body: dict[str, Any], details: Any) -> None:
    answer = linked.call("PATCH", "/v1/tasks/7", json=body)
    assert (answer.status, answer.error["details"]) == (400, details)
    assert linked.calls == []


def test_200_a_field_as_bitrix24_spells_it(linked: Linked) -> None:
    answer = linked.call("PATCH", "/v1/tasks/7", json={"UF_CRM_TASK": ["D_5"]})
    assert answer.status == 200
    assert linked.calls[0][1]["fields"] == {"UF_CRM_TASK": ["D_5"]}
