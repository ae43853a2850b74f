"""GET /v1/deals/{id} and the other entities."""

from __future__ import annotations

import pytest

from app.bitrix.entities import ENTITIES
from app.bitrix.sandbox import Sandbox
from tests.api.linked import Linked
from tests.api.world import World


@pytest.fixture(scope="module")
def still(still_world: World, still_sandbox: Sandbox) -> Linked:
    """A portal that the tests only read."""
    return Linked(still_world, still_sandbox)


@pytest.mark.parametrize("name", ENTITIES)
def test_200_the_item_that_the_list_has(still: Linked, name: str) -> None:
    listed = still.get(f"/v1/{name}", {"limit": "1", "offset": "6"}).data[0]
    answer = still.get(f"/v1/{name}/7")
    assert (answer.status, answer.data["id"]) == (200, 7)
    assert (
        answer.data.items()
        >= {name: value for name, value in listed.items() if value not in ([], {})}.items()
    )


@pytest.mark.parametrize("name", ENTITIES)
@pytest.mark.parametrize("number", ["9999", "9007199254740991"])
def test_404_an_item_that_there_is_not(still: Linked, name: str, number: str) -> None:
    answer = still.get(f"/v1/{name}/{number}")
    assert (answer.status, answer.code) == (404, "ENTITY_NOT_FOUND")


@pytest.mark.parametrize(
    "number", ["0", "-1", "01", "1.0", "x", "%20", "٣", "1e3", "9" * 16, "9" * 400, "Fields", "1%2F2"]
)
def test_404_what_can_be_no_number_never_leaves(still: Linked, number: str) -> None:
    still.sandbox.forget_calls()
    answer = still.get(f"/v1/deals/{number}")
    assert (answer.status, answer.code) == (404, "ENTITY_NOT_FOUND" if "%2F" not in number else "NOT_FOUND")
    assert still.calls == []


@pytest.mark.parametrize("path", ["/v1/invoices", "/v1/invoices/1", "/v1/deals/1/rows", "/v1/deals/fields/1"])
def test_404_what_is_not_served(still: Linked, path: str) -> None:
    answer = still.get(path)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


def test_400_takes_no_parameters(still: Linked) -> None:
    assert still.get("/v1/deals/1", {"select": "id"}).error["details"] == {"select": ["Unknown field."]}


def test_405_wrong_method(still: Linked) -> None:
    assert still.call("PUT", "/v1/deals/1").headers["Allow"] == "DELETE, GET, HEAD, PATCH"
    assert still.call("PATCH", "/v1/users/1").headers["Allow"] == "GET, HEAD"
    assert still.call("DELETE", "/v1/users/1").code == "METHOD_NOT_ALLOWED"


def test_404_a_user_other_than_the_one_that_was_asked_for(linked: Linked) -> None:
    """A filter that Bitrix24 dropped gives everybody."""
    linked.sandbox.portal.call = lambda *_: {"result": [{"ID": "2", "NAME": "x"}]}  # type: ignore[method-assign]
    assert linked.get("/v1/users/2").data["id"] == 2
    assert linked.get("/v1/users/1").code == "ENTITY_NOT_FOUND"
