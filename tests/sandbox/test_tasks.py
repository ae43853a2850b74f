"""tasks.task.*, as "Tasks" of Bitrix24's documentation describes them."""

from __future__ import annotations

from typing import Any

import pytest

from app.bitrix.sandbox import Sandbox
from tests.sandbox.caller import answer, refusal, result

NEW = {"TITLE": "Call back", "RESPONSIBLE_ID": 2}


def ids(sandbox: Sandbox, **params: Any) -> list[str]:
    found = result(sandbox, "tasks.task.list", select=["ID"], **params)["tasks"]
    return [task["id"] for task in found]


def test_the_list_comes_in_pages_the_newest_first(sandbox: Sandbox) -> None:
    _, body = answer(sandbox, "tasks.task.list")
    assert (len(body["result"]["tasks"]), body["total"], body["next"]) == (50, 90, 50)
    assert [task["id"] for task in body["result"]["tasks"][:2]] == ["90", "89"]
    _, body = answer(sandbox, "tasks.task.list", start=50)
    assert (len(body["result"]["tasks"]), "next" in body) == (40, False)
    _, body = answer(sandbox, "tasks.task.list", start=-1)
    assert (body["total"], "next" in body) == (0, False)


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ({"ID": 3}, ["3"]),
        ({"=ID": "3"}, ["3"]),
        ({"<=ID": 3, "!ID": [1]}, ["3", "2"]),
        ({">ID": 88}, ["90", "89"]),
        ({"%TITLE": "order 7", "<ID": 71}, ["70", "7"]),
        ({"REAL_STATUS": 5, "<ID": 9}, ["8", "3"]),
        ({"AUDITOR": 2, "<ID": 9}, ["8", "4"]),
        ({">DEADLINE": "2025-10-15T04:00:00+03:00"}, ["89"]),
        ({"UF_CRM_TASK": "D_12"}, ["12"]),
        ({"NONSENSE": 1, "ID": 3}, ["3"]),
        ({">ID": "many"}, []),
    ],
    ids=str,
)
def test_a_filter_finds(sandbox: Sandbox, conditions: Any, found: list[str]) -> None:
    assert ids(sandbox, filter=conditions) == found


def test_order_takes_either_case(sandbox: Sandbox) -> None:
    assert ids(sandbox, filter={"<ID": 4}, order={"ID": "asc"}) == ["1", "2", "3"]
    assert ids(sandbox, filter={"<ID": 6}, order={"PRIORITY": "DESC", "ID": "DESC"}) == [
        "5",
        "2",
        "4",
        "1",
        "3",
    ]


def test_order_by_status_is_called_otherwise(sandbox: Sandbox) -> None:
    order = {"REAL_STATUS": "desc", "ID": "asc"}
    assert ids(sandbox, filter={"<ID": 10}, order=order)[:3] == ["4", "9", "3"]


def test_everything_is_text_or_null_and_people_come_along(sandbox: Sandbox) -> None:
    task = result(sandbox, "tasks.task.get", taskId=4)["task"]
    assert (task["id"], task["status"], task["subStatus"], task["timeEstimate"]) == ("4", "6", "6", "240")
    assert (task["auditors"], task["accomplices"], task["group"]) == (["1", "2"], [], [])
    assert (task["deadline"], task["parentId"], task["newCommentsCount"]) == (None, "0", 0)
    assert task["responsible"]["id"] == task["responsibleId"] == "4"
    assert task["creator"]["name"] == "Employee No. 1"
    assert "ufCrmTask" not in task


def test_select_adds_to_what_always_comes(sandbox: Sandbox) -> None:
    task = result(sandbox, "tasks.task.get", taskId=4, select=["TITLE", "UF_CRM_TASK", "NONSENSE"])["task"]
    assert task.keys() == {
        *("id", "title", "ufCrmTask", "ufTaskWebdavFiles", "ufMailMessage"),
        *("descriptionInBbcode", "favorite", "group", "action"),
    }
    assert task["ufCrmTask"] == ["D_4"]
    assert refusal(sandbox, "tasks.task.get", taskId=4, select=[]) == (400, "100")
    assert refusal(sandbox, "tasks.task.get", taskId=4, select="TITLE") == (400, "100")


def test_a_task_that_is_not_there_is_an_empty_list(sandbox: Sandbox) -> None:
    assert answer(sandbox, "tasks.task.get", taskId=999)[1]["result"] == []
    assert refusal(sandbox, "tasks.task.update", taskId=999, fields=NEW) == (400, "0")
    assert refusal(sandbox, "tasks.task.delete", taskId=999) == (400, "1048582")


@pytest.mark.parametrize("method", ["get", "update", "delete"])
def test_a_task_has_to_be_named(sandbox: Sandbox, method: str) -> None:
    assert refusal(sandbox, f"tasks.task.{method}", fields=NEW) == (400, "100")
    assert refusal(sandbox, f"tasks.task.{method}", taskId="x", fields=NEW) == (400, "0")


def test_a_task_is_made_changed_and_deleted(sandbox: Sandbox) -> None:
    made = result(sandbox, "tasks.task.add", fields=NEW | {"DEADLINE": "2026-03-01T09:00:00Z", "ID": 5})[
        "task"
    ]
    assert (made["id"], made["title"], made["status"]) == ("91", "Call back", "2")
    assert made["deadline"] == "2026-03-01T12:00:00+03:00"
    changed = result(
        sandbox,
        "tasks.task.update",
        taskId=91,
        fields={"STATUS": 5, "AUDITORS": ["3"], "UF_CRM_TASK": ["D_1"]},
    )["task"]
    assert (changed["status"], changed["closedBy"], changed["auditors"]) == ("5", "1", ["3"])
    assert changed["closedDate"] is not None
    assert changed["title"] == "Call back"
    assert result(sandbox, "tasks.task.get", taskId=91, select=["UF_CRM_TASK"])["task"]["ufCrmTask"] == [
        "D_1"
    ]
    assert result(sandbox, "tasks.task.delete", taskId="91") == {"task": True}
    assert answer(sandbox, "tasks.task.get", taskId=91)[1]["result"] == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "100"),
        ({"TITLE": "x"}, "ERROR_CORE"),
        ({"RESPONSIBLE_ID": 1}, "ERROR_CORE"),
        (NEW | {"RESPONSIBLE_ID": 999}, "ERROR_CORE"),
        (NEW | {"STATUS": 9}, "ERROR_CORE"),
        (NEW | {"DEADLINE": "soon"}, "ERROR_CORE"),
        ({"title": "x", "responsibleId": 1}, "ERROR_CORE"),
    ],
    ids=str,
)
def test_a_task_that_cannot_be_made_is_refused(sandbox: Sandbox, fields: Any, code: str) -> None:
    assert refusal(sandbox, "tasks.task.add", fields=fields) == (400, code)


def test_fields_describes_each_field(sandbox: Sandbox) -> None:
    fields = result(sandbox, "tasks.task.getFields")["fields"]
    assert fields["ID"] == {"title": "Id", "type": "integer", "primary": True}
    assert fields["TITLE"]["required"]
    assert fields["STATUS"]["values"]["5"] == "Completed"
    assert fields["REPLICATE"] == {
        "title": "Replicate",
        "type": "enum",
        "values": {"Y": "Yes", "N": "No"},
        "default": "N",
    }
