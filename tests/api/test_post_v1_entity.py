"""POST /v1/deals and the other entities: an item is made, once."""

from __future__ import annotations

from typing import Any

import pytest

from app.bitrix.sandbox import Sandbox
from tests.api.linked import Linked
from tests.api.world import World

MADE: dict[str, dict[str, Any]] = {
    "deals": {
        "title": "Räder ✓",
        "opportunity": 1500.25,
        "isManualOpportunity": True,
        "closedate": "2026-12-24",
        "companyId": 3,
        "contactIds": [1, 2],
        "observers": [1, 2],
        "comments": "a\nb",
        "categoryId": 0,
        "webformId": 5,
        "ufCrm_1700000000": "PO-1",
        "parentId177": 8,
    },
    "contacts": {
        "name": "Ada",
        "lastName": "Byron",
        "birthdate": "1990-12-10",
        "companyIds": [4],
        "export": False,
        "opened": False,
    },
    "companies": {"title": "Engines", "revenue": 250000, "isMyCompany": True},
    "leads": {"title": "Enquiry", "sourceId": "WEB", "webformId": 5},
    "tasks": {
        "title": "Call back",
        "responsibleId": 2,
        "deadline": "2026-12-01T15:00:00.000Z",
        "priority": 2,
        "status": 3,
        "auditors": [1, 2],
        "addInReport": True,
        "ufCrmTask": ["D_1"],
    },
}


@pytest.fixture(scope="module")
def still(still_world: World, still_sandbox: Sandbox) -> Linked:
    return Linked(still_world, still_sandbox)


@pytest.mark.parametrize("name", MADE)
def test_201_the_whole_item_as_it_was_sent(linked: Linked, name: str) -> None:
    answer = linked.post(f"/v1/{name}", MADE[name])

    assert answer.status == 201
    assert {field: answer.data.get(field) for field in MADE[name] if field != "ufCrmTask"} == {
        field: value for field, value in MADE[name].items() if field != "ufCrmTask"
    }
    assert [method for method in linked.methods if not method.endswith("fields")] == linked.methods[-1:]
    assert linked.get(f"/v1/{name}/{answer.data['id']}").data.items() >= {
        (field, value) for field, value in MADE[name].items() if not isinstance(value, list)
    }


def test_201_phones_and_addresses(linked: Linked) -> None:
    ways = [
        {"typeId": "PHONE", "valueType": "WORK", "value": "+49 30 1"},
        {"typeId": "EMAIL", "valueType": "HOME", "value": "ada@example.com"},
    ]
    data = linked.post("/v1/contacts", {"lastName": "Byron", "fm": ways}).data
    assert [{name: way[name] for name in ("typeId", "valueType", "value")} for way in data["fm"]] == ways
    assert (data["phone"], data["hasEmail"]) == ("+49 30 1", True)


def test_201_null_leaves_a_field_empty(linked: Linked) -> None:
    data = linked.post("/v1/deals", {"title": "x", "closedate": None, "probability": None}).data
    assert (data["closedate"], data["probability"]) == (None, None)


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("deals", {}, "_body"),
    ("deals", {"colour": "red"}, "colour"),
    ("deals", {"TITLE": "x"}, "TITLE"),
    ("deals", {"id": 5}, "id"),
    ("deals", {"createdTime": "2026-01-01T00:00:00Z"}, "createdTime"),
    ("deals", {"closed": True}, "closed"),
    ("deals", {"entityTypeId": 1}, "entityTypeId"),
    ("deals", {"title": 5}, "title"),
    ("deals", {"title": ["x"]}, "title"),
    ("deals", {"opportunity": "5"}, "opportunity"),
    ("deals", {"opportunity": True}, "opportunity"),
    ("deals", {"opportunity": 10**16}, "opportunity"),
    ("deals", {"probability": 5.0}, "probability"),
    ("deals", {"probability": 2**53}, "probability"),
    ("deals", {"opened": "Y"}, "opened"),
    ("deals", {"opened": 1}, "opened"),
    ("deals", {"opened": None}, "opened"),
    ("deals", {"closedate": "24.12.2026"}, "closedate"),
    ("deals", {"closedate": "2026-02-30"}, "closedate"),
    ("deals", {"closedate": "2026-12-24T00:00:00Z"}, "closedate"),
    ("deals", {"lastActivityTime": "2026-12-24T00:00:00"}, "lastActivityTime"),
    ("deals", {"lastActivityTime": "soon"}, "lastActivityTime"),
    ("deals", {"lastActivityTime": 5}, "lastActivityTime"),
    ("deals", {"observers": 5}, "observers"),
    ("deals", {"observers": None}, "observers"),
    ("deals", {"observers": ["5"]}, "observers"),
    ("deals", {"observers": [1] * 501}, "observers"),
    ("contacts", {"fm": {}}, "fm"),
    ("contacts", {"fm": ["+49"]}, "fm"),
    ("contacts", {"fm": [{"value": "+49"}]}, "fm"),
    ("contacts", {"fm": [{"typeId": "FAX", "valueType": "WORK", "value": "1"}]}, "fm"),
    ("contacts", {"fm": [{"typeId": "PHONE", "valueType": "WORK", "value": 1}]}, "fm"),
    ("contacts", {"fm": [{"id": 5, "typeId": "PHONE", "valueType": "WORK", "value": "1"}]}, "fm"),
    ("contacts", {"phone": "+49"}, "phone"),
    ("companies", {"ufLogo": 1}, "ufLogo"),
    ("tasks", {"title": "x"}, "responsibleId"),
    ("tasks", {"responsibleId": 1}, "title"),
    ("tasks", {"title": None, "responsibleId": 1}, "title"),
    ("tasks", {"title": "x", "responsibleId": 1, "creator": {}}, "creator"),
    ("tasks", {"title": "", "responsibleId": 1}, "title"),
    ("tasks", {"title": " \u200b\n", "responsibleId": 1}, "title"),
    ("deals", {"title": "a\0b"}, "title"),
    ("deals", {"title": "a\x1bb"}, "title"),
    ("deals", {"ufCrm_1": "\x85"}, "ufCrm_1"),
    ("deals", {"ufCrm_1": {"of": ["a\x7f"]}}, "ufCrm_1"),
    ("deals", {"ufCrm_1": {"a\x7f": 1}}, "ufCrm_1"),
    ("contacts", {"fm": [{"typeId": "PHONE", "valueType": "WORK", "value": "1\x07"}]}, "fm"),
    ("tasks", {"title": "x", "responsibleId": 1, "ufCrmTask": ["D_1\x01"]}, "ufCrmTask"),
]


@pytest.mark.parametrize(("name", "body", "blamed"), BAD, ids=lambda it: str(it)[:40])
def test_400_nothing_wrong_leaves(still: Linked, name: str, body: dict[str, Any], blamed: str) -> None:
    still.sandbox.forget_calls()
    answer = still.post(f"/v1/{name}", body)
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == [blamed]
    assert still.calls == []


def test_201_texts_that_are_not_needed_may_be_empty_and_have_several_lines(linked: Linked) -> None:
    texts = {"title": " ", "comments": "a\r\n\tb\u2028", "sourceDescription": "", "ufCrm_1700000000": "\n"}
    answer = linked.post("/v1/deals", texts)
    assert answer.status == 201
    assert answer.data["comments"] == texts["comments"]


def test_400_names_every_bad_field(still: Linked) -> None:
    body = {"title": 5, "opportunity": "much", "observers": [1, "2"], "id": 5, "colour": "red"}
    assert still.post("/v1/deals", body).error["details"] == {
        "title": ["Not a string."],
        "opportunity": ["Not a number."],
        "observers": ["1: Not an integer."],
        "id": ["Read only."],
        "colour": ["Unknown field."],
    }


def test_405_nobody_makes_users(still: Linked) -> None:
    answer = still.post("/v1/users", {"name": "x"})
    assert (answer.status, answer.code) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"] == "GET, HEAD"


def test_422_what_bitrix24_refuses(still: Linked) -> None:
    answer = still.post("/v1/tasks", {"title": "x", "responsibleId": 999})
    assert (answer.status, answer.code) == (422, "BITRIX_ERROR")
    assert answer.error["details"] == {"code": "ERROR_CORE", "description": "The user was not found<br>"}


@pytest.mark.parametrize("where", ["headers", "body", "after"])
def test_502_an_answer_that_is_cut_doubles_nothing(linked: Linked, where: str) -> None:
    linked.sandbox.faults.add("cut", where=where, method="crm.item.add")

    answer = linked.post("/v1/deals", {"title": "only once"})

    assert (answer.status, answer.code) == (502, "BITRIX_UNAVAILABLE")
    assert answer.error["details"] == {"outcome": "unknown"}
    assert linked.methods == ["crm.item.add"]
    found = linked.get("/v1/deals", {"filter[title]": "only once"})
    assert found.json["meta"]["total"] == 1


def test_502_what_was_not_done_is_not_tried_again_either(linked: Linked) -> None:
    linked.sandbox.faults.add("cut", where="before", method="crm.item.add")

    answer = linked.post("/v1/deals", {"title": "never"})

    assert answer.error["details"] == {"outcome": "unknown"}
    assert linked.get("/v1/deals", {"filter[title]": "never"}).data == []
