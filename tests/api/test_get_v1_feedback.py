"""GET /v1/feedback: a management key lists all tickets of the platform, a portal key its owner's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.desk import TICKET_FIELDS, Desk
from tests.api.world import UNKNOWN_ID


@pytest.fixture(scope="module")
def listed(still_desk: Desk) -> dict[str, str]:
    """Tickets of the desk's portal, oldest first, by what they are."""
    desk, world = still_desk, still_desk.world
    tickets = {}
    for name, status, category in (
        ("new bug", "NEW", "BUG"),
        ("reviewed bug", "REVIEWING", "BUG"),
        ("new chat", "NEW", "CHAT"),
        ("resolved chat", "RESOLVED", "CHAT"),
    ):
        tickets[name] = desk.open(status=status, category=category)
    tickets["of a member"] = desk.open(world.portal_key(world.member).raw_key)
    return tickets


def names(desk: Desk, listed: dict[str, str], key: str | None = None, **query: Any) -> list[str]:
    """What is listed of the desk's portal, from the newest on."""
    answer = desk.list(key, **{"portalId": desk.world.portal.id, "limit": 100, **query})
    assert answer.status == 200, answer.body
    by_id = {ticket_id: name for name, ticket_id in listed.items()}
    found = [by_id[ticket["id"]] for ticket in answer.data]
    assert answer.json["meta"]["total"] == len(found)
    return found


def test_200_newest_first_without_comments(still_desk: Desk, listed: dict[str, str]) -> None:
    answer = still_desk.list(portalId=still_desk.world.portal.id)

    assert [ticket["id"] for ticket in answer.data] == list(reversed(listed.values()))
    assert all(list(ticket) == TICKET_FIELDS for ticket in answer.data)
    assert answer.json["meta"] == {"page": 1, "limit": 50, "total": 5, "hasMore": False}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "NEW"}, ["of a member", "new chat", "new bug"]),
        ({"category": "CHAT"}, ["resolved chat", "new chat"]),
        ({"status": "NEW", "category": "CHAT"}, ["new chat"]),
        ({"status": "ARCHIVED"}, []),
        ({"category": "DOCS", "status": "NEW"}, []),
    ],
)
def test_200_filters_are_all_applied(
    still_desk: Desk, listed: dict[str, str], query: dict[str, str], found: list[str]
) -> None:
    assert names(still_desk, listed, **query) == found


def test_200_the_portal_may_be_written_in_capitals_and_be_unknown(
    still_desk: Desk, listed: dict[str, str]
) -> None:
    assert len(names(still_desk, listed, portalId=still_desk.world.portal.id.upper())) == 5
    assert names(still_desk, listed, portalId=UNKNOWN_ID) == []


def test_200_a_management_key_sees_all_tenants(desk: Desk) -> None:
    other = desk.world.portal_key(desk.world.stranger, portal=desk.world.other_portal)
    tickets = {desk.open(), desk.open(other.raw_key)}

    newest = {ticket["id"] for ticket in desk.list().data}

    assert tickets <= newest


def test_200_a_portal_key_sees_its_owners_on_its_portal(desk: Desk) -> None:
    world = desk.world
    world.join(world.other_portal, world.admin, "MEMBER")
    elsewhere = world.portal_key(portal=world.other_portal).raw_key
    member = world.portal_key(world.member).raw_key
    mine, there, of_the_member = desk.open(), desk.open(elsewhere), desk.open(member)

    def seen(key: str, **query: str) -> list[str]:
        return [ticket["id"] for ticket in desk.list(key, **query).data]

    assert seen(desk.author) == [mine]
    assert seen(world.portal_key(key_type="authorization").raw_key) == [mine]
    assert seen(elsewhere) == [there]
    assert seen(member) == [of_the_member]
    assert seen(desk.author, portalId=world.other_portal.id) == []
    assert seen(desk.author, portalId=world.portal.id) == [mine]


def test_200_page_by_page(desk: Desk) -> None:
    opened = [desk.open() for _ in range(5)]

    pages = [desk.list(desk.author, limit=2, page=page) for page in (1, 2, 3, 4)]

    assert [[ticket["id"] for ticket in page.data] for page in pages] == [
        opened[:-3:-1],
        opened[2:0:-1],
        opened[:1],
        [],
    ]
    assert [page.json["meta"]["hasMore"] for page in pages] == [True, True, False, False]
    assert {page.json["meta"]["total"] for page in pages} == {5}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("status", value) for value in ("new", "OPEN", "", "NEW,ARCHIVED")),
        *(("category", value) for value in ("bug", "", "ALL")),
        *(
            ("portalId", value)
            for value in ("", "7", "company.example.com", UNKNOWN_ID[:-1], f"{UNKNOWN_ID}0")
        ),
        *(("page", value) for value in ("0", "-1", "x", "1e3", "1" + "0" * 30)),
        *(("limit", value) for value in ("0", "-1", "", "x")),
        ("authorId", UNKNOWN_ID),
    ],
)
@pytest.mark.parametrize("caller", ["team", "author"])
def test_400_names_the_parameter(still_desk: Desk, caller: str, name: str, value: str) -> None:
    answer = still_desk.list(getattr(still_desk, caller), **{name: value})

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == [name]


def test_200_limit_above_100_is_clamped(still_desk: Desk) -> None:
    assert still_desk.list(limit=101).json["meta"]["limit"] == 100
