"""user.*, as "Users" of Bitrix24's documentation describes them."""

from __future__ import annotations

from typing import Any

import pytest

from app.bitrix.sandbox import Sandbox
from tests.sandbox.caller import answer, result


def ids(sandbox: Sandbox, **params: Any) -> list[str]:
    return [user["ID"] for user in result(sandbox, "user.get", **params)]


def test_the_result_is_a_bare_list_in_pages(sandbox: Sandbox) -> None:
    _, body = answer(sandbox, "user.get")
    assert (len(body["result"]), body["total"], body["next"]) == (50, 55, 50)
    assert ids(sandbox, start=50) == ["51", "52", "53", "54", "55"]


def test_ids_are_text_and_active_is_not(sandbox: Sandbox) -> None:
    (user,) = result(sandbox, "user.get", ID=9)
    assert (user["ID"], user["ACTIVE"], user["TIMESTAMP_X"]) == ("9", False, {})
    assert user["UF_DEPARTMENT"] == [2]


def test_what_was_never_filled_may_be_absent(sandbox: Sandbox) -> None:
    (one,), (two,) = (result(sandbox, "user.get", ID=number) for number in (1, 2))
    assert "WORK_PHONE" in one
    assert "WORK_PHONE" not in two


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"FILTER": {"ID": [1, 3]}}, ["1", "3"]),
        ({"filter": {"@ID": [1, 3]}}, ["1", "3"]),
        ({"filter": {">ID": 53}}, ["54", "55"]),
        ({"filter": {">ID": 53, "!ID": 54}}, ["55"]),
        ({"EMAIL": "employee-7@example.com"}, ["7"]),
        ({"filter": {"%LAST_NAME": "no. 5", "<ID": 52}}, ["5", "50", "51"]),
        ({"filter": {"ACTIVE": False, "<ID": 20}}, ["9", "19"]),
        ({"filter": {"ACTIVE": "true", "<ID": 3}}, ["1", "2"]),
        ({"filter": {"UF_DEPARTMENT": 1, "<=ID": 8}}, ["4", "8"]),
        ({"filter": {"NONSENSE": 1, "ID": 4}}, ["4"]),
        ({"filter": {"<ID": 4}, "sort": "ID", "order": "desc"}, ["3", "2", "1"]),
        ({"filter": {"<ID": 4}, "SORT": "LAST_NAME", "ORDER": "DESC"}, ["3", "2", "1"]),
        ({"filter": {">ID": "x"}}, []),
    ],
    ids=str,
)
def test_a_filter_finds(sandbox: Sandbox, params: Any, found: list[str]) -> None:
    assert ids(sandbox, **params) == found


def test_select_takes_names_and_masks(sandbox: Sandbox) -> None:
    (user,) = result(sandbox, "user.get", ID=1, select=["NAME", "UF_*", "NONSENSE"])
    assert user.keys() == {"ID", "NAME", "UF_DEPARTMENT", "UF_EMPLOYMENT_DATE"}
    assert result(sandbox, "user.get", ID=1, select=["*"]) == result(sandbox, "user.get", ID=1)


def test_current_is_whose_webhook_it_is(sandbox: Sandbox) -> None:
    assert result(sandbox, "user.current")["ID"] == "1"


def test_fields_is_a_map_of_labels(sandbox: Sandbox) -> None:
    fields = result(sandbox, "user.fields")
    assert fields["WORK_POSITION"] == "Work position"
    assert set(result(sandbox, "user.current")) <= set(fields)
