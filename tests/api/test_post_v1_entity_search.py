"""POST /v1/deals/search and the other entities: the same as a list, as JSON."""

from __future__ import annotations

from typing import Any

import pytest

from app.bitrix.entities import ENTITIES
from app.bitrix.sandbox import Sandbox
from tests.api.linked import Linked
from tests.api.world import World


@pytest.fixture(scope="module")
def still(still_world: World, still_sandbox: Sandbox) -> Linked:
    """A portal that the tests only read."""
    return Linked(still_world, still_sandbox)


def search(linked: Linked, name: str, **body: Any) -> Any:
    return linked.post(f"/v1/{name}/search", body)


@pytest.mark.parametrize("name", ENTITIES)
def test_200_an_empty_search_is_the_list(still: Linked, name: str) -> None:
    assert search(still, name).json == still.get(f"/v1/{name}").json


@pytest.mark.parametrize(
    ("name", "body", "query"),
    [
        ("deals", {"filter": {"stageId": "NEW"}}, {"filter[stageId]": "NEW"}),
        ("deals", {"filter": {"stageId": {"$ne": "NEW"}}}, {"filter[stageId][$ne]": "NEW"}),
        ("deals", {"filter": {"stageId": {"$in": ["NEW", "WON"]}}}, {"filter[stageId][$in]": "NEW,WON"}),
        ("deals", {"filter": {"title": {"$contains": "1"}}}, {"filter[title][$contains]": "1"}),
        (
            "deals",
            {"filter": {"opportunity": {"$gte": 5000, "$lt": 7000.5}}},
            {"filter[opportunity][$gte]": "5000", "filter[opportunity][$lt]": "7000.5"},
        ),
        (
            "deals",
            {"filter": {"id": {"$gt": 5}, "closed": True}},
            {"filter[id][$gt]": "5", "filter[closed]": "true"},
        ),
        (
            "deals",
            {"order": {"opportunity": "desc"}, "limit": 7},
            {"order[opportunity]": "desc", "limit": "7"},
        ),
        ("deals", {"select": ["title"], "offset": 60}, {"select": "title", "offset": "60"}),
        ("deals", {"limit": 9_000}, {"limit": "9000"}),
        ("tasks", {"filter": {"status": {"$lte": 3}}}, {"filter[status][$lte]": "3"}),
        ("deals", {"filter": {"comments": None}}, {"filter[comments]": ""}),
        ("deals", {"filter": {"comments": ""}}, {"filter[comments][$eq]": ""}),
        ("deals", {"filter": {"leadId": None}}, {"filter[leadId]": ""}),
        ("deals", {"filter": {"leadId": {"$eq": None}}}, {"filter[leadId]": "0"}),
        ("deals", {"filter": {"companyId": {"$ne": None}}}, {"filter[companyId][$ne]": ""}),
        ("deals", {"filter": {"movedTime": {"$ne": None}}}, {"filter[movedTime][$ne]": ""}),
        ("deals", {"filter": {"lastCommunicationTime": None}}, {"filter[lastCommunicationTime]": ""}),
        ("deals", {"filter": {"ufCrm_1700000000": {"$ne": None}}}, {"filter[ufCrm_1700000000][$ne]": ""}),
        ("users", {"filter": {"active": False}}, {"filter[active]": "false"}),
    ],
    ids=lambda it: str(it)[:40],
)
def test_200_says_what_the_query_says(
    still: Linked, name: str, body: dict[str, Any], query: dict[str, str]
) -> None:
    found = search(still, name, **body)
    assert found.status == 200
    assert found.json == still.get(f"/v1/{name}", query).json
    assert found.data


def test_200_for_a_restricted_account(linked: Linked) -> None:
    linked.world.change_account(linked.world.admin, status="RESTRICTED")
    assert search(linked, "deals", limit=1).status == 200
    assert linked.post("/v1/deals", {"title": "no"}).code == "ACCOUNT_RESTRICTED"


@pytest.mark.parametrize(
    ("body", "blamed"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": "5"}, "limit"),
        ({"limit": 5.0}, "limit"),
        ({"limit": True}, "limit"),
        ({"offset": -1}, "offset"),
        ({"colour": "red"}, "colour"),
        ({"select": "id"}, "select"),
        ({"select": []}, "select"),
        ({"select": [5]}, "select"),
        ({"select": ["colour"]}, "select"),
        ({"select": ["id"] * 501}, "select"),
        ({"order": []}, "order"),
        ({"order": {"id": 1}}, "order"),
        ({"order": {"colour": "asc"}}, "order"),
        ({"filter": []}, "filter"),
        ({"filter": "id"}, "filter"),
        ({"filter": {"colour": 1}}, "filter"),
        ({"filter": {"id": {}}}, "filter"),
        ({"filter": {"id": {"$near": 1}}}, "filter"),
        ({"filter": {"id": {"$gt": "1"}}}, "filter"),
        ({"filter": {"id": {"$gt": {"$gt": 1}}}}, "filter"),
        ({"filter": {"id": {"$gt": None}}}, "filter"),
        ({"filter": {"id": {"$in": [1, None]}}}, "filter"),
        ({"filter": {"closed": None}}, "filter"),
        ({"filter": {"observers": None}}, "filter"),
        ({"filter": {"id": True}}, "filter"),
        ({"filter": {"id": 1.5}}, "filter"),
        ({"filter": {"id": 2**53}}, "filter"),
        ({"filter": {"id": [1, 2]}}, "filter"),
        ({"filter": {"id": {"$in": []}}}, "filter"),
        ({"filter": {"id": {"$in": "1,2"}}}, "filter"),
        ({"filter": {"id": {"$in": [1] * 501}}}, "filter"),
        ({"filter": {"closed": "Y"}}, "filter"),
        ({"filter": {"title": 5}}, "filter"),
        ({"filter": {"opportunity": "5"}}, "filter"),
        ({"filter": {"opportunity": 1e15}}, "filter"),
        ({"filter": {"createdTime": 1700000000}}, "filter"),
        ({"filter": {"ufCrm_1": [1]}}, "filter"),
        ({"filter": {"ufCrm_1": {"$lt": None}}}, "filter"),
        ({"filter": {"title": "a\x1bb"}}, "filter"),
        ({"filter": {"title": {"$in": ["NEW", "\x7f"]}}}, "filter"),
        ({"filter": {"ufCrm_1": "\x85"}}, "filter"),
        ({"filter": {f"ufCrm_{number}": 1 for number in range(101)}}, "filter"),
        ({"filter": {"id": {"$in": [1] * 250}, "companyId": {"$in": [1] * 250}, "title": "x"}}, "filter"),
        ({"filter": {"UF_CRM_1": 1}}, "filter"),
    ],
    ids=lambda it: str(it)[:40],
)
def test_400_nothing_wrong_leaves(still: Linked, body: dict[str, Any], blamed: str) -> None:
    still.sandbox.forget_calls()
    answer = search(still, "deals", **body)
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == [blamed]
    assert still.calls == []


def test_200_what_has_no_company(linked: Linked) -> None:
    alone, with_one = (
        linked.post("/v1/deals", {"title": "new", "companyId": company}).data for company in (None, 3)
    )
    assert (alone["companyId"], with_one["companyId"]) == (0, 3)
    for nothing in (None, 0, {"$eq": None}):
        found = search(linked, "deals", filter={"title": "new", "companyId": nothing})
        assert [deal["id"] for deal in found.data] == [alone["id"]]
    found = search(linked, "deals", filter={"title": "new", "companyId": {"$ne": None}})
    assert [deal["id"] for deal in found.data] == [with_one["id"]]


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({"filter": {"id": {}}}, "id: Needs one of $eq, $ne, $gt, $gte, $lt, $lte, $in."),
        ({"filter": {"id": {"": 5}}}, "id: Needs one of $eq, $ne, $gt, $gte, $lt, $lte, $in."),
        ({"filter": {"": 5}}, "(no name): There is no such field."),
        ({"order": {"": "asc"}}, "(no name): There is no such field."),
        ({"select": ["", "id"]}, "(no name): There is no such field."),
        ({"select": []}, "Not a list of 1 to 500 names."),
    ],
)
def test_400_says_what_is_missing(still: Linked, body: dict[str, Any], details: str) -> None:
    (blamed,) = body
    assert search(still, "deals", **body).error["details"] == {blamed: [details]}


def test_400_thousands_of_wrong_names_are_not_repeated(still: Linked) -> None:
    pasted = still.world.admin.management_key
    wrong = {**{f"field{number}": 1 for number in range(90)}, pasted: 1}
    answer = search(still, "deals", filter=wrong, order=dict.fromkeys(wrong, "asc"), select=list(wrong))
    assert answer.status == 400
    assert len(answer.body) < 4_000
    assert pasted.encode() not in answer.body


def test_405_to_get(still: Linked) -> None:
    answer = still.get("/v1/deals/search")
    assert (answer.status, answer.code) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"] == "POST"


def test_200_five_hundred_values_for_as_many_items_as_there_may_be(still: Linked) -> None:
    numbers = list(range(1, 250))
    asked = {"id": {"$in": numbers}, "companyId": {"$in": numbers}, "opportunity": {"$gte": 0}}
    answer = search(still, "deals", filter=asked, limit=5_000)
    assert answer.status == 200
    assert len(answer.data) == answer.json["meta"]["total"] > 50


def test_400_more_pages_of_a_long_filter_than_bitrix24_takes(still: Linked) -> None:
    still.sandbox.forget_calls()
    answer = search(still, "deals", filter={"title": {"$in": ["é" * 60] * 500}}, limit=2_500)
    assert (answer.status, list(answer.error["details"])) == (400, ["limit"])
    assert still.calls == []


@pytest.mark.parametrize(
    ("asked", "blamed"),
    [
        ({"filter": {"ufCrmTask": "C_1", "UF_CRM_TASK": "C_2"}}, "filter"),
        ({"filter": {"ufOwner": 5, "UF_OWNER": 7}}, "filter"),
        ({"order": {"ufOwner": "asc", "UF_OWNER": "desc"}}, "order"),
    ],
)
def test_400_one_field_under_two_names(still: Linked, asked: dict[str, Any], blamed: str) -> None:
    still.sandbox.forget_calls()
    answer = search(still, "tasks", **asked)
    assert (answer.status, list(answer.error["details"])) == (400, [blamed])
    assert still.calls == []
