"""crm.item.*, as "CRM: universal methods" of Bitrix24's documentation describes them."""

from __future__ import annotations

from typing import Any

import pytest

from app.bitrix.sandbox import Sandbox, running
from tests.sandbox.caller import answer, refusal, result

LEAD, DEAL, CONTACT, COMPANY = 1, 2, 3, 4


def ids(sandbox: Sandbox, conditions: Any, **params: Any) -> list[int]:
    """The deals that a filter finds."""
    found = result(sandbox, "crm.item.list", entityTypeId=DEAL, select=["id"], filter=conditions, **params)
    return [item["id"] for item in found["items"]]


def new_deal(sandbox: Sandbox, **fields: Any) -> dict[str, Any]:
    item: dict[str, Any] = result(sandbox, "crm.item.add", entityTypeId=DEAL, fields=fields)["item"]
    return item


@pytest.mark.parametrize(("type_id", "total"), [(LEAD, 70), (DEAL, 120), (CONTACT, 75), (COMPANY, 60)])
def test_every_type_has_more_than_a_page(sandbox: Sandbox, type_id: int, total: int) -> None:
    _, body = answer(sandbox, "crm.item.list", entityTypeId=type_id)
    assert (len(body["result"]["items"]), body["total"], body["next"]) == (50, total, 50)
    assert {item["entityTypeId"] for item in body["result"]["items"]} == {type_id}


def test_pages_follow_one_another_and_the_last_has_no_next(sandbox: Sandbox) -> None:
    seen: list[int] = []
    start: int | None = 0
    while start is not None:
        _, body = answer(sandbox, "crm.item.list", entityTypeId=DEAL, start=start)
        seen += [item["id"] for item in body["result"]["items"]]
        start = body.get("next")
    assert seen == list(range(1, 121))


def test_a_start_within_a_page_is_the_start_of_that_page(sandbox: Sandbox) -> None:
    assert ids(sandbox, {}, start=73)[0] == 51


def test_a_start_of_minus_one_counts_nothing(sandbox: Sandbox) -> None:
    _, body = answer(sandbox, "crm.item.list", entityTypeId=DEAL, start=-1)
    assert (len(body["result"]["items"]), body["total"], "next" in body) == (50, 0, False)


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ({"id": 7}, [7]),
        ({"=id": "7"}, [7]),
        ({"id": [7, 9]}, [7, 9]),
        ({"@id": [7, 9]}, [7, 9]),
        ({"!@id": list(range(1, 120))}, [120]),
        ({">id": 118}, [119, 120]),
        ({">=id": 119}, [119, 120]),
        ({"<id": 3}, [1, 2]),
        ({"<=id": 2, "!id": 1}, [2]),
        ({"<=id": 2, "!=id": 1}, [2]),
        ({"%title": "ORDER 11", "<id": 112}, [11, 110, 111]),
        ({"=%title": "Order 12%"}, [12, 120]),
        ({"!%title": "1", "<id": 4}, [2, 3]),
        ({"title": "order 12"}, [12]),
        ({">opportunity": 118_000.5, "stageId": ["NEW", "LOSE"]}, [119, 120]),
        ({"observers": 2, "<id": 9}, [4, 8]),
        ({"observers": [], "<id": 3}, []),
        ({"parentId177": "", "<id": 3}, [1, 2]),
        ({"parentId177": 0, "<id": 3}, [1, 2]),
        ({"leadId": 0, "<id": 3}, [1, 2]),
        ({"leadId": [0, 5], "<id": 3}, [1, 2]),
        ({"!=leadId": 0}, []),
        ({"!companyId": "", "<id": 3}, [1, 2]),
        ({"closed": "Y", "<id": 9}, [3, 4, 8]),
        ({"0": {"logic": "OR", "0": {"id": 5}, "1": {">id": 119}}}, [5, 120]),
        ([{"logic": "OR", "0": {"id": 5}, "1": {"id": 6}}], [5, 6]),
        ({">=createdTime": "2025-10-14T11:53:20+03:00"}, [120]),
        ({">createdTime": "2025-10-14T08:53:20+00:00"}, []),
        ({"ufCrm_1700000000": "PO-00042"}, [42]),
    ],
    ids=str,
)
def test_a_filter_finds(sandbox: Sandbox, conditions: Any, found: list[int]) -> None:
    assert ids(sandbox, conditions) == found


@pytest.mark.parametrize(
    ("params", "described"),
    [
        ({"filter": {">=nonsense": 1}}, "field 'nonsense' is not allowed in filter"),
        ({"filter": {"fm": "x"}}, "field 'fm' is not allowed in filter"),
        ({"filter": {">opportunity": "much"}}, "field 'opportunity' has invalid value"),
        ({"filter": {">createdTime": "yesterday"}}, "field 'createdTime' has invalid value"),
        ({"order": {"nonsense": "ASC"}}, "field 'nonsense' is not allowed in order"),
        ({"order": {"id": "asc"}}, "allowed sort directions are `ASC, DESC`"),
    ],
    ids=str,
)
def test_a_filter_or_order_that_is_wrong_is_refused(
    sandbox: Sandbox, params: dict[str, Any], described: str
) -> None:
    status, body = answer(sandbox, "crm.item.list", entityTypeId=DEAL, **params)
    assert (status, body["error"]) == (400, "INVALID_ARG_VALUE")
    assert described in body["error_description"]


def test_order_is_by_each_field_in_turn(sandbox: Sandbox) -> None:
    found = ids(sandbox, {"<id": 11}, order={"stageId": "ASC", "id": "DESC"})
    assert found == [7, 2, 9, 4, 10, 5, 6, 1, 8, 3]


def test_select_gives_the_id_and_what_there_is_of_it(sandbox: Sandbox) -> None:
    found = result(sandbox, "crm.item.list", entityTypeId=DEAL, select=["title", "nonsense", "fm"])
    assert {tuple(item) for item in found["items"]} == {("id", "title")}
    (lead,) = result(sandbox, "crm.item.list", entityTypeId=LEAD, filter={"id": 1}, select=["*"])["items"]
    assert lead == result(sandbox, "crm.item.get", entityTypeId=LEAD, id=1)["item"]


def test_values_are_as_they_are_written(sandbox: Sandbox) -> None:
    deal = result(sandbox, "crm.item.get", entityTypeId=DEAL, id="7")["item"]
    assert (deal["id"], deal["opportunity"], deal["probability"]) == (7, 7000.5, 7)
    assert (deal["opened"], deal["closed"], deal["stageSemanticId"]) == ("Y", "N", "P")
    assert deal["createdTime"] == "2025-10-09T18:53:20+03:00"
    assert (deal["contactIds"], deal["contactId"], deal["observers"]) == ([7], 7, [])
    assert deal["parentId177"] is None


def test_add_needs_no_field_and_drops_what_nobody_may_set(sandbox: Sandbox) -> None:
    deal = new_deal(sandbox, id=9, nonsense="x", createdBy=9, hasProducts="Y", isWon="Y")
    assert (deal["id"], deal["title"], deal["createdBy"]) == (121, "Deal #121", 1)
    assert (deal["hasProducts"], "nonsense" in deal) == (None, False)
    assert result(sandbox, "crm.item.get", entityTypeId=DEAL, id=121)["item"] == deal


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"opportunity": "19000.50"}, 19000.5),
        ({"opportunity": 12.0}, 12),
        ({"isManualOpportunity": True}, "Y"),
        ({"isManualOpportunity": "y"}, "Y"),
        ({"isManualOpportunity": 1}, "N"),
        ({"closedate": "2026-03-01"}, "2026-03-01T00:00:00+03:00"),
        ({"closedate": "2026-03-01T22:00:00Z"}, "2026-03-02T01:00:00+03:00"),
        ({"closedate": ""}, None),
        ({"observers": ["2", 3]}, [2, 3]),
        ({"ufCrm_1700000002": [79, "80"]}, ["79", "80"]),
        ({"companyId": None}, 0),
        ({"title": 12}, "12"),
    ],
    ids=str,
)
def test_what_is_written_gets_the_form_of_its_field(sandbox: Sandbox, given: Any, kept: Any) -> None:
    ((name, _),) = given.items()
    assert new_deal(sandbox, **given)[name] == kept


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"opportunity": "much"}, "CRM_FIELD_ERROR_VALUE_NOT_VALID"),
        ({"opportunity": "1e400"}, "CRM_FIELD_ERROR_VALUE_NOT_VALID"),
        ({"closedate": "9999-12-31T23:59:59-12:00"}, "CRM_FIELD_ERROR_VALUE_NOT_VALID"),
        ({"closedate": "soon"}, "CRM_FIELD_ERROR_VALUE_NOT_VALID"),
        ({"observers": 2}, "100"),
    ],
    ids=str,
)
def test_a_value_that_does_not_fit_is_refused(sandbox: Sandbox, fields: Any, code: str) -> None:
    assert refusal(sandbox, "crm.item.add", entityTypeId=DEAL, fields=fields) == (400, code)
    assert refusal(sandbox, "crm.item.update", entityTypeId=DEAL, id=1, fields=fields) == (400, code)


def test_update_changes_what_is_given(sandbox: Sandbox) -> None:
    before = result(sandbox, "crm.item.get", entityTypeId=DEAL, id=5)["item"]
    after = result(
        sandbox, "crm.item.update", entityTypeId=DEAL, id=5, fields={"stageId": "WON", "contactIds": [3, 4]}
    )["item"]
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {
        "stageId",
        "stageSemanticId",
        "closed",
        "isNew",
        "contactIds",
        "contactId",
        "updatedTime",
    }
    assert (after["stageSemanticId"], after["closed"], after["contactId"]) == ("S", "Y", 3)


def test_the_id_cannot_be_written(sandbox: Sandbox) -> None:
    status, body = answer(sandbox, "crm.item.update", entityTypeId=DEAL, id=5, fields={"id": 6})
    assert (status, body["error"]) == (400, "")
    assert "Primary ID" in body["error_description"]


def test_what_is_set_once_is_not_changed(sandbox: Sandbox) -> None:
    made = result(sandbox, "crm.item.add", entityTypeId=COMPANY, fields={"isMyCompany": "Y"})["item"]
    changed = result(
        sandbox, "crm.item.update", entityTypeId=COMPANY, id=made["id"], fields={"isMyCompany": "N"}
    )
    assert changed["item"]["isMyCompany"] == "Y"


def test_ways_to_reach_somebody_are_added_and_shown_flat(sandbox: Sandbox) -> None:
    phone = {"typeId": "PHONE", "valueType": "MOBILE", "value": "+49 170 5550000"}
    contact = result(
        sandbox, "crm.item.update", entityTypeId=CONTACT, id=1, fields={"fm": {"n0": {"id": 101, **phone}}}
    )["item"]
    assert [way["id"] for way in contact["fm"]] == [101, 102, 103]
    assert contact["phone"] == "+49 30 5551001"
    assert (contact["phoneMobile"], contact["emailHome"]) == ("+49 170 5550000", "contact-1@example.com")
    assert (contact["hasPhone"], contact["hasImol"], contact["emailWork"]) == ("Y", "N", "")


def test_delete_gives_an_empty_list_and_the_number_is_not_given_again(sandbox: Sandbox) -> None:
    made = new_deal(sandbox)
    assert result(sandbox, "crm.item.delete", entityTypeId=DEAL, id=made["id"]) == []
    assert refusal(sandbox, "crm.item.get", entityTypeId=DEAL, id=made["id"]) == (400, "NOT_FOUND")
    assert new_deal(sandbox)["id"] == made["id"] + 1


@pytest.mark.parametrize("method", ["get", "update", "delete"])
def test_an_item_that_is_not_there_is_refused(sandbox: Sandbox, method: str) -> None:
    params = {"entityTypeId": DEAL, "id": 9_999, "fields": {"title": "x"}}
    assert refusal(sandbox, f"crm.item.{method}", **params) == (400, "NOT_FOUND")


@pytest.mark.parametrize("method", ["list", "get", "add", "update", "delete", "fields"])
def test_a_type_that_is_not_there_is_refused(sandbox: Sandbox, method: str) -> None:
    params = {"id": 1, "fields": {}}
    assert refusal(sandbox, f"crm.item.{method}", entityTypeId=999, **params) == (400, "NOT_FOUND")
    assert refusal(sandbox, f"crm.item.{method}", **params) == (400, "100")


@pytest.mark.parametrize("method", ["add", "update"])
def test_fields_are_a_parameter_that_must_be_there(sandbox: Sandbox, method: str) -> None:
    assert refusal(sandbox, f"crm.item.{method}", entityTypeId=DEAL, id=1) == (400, "100")


def test_fields_describes_each_field_but_those_that_are_only_shown(sandbox: Sandbox) -> None:
    fields = result(sandbox, "crm.item.fields", entityTypeId=DEAL)["fields"]
    assert fields["id"] == {
        "type": "integer",
        "isRequired": False,
        "isReadOnly": True,
        "isImmutable": False,
        "isMultiple": False,
        "isDynamic": False,
        "title": "Id",
        "upperName": "ID",
    }
    assert fields["contactIds"]["isMultiple"]
    assert fields["assignedById"]["upperName"] == "ASSIGNED_BY_ID"
    assert fields["webformId"]["isImmutable"]
    assert fields["ufCrm_1700000000"]["isDynamic"]
    assert "hasProducts" not in fields
    assert "hasProducts" in result(sandbox, "crm.item.get", entityTypeId=DEAL, id=1)["item"]


@pytest.mark.parametrize(
    ("type_id", "field"), [(DEAL, "contacts"), (LEAD, "contacts"), (CONTACT, "companies")]
)
def test_fields_lists_one_that_nothing_else_knows(sandbox: Sandbox, type_id: int, field: str) -> None:
    assert field in result(sandbox, "crm.item.fields", entityTypeId=type_id)["fields"]
    assert field not in result(sandbox, "crm.item.get", entityTypeId=type_id, id=1)["item"]
    found = result(sandbox, "crm.item.list", entityTypeId=type_id, select=[field], filter={"id": 1})
    assert found["items"] == [{"id": 1}]
    conditions = {"filter": {field: 1}}
    assert refusal(sandbox, "crm.item.list", entityTypeId=type_id, **conditions) == (400, "INVALID_ARG_VALUE")
    assert refusal(sandbox, "crm.item.add", entityTypeId=type_id, fields={field: [1]}) == (400, "100")


def test_there_may_be_any_number_of_deals() -> None:
    with running(Sandbox(deals=5_001)) as sandbox:
        _, body = answer(sandbox, "crm.item.list", entityTypeId=DEAL, start=5_000, select=["id"])
        assert (body["result"]["items"], body["total"], "next" in body) == ([{"id": 5_001}], 5_001, False)
