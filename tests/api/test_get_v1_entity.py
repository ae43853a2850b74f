"""GET /v1/deals and the other entities: filters, order, selection, and pages at their edges."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from app.bitrix.entities import ENTITIES
from app.bitrix.sandbox import Sandbox, running
from tests.api.linked import Linked
from tests.api.world import World

TABLES = {"deals": 120, "contacts": 75, "companies": 60, "leads": 70, "tasks": 90, "users": 55}
PYTHON_TYPES = {
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "string": str,
    "date": str,
    "datetime": str,
    "object": dict,
    "any": object,
}
FIRST_CREATED = "2025-10-09T09:53:20.000Z"


Params = dict[str, Any]


@pytest.fixture(scope="module")
def still(still_world: World, still_sandbox: Sandbox) -> Linked:
    """A portal that the tests only read."""
    return Linked(still_world, still_sandbox)


@pytest.mark.parametrize("name", ENTITIES)
def test_200_items_are_written_as_we_write_them(still: Linked, name: str) -> None:
    answer = still.get(f"/v1/{name}", {"limit": "100"})

    assert answer.status == 200
    total = TABLES[name]
    meta = {"limit": 100, "offset": 0, "total": total, "hasMore": total > 100}
    assert answer.json["meta"] == meta
    assert [item["id"] for item in answer.data] == list(range(1, min(total, 100) + 1))
    for item in answer.data:
        for field, value in item.items():
            known = ENTITIES[name].fields.get(field)
            if known is None:
                assert field.startswith(("uf", "parentId")), field
                continue
            for one in value if known.many else [value]:
                assert one is None or isinstance(one, PYTHON_TYPES[known.kind.name]), (field, value)


def test_200_numbers_flags_times_days_lists_and_things(still: Linked) -> None:
    deal = still.get("/v1/deals", {"limit": "1"}).data[0]
    assert (deal["opportunity"], deal["opened"], deal["closed"]) == (1000.5, True, False)
    assert (deal["createdTime"], deal["begindate"]) == (FIRST_CREATED, "2025-10-09")
    assert (deal["observers"], deal["contactIds"], deal["companyId"]) == ([], [1], 1)
    assert deal["ufCrm_1700000000"] == "PO-00001"
    assert "entityTypeId" not in deal

    task = still.get("/v1/tasks", {"limit": "1"}).data[0]
    assert (task["status"], task["timeEstimate"], task["multitask"]) == (3, 60, False)
    assert (task["createdDate"], task["ufCrmTask"]) == (FIRST_CREATED, ["D_1"])
    assert (task["group"], task["creator"]["id"], task["accomplices"]) == ({}, 1, [])

    user = still.get("/v1/users", {"limit": "1"}).data[0]
    assert (user["id"], user["active"], user["isOnline"]) == (1, True, True)
    assert (user["lastLogin"], user["timestampX"], user["ufDepartment"]) == (FIRST_CREATED, None, [2])

    way = still.get("/v1/contacts", {"limit": "1"}).data[0]["fm"][0]
    assert way == {"id": 101, "typeId": "PHONE", "valueType": "WORK", "value": "+49 30 5551001"}


Item = dict[str, Any]
FILTERS: list[tuple[str, str, str, Callable[[Item], bool]]] = [
    ("deals", "filter[stageId]", "NEW", lambda it: it["stageId"] == "NEW"),
    ("deals", "filter[stageId][$eq]", "NEW", lambda it: it["stageId"] == "NEW"),
    ("deals", "filter[stageId][$ne]", "NEW", lambda it: it["stageId"] != "NEW"),
    ("deals", "filter[stageId][$in]", "NEW,WON", lambda it: it["stageId"] in ("NEW", "WON")),
    ("deals", "filter[title][$contains]", "rder 11", lambda it: "rder 11" in it["title"]),
    ("deals", "filter[opportunity][$gt]", "7000.5", lambda it: it["opportunity"] > 7000.5),
    ("deals", "filter[opportunity][$gte]", "7000.5", lambda it: it["opportunity"] >= 7000.5),
    ("deals", "filter[opportunity][$lt]", "7000.5", lambda it: it["opportunity"] < 7000.5),
    ("deals", "filter[opportunity][$lte]", "7000.5", lambda it: it["opportunity"] <= 7000.5),
    ("deals", "filter[opportunity]", "2000", lambda it: it["opportunity"] == 2000),
    ("deals", "filter[id][$in]", "3,5,999", lambda it: it["id"] in (3, 5)),
    ("deals", "filter[closed]", "true", lambda it: it["closed"] is True),
    ("deals", "filter[closed][$ne]", "true", lambda it: it["closed"] is False),
    ("deals", "filter[observers]", "2", lambda it: 2 in it["observers"]),
    ("deals", "filter[createdTime][$lt]", "2025-10-09T14:53:20+03:00", lambda it: it["id"] < 3),
    ("deals", "filter[begindate][$gt]", "2025-10-12", lambda it: it["begindate"] >= "2025-10-12"),
    ("deals", "filter[ufCrm_1700000000]", "PO-00007", lambda it: it["id"] == 7),
    ("deals", "filter[comments]", "", lambda it: it["comments"] is None),
    ("contacts", "filter[lastName][$contains]", "No. 7", lambda it: "No. 7" in it["lastName"]),
    ("companies", "filter[isMyCompany]", "true", lambda it: it["isMyCompany"] is True),
    ("leads", "filter[sourceId][$in]", "WEB", lambda it: it["sourceId"] == "WEB"),
    ("tasks", "filter[status]", "5", lambda it: it["status"] == 5),
    ("tasks", "filter[status][$ne]", "5", lambda it: it["status"] != 5),
    ("tasks", "filter[status][$in]", "5,6", lambda it: it["status"] in (5, 6)),
    ("tasks", "filter[title][$contains]", "order 1", lambda it: "order 1" in it["title"]),
    ("tasks", "filter[priority][$gt]", "0", lambda it: it["priority"] > 0),
    ("tasks", "filter[priority][$lte]", "0", lambda it: it["priority"] == 0),
    ("tasks", "filter[auditors]", "2", lambda it: 2 in it["auditors"]),
    ("tasks", "filter[deadline][$lt]", "2025-10-11T13:00:00Z", lambda it: it["id"] in (1, 3)),
    ("tasks", "filter[addInReport]", "false", lambda it: it["addInReport"] is False),
    ("users", "filter[active]", "false", lambda it: it["active"] is False),
    ("users", "filter[active][$ne]", "false", lambda it: it["active"] is True),
    ("users", "filter[isOnline]", "true", lambda it: it["isOnline"] is True),
    ("users", "filter[lastName][$contains]", "No. 5", lambda it: "No. 5" in it["lastName"]),
    ("users", "filter[id][$gte]", "50", lambda it: it["id"] >= 50),
    ("users", "filter[lastName][$in]", "No. 5,No. 6", lambda it: it["id"] in (5, 6)),
    ("users", "filter[workPosition][$ne]", "", lambda it: it["workPosition"] != ""),
]


@pytest.mark.parametrize(("name", "condition", "value", "fits"), FILTERS, ids=lambda it: str(it)[:40])
def test_200_a_filter_lets_through_what_it_says(
    still: Linked, name: str, condition: str, value: str, fits: Callable[[Item], bool]
) -> None:
    everything = still.get(f"/v1/{name}", {"limit": "200"}).data
    found = still.get(f"/v1/{name}", {condition: value, "limit": "200"})

    wanted = [item for item in everything if fits(item)]
    assert 0 < len(wanted) < len(everything) or condition in ("filter[comments]", "filter[addInReport]")
    assert found.data == wanted
    assert found.json["meta"]["total"] == len(wanted)


def test_200_all_conditions_must_hold(still: Linked) -> None:
    query = {
        "filter[stageId]": "NEW",
        "filter[opportunity][$gte]": "50000",
        "filter[opportunity][$lt]": "60000",
    }
    assert [deal["id"] for deal in still.get("/v1/deals", query).data] == [50, 55]
    query |= {"filter[opportunity]": "50000", "filter[opportunity][$ne]": "55000.5"}
    assert [deal["id"] for deal in still.get("/v1/deals", query).data] == [50]


@pytest.mark.parametrize(
    ("name", "order", "first"),
    [
        ("deals", {}, [1, 2, 3]),
        ("deals", {"order[id]": "desc"}, [120, 119, 118]),
        ("deals", {"order[opportunity]": "desc"}, [120, 119, 118]),
        ("deals", {"order[stageId]": "asc"}, [2, 7, 12]),
        ("deals", {"order[stageId]": "desc", "order[id]": "desc"}, [118, 113, 108]),
        ("deals", {"order[companyId]": "asc", "order[title]": "desc"}, [61, 1, 62]),
        ("contacts", {"order[lastName]": "desc"}, [9, 8, 75]),
        ("tasks", {}, [1, 2, 3]),
        ("tasks", {"order[status]": "desc"}, [4, 9, 14]),
        ("tasks", {"order[priority]": "asc", "order[id]": "desc"}, [90, 87, 84]),
        ("users", {"order[id]": "desc"}, [55, 54, 53]),
        ("users", {"order[lastName]": "asc"}, [1, 10, 11]),
    ],
)
def test_200_order(still: Linked, name: str, order: dict[str, str], first: list[int]) -> None:
    assert [item["id"] for item in still.get(f"/v1/{name}", {**order, "limit": "3"}).data] == first


@pytest.mark.parametrize("name", ENTITIES)
def test_200_every_list_is_asked_for_in_a_total_order(still: Linked, name: str) -> None:
    """Items that are alike would have no place of their own, and could be on two pages."""
    still.sandbox.forget_calls()
    still.get(f"/v1/{name}")
    if name == "users":
        assert still.calls[-1][1]["sort"] == "ID"
        return
    field = "priority" if name == "tasks" else "opened"
    still.get(f"/v1/{name}", {f"order[{field}]": "desc"})
    for _, params in still.calls:
        assert list(params["order"])[-1] in ("id", "ID")


@pytest.mark.parametrize(
    ("name", "select", "members"),
    [
        ("deals", "title", {"id", "title"}),
        ("deals", "id,title,opportunity", {"id", "title", "opportunity"}),
        ("deals", "ufCrm_1700000000", {"id", "ufCrm_1700000000"}),
        ("contacts", "fm,lastName", {"id", "fm", "lastName"}),
        ("tasks", "title", {"id", "title"}),
        ("tasks", "creator,status", {"id", "creator", "status"}),
        ("tasks", "subStatus", {"id", "subStatus"}),
        ("tasks", "ufCrmTask", {"id", "ufCrmTask"}),
        ("tasks", "UF_CRM_TASK", {"id", "ufCrmTask"}),
        ("users", "email,active", {"id", "email", "active"}),
        ("users", "ufDepartment", {"id", "ufDepartment"}),
    ],
)
def test_200_a_selection_and_the_id(still: Linked, name: str, select: str, members: set[str]) -> None:
    for item in still.get(f"/v1/{name}", {"select": select, "limit": "3"}).data:
        assert item.keys() == members


@pytest.mark.parametrize(
    ("limit", "offset", "ids", "calls"),
    [
        (1, 0, range(1, 2), 1),
        (50, 0, range(1, 51), 1),
        (51, 0, range(1, 52), 2),
        (50, 50, range(51, 101), 1),
        (51, 50, range(51, 102), 2),
        (50, 49, range(50, 100), 2),
        (2, 99, range(100, 102), 2),
        (120, 0, range(1, 121), 2),
        (5000, 0, range(1, 121), 2),
        (50, 119, range(120, 121), 1),
        (50, 120, range(0), 1),
        (5000, 10**9, range(0), 1),
    ],
)
def test_200_a_part_of_a_list(still: Linked, limit: int, offset: int, ids: range, calls: int) -> None:
    still.sandbox.forget_calls()

    answer = still.get("/v1/deals", {"limit": str(limit), "offset": str(offset), "select": "id"})

    assert [deal["id"] for deal in answer.data] == list(ids)
    assert answer.json["meta"] == {
        "limit": limit,
        "offset": offset,
        "total": 120,
        "hasMore": offset + limit < 120,
    }
    assert still.methods == ["crm.item.list", "batch"][:calls]


@pytest.mark.parametrize("name", ["tasks", "users"])
def test_200_beyond_the_end_is_nothing_although_bitrix24_begins_anew(
    still: Linked, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    run, total = still.sandbox.portal._run, TABLES[name]

    def anew(method: str, params: Params) -> Any:
        return run(method, {**params, "start": 0} if int(params.get("start", 0)) >= total else params)

    monkeypatch.setattr(still.sandbox.portal, "_run", anew)
    for offset, limit in ((total, 50), (100, 50), (0, 1_000)):
        part = {"limit": limit, "offset": offset}
        alone = still.get(f"/v1/{name}", part)
        calls = [{"id": "it", "entity": name, "action": "list", "params": part}]
        batch = still.post("/v1/batch", {"calls": calls}).data
        assert [item["id"] for item in alone.data] == list(range(1, total + 1))[offset:]
        assert alone.json["meta"] == {**part, "total": total, "hasMore": False}
        assert (batch["results"]["it"], batch["meta"]["it"]) == (alone.data, alone.json["meta"])


def test_200_a_list_that_changes_under_the_reader_is_as_long_as_it_was_last(
    linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, pages = linked.sandbox.portal._run, 0

    def fewer(method: str, params: Params) -> Any:
        nonlocal pages
        answer, pages = run(method, params), pages + 1
        if pages == 1:
            for number in range(1, 61):
                run("crm.item.delete", {"entityTypeId": 2, "id": number})
        return answer

    monkeypatch.setattr(linked.sandbox.portal, "_run", fewer)
    answer = linked.get("/v1/deals", {"limit": 100, "select": "id"})
    assert [deal["id"] for deal in answer.data] == [*range(1, 51), *range(111, 121)]
    assert answer.json["meta"] == {"limit": 100, "offset": 0, "total": 60, "hasMore": False}


def test_200_five_thousand_in_three_calls(world: World) -> None:
    with running(Sandbox(deals=5_101)) as sandbox:
        linked = Linked(world, sandbox)
        first = linked.get("/v1/deals", {"limit": "7000", "select": "id", "order[opportunity]": "desc"})
        assert linked.methods == ["crm.item.list", "batch", "batch"]
        rest = linked.get(
            "/v1/deals", {"limit": "5000", "offset": "5000", "select": "id", "order[opportunity]": "desc"}
        )
    assert first.json["meta"] == {"limit": 5000, "offset": 0, "total": 5_101, "hasMore": True}
    assert rest.json["meta"]["hasMore"] is False
    assert [deal["id"] for deal in first.data + rest.data] == list(range(5_101, 0, -1))


def test_200_to_head_has_no_body(still: Linked) -> None:
    answer = still.call("HEAD", "/v1/deals")
    assert (answer.status, answer.body) == (200, b"")


BAD = [
    ({"limit": "0"}, "limit"),
    ({"limit": "-1"}, "limit"),
    ({"limit": "5.0"}, "limit"),
    ({"limit": ""}, "limit"),
    ({"offset": "-1"}, "offset"),
    ({"offset": "1000000001"}, "offset"),
    ({"page": "1"}, "page"),
    ({"select": ""}, "select"),
    ({"select": "id,"}, "select"),
    ({"select": "id,colour"}, "select"),
    ({"select": "*"}, "select"),
    ({"select": "entityTypeId"}, "select"),
    ({"order": "id"}, "order"),
    ({"order[colour]": "asc"}, "order"),
    ({"order[id]": "up"}, "order"),
    ({"order[id]": "ASC"}, "order"),
    ({"order[fm]": "asc"}, "order"),
    ({"order[id][x]": "asc"}, "order[id][x]"),
    ({"order[]": "asc"}, "order[]"),
    ({"filter": "5"}, "filter"),
    ({"filter[]": "5"}, "filter[]"),
    ({"filter[colour]": "red"}, "filter"),
    ({"filter[>=id]": "5"}, "filter"),
    ({"filter[STAGE_ID]": "NEW"}, "filter"),
    ({"filter[id][$near]": "5"}, "filter"),
    ({"filter[id][gte]": "5"}, "filter"),
    ({"filter[id][$gte][x]": "5"}, "filter[id][$gte][x]"),
    ({"filter[id][$contains]": "5"}, "filter"),
    ({"filter[closed][$gt]": "true"}, "filter"),
    ({"filter[fm]": "5"}, "filter"),
    ({"filter[id]": "five"}, "filter"),
    ({"filter[id][$gt]": ""}, "filter"),
    ({"filter[closed]": ""}, "filter"),
    ({"filter[observers]": ""}, "filter"),
    ({"filter[id]": "5.0"}, "filter"),
    ({"filter[id]": "9" * 30}, "filter"),
    ({"filter[id][$in]": "5,,6"}, "filter"),
    ({"filter[opportunity]": "1e5"}, "filter"),
    ({"filter[closed]": "Y"}, "filter"),
    ({"filter[createdTime]": "2026-01-01"}, "filter"),
    ({"filter[createdTime]": "2026-01-01T00:00:00"}, "filter"),
    ({"filter[begindate]": "2026-13-01"}, "filter"),
    ({"filter[begindate]": "2026-01-01T00:00:00Z"}, "filter"),
    ({"filter[title]": "\0"}, "filter"),
    ({"filter[title]": "\x1b"}, "filter"),
    ({"filter[ufCrm_1][$in]": "a,\x7f"}, "filter"),
    ({"filter[id]": "5", "filter[id][$eq]": "6"}, "filter"),
]


@pytest.mark.parametrize(("query", "blamed"), BAD, ids=lambda it: str(it)[:40])
def test_400_nothing_wrong_leaves(still: Linked, query: dict[str, str], blamed: str) -> None:
    still.sandbox.forget_calls()
    answer = still.get("/v1/deals", query)
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == [blamed]
    assert still.calls == []


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("tasks", {"filter[description]": "x"}),
        ("tasks", {"filter[REAL_STATUS]": "5"}),
        ("tasks", {"order[responsibleId]": "asc"}),
        ("tasks", {"select": "action"}),
        ("users", {"order[lastName]": "asc", "order[id]": "asc"}),
    ],
)
def test_400_what_bitrix24_would_leave_out_without_a_word(
    still: Linked, name: str, query: dict[str, str]
) -> None:
    answer = still.get(f"/v1/{name}", query)
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")


def test_400_names_each_field_and_operator_that_is_wrong(still: Linked) -> None:
    pasted = still.world.admin.management_key
    query = {
        "filter[colour]": "red",
        "filter[stageId][$near]": "NEW",
        "filter[closed]": "maybe",
        f"filter[{pasted}x]": "1",
        "order[titel]": "asc",
        "select": "id,colour,size",
    }
    # A key in the address is refused before any of this is read; one that is longer is no key.
    details = still.get("/v1/deals", query).error["details"]
    assert details["filter"] == [
        "colour: There is no such field.",
        "stageId: $near is none of $eq, $ne, $gt, $gte, $lt, $lte, $in, $contains.",
        "closed: Not true or false.",
        "…: There is no such field.",
    ]
    assert details["order"] == ["titel: There is no such field."]
    assert details["select"] == ["colour: There is no such field.", "size: There is no such field."]


@pytest.mark.parametrize(
    ("select", "reason"),
    [
        ("", "Not a list of 1 to 500 names, separated by commas."),
        ("id,,title", "(no name): There is no such field."),
    ],
)
def test_400_names_what_is_not_there(still: Linked, select: str, reason: str) -> None:
    assert still.get("/v1/deals", {"select": select}).error["details"] == {"select": [reason]}


def test_400_doubled_parameters(still: Linked) -> None:
    answer = still.call("GET", "/v1/deals?filter[id]=1&filter[id]=2")
    assert answer.error["details"] == {"filter[id]": ["Must not come twice."]}


def test_times_of_the_portals_zone_are_utc_here(still: Linked) -> None:
    shown = still.get("/v1/deals", {"limit": "1", "select": "createdTime"}).data[0]["createdTime"]
    theirs = still.rows("deals")[0]["createdTime"]
    assert not theirs.endswith("Z")
    assert datetime.fromisoformat(shown) == datetime.fromisoformat(theirs)
