"""batch, as "How to run a batch of requests" of Bitrix24's documentation describes it."""

from __future__ import annotations

from typing import Any

import pytest

from app.bitrix.sandbox import Sandbox
from tests.sandbox.caller import answer, result


def batch(sandbox: Sandbox, cmd: Any, **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = result(sandbox, "batch", cmd=cmd, **params)
    assert found.keys() == {"result", "result_error", "result_total", "result_next", "result_time"}
    return found


def test_results_totals_and_times_are_told_by_name(sandbox: Sandbox) -> None:
    found = batch(sandbox, {"me": "user.current", "deals": "crm.item.list?entityTypeId=2&select[]=id"})
    assert found["result"]["me"]["ID"] == "1"
    assert found["result"]["deals"]["items"][0] == {"id": 1}
    assert (found["result_total"], found["result_next"]) == ({"deals": 120}, {"deals": 50})
    assert found["result_error"] == []
    assert found["result_time"].keys() == {"me", "deals"}


def test_empty_maps_are_lists_and_the_status_is_200_whatever_went_wrong(sandbox: Sandbox) -> None:
    found = batch(sandbox, {"a": "nonsense", "b": "crm.item.get?entityTypeId=2&id=9999"})
    assert found == {
        "result": [],
        "result_error": {
            "a": {"error": "ERROR_METHOD_NOT_FOUND", "error_description": "Method not found!"},
            "b": {"error": "NOT_FOUND", "error_description": "Item not found"},
        },
        "result_total": [],
        "result_next": [],
        "result_time": [],
    }


@pytest.mark.parametrize("cmd", [["profile", "scope"], {"0": "profile", "1": "scope"}], ids=["list", "map"])
def test_names_that_count_from_zero_make_lists(sandbox: Sandbox, cmd: Any) -> None:
    found = batch(sandbox, cmd)
    assert found["result"] == [result(sandbox, "profile"), ["crm", "task", "user"]]
    assert len(found["result_time"]) == 2


def test_names_that_count_with_gaps_make_maps(sandbox: Sandbox) -> None:
    found = batch(sandbox, ["nonsense", "scope"])
    assert found["result"] == {"1": ["crm", "task", "user"]}
    assert [error["error"] for error in found["result_error"]] == ["ERROR_METHOD_NOT_FOUND"]


def test_a_command_may_use_what_an_earlier_one_gave(sandbox: Sandbox) -> None:
    found = batch(
        sandbox,
        {
            "deal": "crm.item.get?entityTypeId=2&id=7",
            "company": "crm.item.get?entityTypeId=4&id=$result[deal][item][companyId]",
            "note": "crm.item.add?entityTypeId=1&fields[title]=About%20$result[deal][item][title]%21",
            "nobody": "crm.item.get?entityTypeId=4&id=$result[nothing][id]",
        },
    )
    assert found["result"]["company"]["item"]["title"] == "Company 7"
    assert found["result"]["note"]["item"]["title"] == "About Order 7!"
    assert found["result_error"]["nobody"]["error"] == "NOT_FOUND"


@pytest.mark.parametrize("halt", [1, True, "1"])
def test_halt_stops_at_the_first_error(sandbox: Sandbox, halt: Any) -> None:
    found = batch(sandbox, {"a": "profile", "b": "nonsense", "c": "profile"}, halt=halt)
    assert (list(found["result"]), list(found["result_error"])) == (["a"], ["b"])


@pytest.mark.parametrize("halt", [0, False, "0"])
def test_without_halt_all_commands_run(sandbox: Sandbox, halt: Any) -> None:
    found = batch(sandbox, {"a": "nonsense", "b": "profile"}, halt=halt)
    assert (list(found["result"]), list(found["result_error"])) == (["b"], ["a"])


def test_commands_beyond_fifty_are_refused_one_by_one(sandbox: Sandbox) -> None:
    found = batch(sandbox, {f"c{place}": "scope" for place in range(52)})
    assert len(found["result"]) == 50
    assert {name: error["error"] for name, error in found["result_error"].items()} == {
        "c50": "ERROR_BATCH_LENGTH_EXCEEDED",
        "c51": "ERROR_BATCH_LENGTH_EXCEEDED",
    }


def test_a_batch_within_a_batch_is_refused(sandbox: Sandbox) -> None:
    found = batch(sandbox, {"a": "batch?cmd[b]=profile"})
    assert found["result_error"]["a"]["error"] == "ERROR_BATCH_METHOD_NOT_ALLOWED"


def test_a_batch_without_commands_is_empty(sandbox: Sandbox) -> None:
    assert set(map(str, result(sandbox, "batch").values())) == {"[]"}


def test_scopes_are_asked_for_each_command(sandbox: Sandbox) -> None:
    sandbox.portal.scopes = frozenset({"user"})
    found = batch(sandbox, {"a": "crm.item.list?entityTypeId=2", "b": "user.current"})
    assert found["result_error"]["a"]["error"] == "insufficient_scope"
    assert found["result"]["b"]["ID"] == "1"


def test_a_batch_costs_as_much_as_one_call(sandbox: Sandbox) -> None:
    for _ in range(50):
        batch(sandbox, ["profile"] * 3)
    assert answer(sandbox, "batch", cmd=["profile"])[0] == 503
