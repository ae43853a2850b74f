"""GET /v1/deals/fields and the other entities."""

from __future__ import annotations

from typing import Any

import pytest

from app.bitrix.entities import ENTITIES
from app.bitrix.sandbox import Sandbox
from tests.api.linked import Linked
from tests.api.world import World


@pytest.fixture(scope="module")
def still(still_world: World, still_sandbox: Sandbox) -> Linked:
    return Linked(still_world, still_sandbox)


def fields(linked: Linked, name: str) -> Any:
    answer = linked.get(f"/v1/{name}/fields")
    assert answer.status == 200
    return answer.data


@pytest.mark.parametrize("name", ENTITIES)
def test_200_every_field_of_the_table_and_then_the_portals_own(still: Linked, name: str) -> None:
    told = fields(still, name)
    table = list(ENTITIES[name].fields)
    assert list(told)[: len(table)] == table
    assert {field for field, facts in told.items() if facts["custom"]} == set(told) - set(table)


@pytest.mark.parametrize("name", ENTITIES)
def test_200_whatever_an_item_shows_is_told_or_is_named_like_a_field_of_the_portal(
    still: Linked, name: str
) -> None:
    assert set(still.get(f"/v1/{name}/1").data) <= set(fields(still, name))


def test_200_what_can_be_done_with_a_field(still: Linked) -> None:
    told = fields(still, "deals")
    assert told["opportunity"] == {
        "type": "number",
        "multiple": False,
        "access": "write",
        "required": False,
        "custom": False,
        "operators": ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in"],
        "order": True,
        "title": "Opportunity",
        "bitrixType": "double",
        "values": None,
    }
    assert (told["webformId"]["access"], told["closed"]["access"]) == ("once", "read")
    assert (told["observers"]["multiple"], told["observers"]["type"]) == (True, "integer")
    assert (told["closed"]["type"], told["closed"]["operators"]) == ("boolean", ["$eq", "$ne"])
    assert told["hasProducts"]["title"] is None


def test_200_the_portals_own_fields(still: Linked) -> None:
    told = fields(still, "deals")
    facts = told["ufCrm_1700000002"]
    assert (facts["type"], facts["multiple"], facts["custom"]) == ("any", True, True)
    assert (facts["bitrixType"], facts["access"]) == ("enumeration", "write")
    assert told["parentId177"]["custom"] is True


def test_200_required_fields_and_values_of_tasks(still: Linked) -> None:
    told = fields(still, "tasks")
    assert {name for name, facts in told.items() if facts["required"]} == {"title", "responsibleId"}
    assert told["status"]["values"]["5"] == "Completed"
    assert told["durationType"]["values"]["days"] is None
    assert told["multitask"]["type"] == "boolean"
    assert (told["description"]["operators"], told["description"]["order"]) == ([], False)


def test_200_users_have_titles_and_nothing_to_write(still: Linked) -> None:
    told = fields(still, "users")
    assert told["lastName"]["title"] == "Last name"
    assert {facts["access"] for facts in told.values()} == {"read"}


@pytest.mark.parametrize("answer", [[], {}])
def test_200_where_bitrix24_tells_nothing_the_table_is_left(linked: Linked, answer: Any) -> None:
    linked.sandbox.portal.call = lambda *_: {"result": {"fields": answer}}  # type: ignore[method-assign]
    assert list(fields(linked, "deals")) == list(ENTITIES["deals"].fields)


def test_405_to_what_would_change_something(still: Linked) -> None:
    for method in ("POST", "PATCH", "DELETE"):
        answer = still.call(method, "/v1/deals/fields", json={})
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
