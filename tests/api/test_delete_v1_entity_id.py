"""DELETE /v1/deals/{id} and the other entities."""

from __future__ import annotations

import pytest

from tests.api.linked import Linked

NAMES = ("deals", "contacts", "companies", "leads", "tasks")


@pytest.mark.parametrize("name", NAMES)
def test_200_and_it_is_gone(linked: Linked, name: str) -> None:
    answer = linked.call("DELETE", f"/v1/{name}/7")

    assert (answer.status, answer.data) == (200, {"id": 7, "deleted": True})
    assert linked.get(f"/v1/{name}/7").code == "ENTITY_NOT_FOUND"
    assert linked.get(f"/v1/{name}/8").status == 200


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("number", ["9999", "0", "x"])
def test_404_an_item_that_there_is_not(linked: Linked, name: str, number: str) -> None:
    answer = linked.call("DELETE", f"/v1/{name}/{number}")
    assert (answer.status, answer.code) == (404, "ENTITY_NOT_FOUND")


def test_403_a_task_that_there_is_and_that_may_not_be_deleted(linked: Linked) -> None:
    linked.sandbox.faults.add("refuse", error="1048582", description="No access", method="tasks.task.delete")
    answer = linked.call("DELETE", "/v1/tasks/7")
    assert (answer.status, answer.code) == (403, "BITRIX_ACCESS_DENIED")


def test_403_and_where_it_cannot_be_looked_for_the_refusal_stays(linked: Linked) -> None:
    linked.sandbox.faults.add("refuse", error="1048582", description="No access", method="tasks.task.delete")
    linked.sandbox.faults.add("not_json", method="tasks.task.get")
    assert linked.call("DELETE", "/v1/tasks/7").code == "BITRIX_ACCESS_DENIED"


def test_502_the_outcome_is_unknown(linked: Linked) -> None:
    linked.sandbox.faults.add("cut", where="after", method="crm.item.delete")
    answer = linked.call("DELETE", "/v1/deals/7")
    assert (answer.status, answer.error["details"]) == (502, {"outcome": "unknown"})
    assert linked.methods == ["crm.item.delete"]
    assert linked.get("/v1/deals/7").code == "ENTITY_NOT_FOUND"
