"""GET /api/v1/activity: what the account did, and what was done to what it owns."""

from __future__ import annotations

from typing import Any

import pytest

from app.schemas.fields import iso
from tests.api.world import UNKNOWN_ID, Answer, World

PATH = "/api/v1/activity"
SHAPE = [
    "id",
    "type",
    "createdAt",
    "keyId",
    "by",
    "byKeyId",
    "address",
    "targetKind",
    "targetId",
    "before",
    "after",
]


def activity(world: World, key: str, **query: Any) -> Answer:
    return world.call("GET", PATH, key, query_string=query)


def types(answer: Answer) -> list[str]:
    return [event["type"] for event in answer.data]


def test_200_what_the_account_did_newest_first_with_who_and_where_from(world: World) -> None:
    own = world.personal_key()
    made = world.call(
        "POST", "/api/v1/api-keys", own.raw_key, json={"name": "a", "integrations": ["cli"]}
    ).data
    world.service.clock.now += 1
    world.call(
        "PATCH",
        f"/api/v1/api-keys/{made['id']}",
        own.raw_key,
        json={"expiresAt": "2050-01-01T00:00:00Z"},
        environ_base={"REMOTE_ADDR": "192.0.2.9"},
    )

    answer = activity(world, own.raw_key)

    changed, issued = answer.data[:2]
    assert all(list(event) == SHAPE for event in answer.data)
    assert (changed["type"], issued["type"]) == ("key.changed", "key.issued")
    assert (changed["keyId"], changed["by"], changed["byKeyId"]) == (made["id"], "account", own.key.id)
    assert (changed["address"], issued["address"]) == ("192.0.2.9", "127.0.0.1")
    assert (changed["targetKind"], changed["targetId"]) == ("key", made["id"])
    shown = {name: made[name] for name in ("keyPrefix", "keySuffix")}
    assert changed["before"] == {**shown, "expiresAt": None}
    assert changed["after"] == {**shown, "expiresAt": "2050-01-01T00:00:00.000Z"}
    assert changed["createdAt"] == iso(int(world.service.clock.now * 1000))
    assert answer.json["meta"]["total"] == len(answer.data)


def test_200_events_of_one_change_are_in_their_order(world: World) -> None:
    own = world.personal_key()
    world.call("POST", f"/api/v1/api-keys/{own.key.id}/rotate", own.raw_key)
    assert types(activity(world, own.raw_key))[:2] == ["key.rotated", "key.issued"]


def test_200_what_the_operator_did_to_the_account(world: World) -> None:
    own = world.personal_key()
    world.change_account(world.admin, tier="free")
    world.leave(world.portal, world.admin)

    left, changed = activity(world, own.raw_key).data[:2]

    assert (left["type"], changed["type"]) == ("portal.member_removed", "account.changed")
    assert (changed["by"], changed["byKeyId"], changed["address"]) == ("operator", None, None)
    assert (changed["before"]["tier"], changed["after"]["tier"]) == ("pro", "free")
    assert changed["keyId"] is None


def test_200_what_another_account_did_to_it_is_told_without_where_from(world: World) -> None:
    own, key = world.personal_key(world.member), world.portal_key(world.member).key
    world.call("PATCH", f"/v1/keys/{key.id}", json={"name": "renamed by the ADMIN"})

    event = activity(world, own.raw_key).data[0]
    assert (event["type"], event["keyId"], event["by"]) == ("key.changed", key.id, "other")
    assert (event["byKeyId"], event["address"]) == (None, None)
    of_the_admin = activity(world, world.personal_key().raw_key, type="key.changed").data[0]
    assert (of_the_admin["by"], of_the_admin["keyId"]) == ("account", key.id)
    assert of_the_admin["address"] == "127.0.0.1"


def test_200_tickets_and_documents_and_servers(world: World) -> None:
    own = world.personal_key()
    portal_key = world.portal_key(scopes=["vibe:infra"]).raw_key
    world.call("POST", "/v1/infra/servers", portal_key, json={"name": "a"})
    world.call("POST", "/v1/feedback", portal_key, json={"category": "BUG", "title": "a", "description": "b"})
    world.call("POST", "/api/v1/memories", own.raw_key, json={"text": "a long text"})
    answer = activity(world, own.raw_key)
    assert types(answer)[:3] == ["memory.created", "ticket.created", "server.created"]
    assert answer.data[0]["keyId"] == own.key.id
    assert b"a long text" not in answer.body


def test_200_a_refused_change_is_no_event(world: World) -> None:
    own = world.personal_key()
    before = activity(world, own.raw_key).data
    world.call("POST", "/api/v1/api-keys", own.raw_key, json={"name": "a", "integrations": ["ai_tools"]})
    assert activity(world, own.raw_key).data == before


def test_200_filters(world: World) -> None:
    own = world.personal_key()
    other = world.personal_key().key
    world.service.clock.now += 60
    since = iso(int(world.service.clock.now * 1000))
    world.change_key(other, name="renamed")
    world.change_key(own.key, name="renamed")

    def found(**query: str) -> list[tuple[str, str]]:
        return [(event["type"], event["keyId"]) for event in activity(world, own.raw_key, **query).data]

    assert found(since=since) == [("key.changed", own.key.id), ("key.changed", other.id)]
    assert found(keyId=other.id.upper()) == [("key.changed", other.id), ("key.issued", other.id)]
    assert found(type="key.changed", keyId=own.key.id) == [("key.changed", own.key.id)]
    assert found(type="key.issued", keyId=own.key.id, since=since) == []
    assert found(keyId=UNKNOWN_ID) == []


def test_200_pages(world: World) -> None:
    own = world.personal_key()
    for number in range(5):
        world.service.clock.now += 1
        world.change_key(own.key, name=f"number {number}")
    pages = [activity(world, own.raw_key, type="key.changed", page=page, limit=2) for page in (1, 2, 3, 4)]
    assert [[event["after"]["name"][-1] for event in page.data] for page in pages] == [
        ["4", "3"],
        ["2", "1"],
        ["0"],
        [],
    ]


def test_200_nothing_of_another_account(world: World) -> None:
    stranger = world.personal_key(world.stranger)
    world.personal_key()
    world.change_account(world.admin, tier="free")
    owned = {world.stranger.account.id, stranger.key.id, world.other_portal.id}
    owned |= {event["keyId"] for event in activity(world, stranger.raw_key, type="key.issued").data}
    assert {event["targetId"] for event in activity(world, stranger.raw_key).data} <= owned


@pytest.mark.parametrize(
    "query",
    [
        {"keyId": "x"},
        {"since": "yesterday"},
        {"since": "2030-01-01"},
        {"type": ""},
        {"type": "key.used"},
        {"until": "x"},
    ],
)
def test_400_what_is_no_filter(still_world: World, query: dict[str, str]) -> None:
    answer = activity(still_world, still_world.personal_key().raw_key, **query)
    assert (answer.status, list(answer.error["details"])) == (400, list(query))
