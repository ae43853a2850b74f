"""GET /v1/keys: the keys of a portal that the caller manages."""

from __future__ import annotations

import pytest

from tests.api.world import UNKNOWN_ID, World
from tests.key_fields import KEY_FIELDS

SHAPE = set(KEY_FIELDS)
HOUR = 3600
DAY = 24 * HOUR


def list_names(world: World, key: str | None = None, **query: str) -> list[str]:
    answer = world.call("GET", "/v1/keys", key, query_string={"portalId": world.portal.id, **query})
    assert answer.status == 200, answer.body
    return [key["name"] for key in answer.data]


def test_200_has_every_field_and_no_secret(world: World) -> None:
    issued = world.portal_key(name="till", rate_limit=5, metadata={"team": "shop"})

    answer = world.call("GET", "/v1/keys", query_string={"portalId": world.portal.id})

    (key,) = answer.data
    assert set(key) == SHAPE
    assert key["id"] == issued.key.id
    assert key["keyPrefix"] == issued.raw_key[:15]
    assert key["keySuffix"] == issued.raw_key[-4:]
    assert (key["ownerId"], key["portalId"]) == (world.admin.account.id, world.portal.id)
    assert (key["status"], key["rotation"], key["rateLimit"]) == ("ACTIVE", None, 5)
    assert key["metadata"] == {"team": "shop"}
    assert (key["requestCount"], key["lastUsedAt"], key["lastUsedIp"]) == (0, None, None)
    assert key["createdAt"].endswith("Z")
    assert issued.raw_key.encode() not in answer.body
    assert answer.json["meta"] == {"page": 1, "limit": 50, "total": 1, "hasMore": False}


def test_200_admin_sees_all_keys_of_the_portal_and_member_only_own(world: World) -> None:
    world.portal_key(world.admin, name="of the admin")
    world.portal_key(world.member, name="of the member")

    assert list_names(world) == ["of the member", "of the admin"]
    assert list_names(world, world.member.management_key) == ["of the member"]


def test_200_only_portal_keys_of_this_portal(world: World) -> None:
    world.join(world.other_portal, world.admin, "ADMIN")
    world.portal_key(portal=world.other_portal, name="elsewhere")
    world.personal_key()
    world.portal_key(key_type="authorization", name="here")

    assert list_names(world) == ["here"]


def test_200_newest_first_page_by_page(world: World) -> None:
    for number in range(5):
        world.service.clock.now += 1
        world.portal_key(name=f"key {number}")

    first = world.call("GET", "/v1/keys", query_string={"portalId": world.portal.id, "limit": "2"})
    last = world.call(
        "GET", "/v1/keys", query_string={"portalId": world.portal.id, "limit": "2", "page": "3"}
    )

    assert [key["name"] for key in first.data] == ["key 4", "key 3"]
    assert first.json["meta"] == {"page": 1, "limit": 2, "total": 5, "hasMore": True}
    assert [key["name"] for key in last.data] == ["key 0"]
    assert last.json["meta"] == {"page": 3, "limit": 2, "total": 5, "hasMore": False}


def test_200_empty_beyond_the_last_page(world: World) -> None:
    world.portal_key()

    answer = world.call("GET", "/v1/keys", query_string={"portalId": world.portal.id, "page": "1000000000"})

    assert answer.data == []
    assert answer.json["meta"]["total"] == 1


@pytest.mark.parametrize("limit", ["101", "0101", "1" + "0" * 30, "9" * 5000])
def test_200_limit_above_100_is_clamped(still_world: World, limit: str) -> None:
    answer = still_world.call(
        "GET", "/v1/keys", query_string={"portalId": still_world.portal.id, "limit": limit}
    )

    assert answer.json["meta"]["limit"] == 100


def test_200_status_filter_is_the_status_that_is_shown(world: World) -> None:
    clock = world.service.clock
    in_an_hour = int((clock.now + HOUR) * 1000)
    world.portal_key(name="active")
    revoked = world.portal_key(name="revoked").key
    world.change_key(revoked, status="REVOKED")
    world.portal_key(name="expired", expires_at=in_an_hour)
    world.rotate(world.portal_key(name="rotated").key, grace_hours=1)
    revoked_and_expired = world.portal_key(name="revoked and expired", expires_at=in_an_hour).key
    world.change_key(revoked_and_expired, status="REVOKED")
    clock.now += HOUR

    shown = world.call("GET", "/v1/keys", query_string={"portalId": world.portal.id}).data

    assert {key["status"] for key in shown} == {"ACTIVE", "REVOKED", "EXPIRED", "ROTATED"}
    for status in ("ACTIVE", "REVOKED", "EXPIRED", "ROTATED"):
        expected = [key["name"] for key in shown if key["status"] == status]
        assert expected
        assert list_names(world, status=status) == expected


def test_200_name_filter_takes_a_part_and_no_wildcards(world: World) -> None:
    world.portal_key(name="100% of sales")
    world.portal_key(name="100 of sales")

    assert list_names(world, name="of sales") == ["100 of sales", "100% of sales"]
    assert list_names(world, name="0% of") == ["100% of sales"]
    assert list_names(world, name="_") == []
    for empty in ("", " "):
        assert list_names(world, name=empty) == ["100 of sales", "100% of sales"]


def test_200_name_filter_ignores_case_in_every_script(world: World) -> None:
    names = ["Ключ от Ёлки", "STRASSE", "Straße", "ΑΘΗΝΑ"]
    for name in names:
        world.portal_key(name=name)

    found = {name: list_names(world, name=name) for name in ("ключ", "КЛЮЧ ОТ ёлки", "strasse", "αθηνα", "x")}

    assert found == {
        "ключ": ["Ключ от Ёлки"],
        "КЛЮЧ ОТ ёлки": ["Ключ от Ёлки"],
        "strasse": ["Straße", "STRASSE"],
        "αθηνα": ["ΑΘΗΝΑ"],
        "x": [],
    }


def test_200_rotation_tells_where_a_key_comes_from_and_when_the_old_one_ends(world: World) -> None:
    old = world.portal_key(name="old").key
    new = world.rotate(old, grace_hours=2).key

    shown = world.call("GET", "/v1/keys", query_string={"portalId": world.portal.id}).data

    rotations = {key["id"]: key["rotation"] for key in shown}
    ends_at = rotations[old.id]["graceEndsAt"]
    assert ends_at is not None
    assert rotations == {
        old.id: {"predecessorId": None, "successorId": new.id, "graceEndsAt": ends_at, "lastUsedAt": None},
        new.id: {"predecessorId": old.id, "successorId": None, "graceEndsAt": ends_at, "lastUsedAt": None},
    }


def test_200_rotation_is_recommended_after_90_days(world: World) -> None:
    world.portal_key()
    world.service.clock.now += 90 * DAY
    assert (
        world.call("GET", "/v1/keys", query_string={"portalId": world.portal.id}).data[0][
            "rotationRecommended"
        ]
        is False
    )

    world.service.clock.now += 1
    assert (
        world.call("GET", "/v1/keys", query_string={"portalId": world.portal.id}).data[0][
            "rotationRecommended"
        ]
        is True
    )


@pytest.mark.parametrize("query", ["", "portalId="])
def test_400_missing_portal_id(still_world: World, query: str) -> None:
    answer = still_world.call("GET", f"/v1/keys?{query}")

    assert (answer.status, answer.code) == (400, "MISSING_PORTAL_ID")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=1.5", "page"),
        ("page=", "page"),
        ("page=%20", "page"),
        ("page=%D9%A3", "page"),
        ("page=abc", "page"),
        ("page=" + "1" + "0" * 30, "page"),
        ("page=" + "9" * 5000, "page"),
        ("limit=0", "limit"),
        ("limit=-5", "limit"),
        ("limit=x", "limit"),
        ("limit=1e2", "limit"),
        ("status=active", "status"),
        ("status=", "status"),
        ("name=%09", "name"),
        ("name=%00", "name"),
        ("name=" + "n" * 256, "name"),
        ("sort=name", "sort"),
        ("page=1&page=2", "page"),
        ("page=1&page=1", "page"),
        ("portalId=x", "portalId"),
    ],
)
def test_400_bad_query(still_world: World, query: str, field: str) -> None:
    answer = still_world.call("GET", f"/v1/keys?portalId={still_world.portal.id}&{query}")

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == [field]


@pytest.mark.parametrize("portal_id", [UNKNOWN_ID, "not-a-uuid", "%00", "' OR 1=1 --", "x" * 2000])
def test_403_unknown_portal_is_one_that_the_caller_is_no_member_of(
    still_world: World, portal_id: str
) -> None:
    theirs = still_world.call("GET", f"/v1/keys?portalId={still_world.other_portal.id}")
    unknown = still_world.call("GET", "/v1/keys", query_string={"portalId": portal_id})

    assert (theirs.status, theirs.code) == (403, "NOT_PORTAL_MEMBER")
    assert unknown.status == 403
    assert unknown.bytes_but_request_id == theirs.bytes_but_request_id


def test_403_once_the_membership_ends(world: World) -> None:
    world.leave(world.portal, world.admin)

    answer = world.call("GET", "/v1/keys", query_string={"portalId": world.portal.id})

    assert (answer.status, answer.code) == (403, "NOT_PORTAL_MEMBER")


def test_number_of_queries_does_not_grow_with_the_list(world: World) -> None:
    def queries_of_a_list() -> int:
        count = 0

        def tracer(cursor: object, statement: str, bindings: object) -> bool:
            nonlocal count
            count += statement.lstrip().upper().startswith("SELECT")
            return True

        connection = world.services.db.connection()
        connection.set_exec_trace(tracer)
        try:
            list_names(world)
        finally:
            connection.set_exec_trace(None)
        return count

    for _ in range(3):
        world.rotate(world.portal_key().key)
    list_names(world)  # the gateway looks an unknown key up once
    few = queries_of_a_list()
    for _ in range(10):
        world.rotate(world.portal_key().key)

    assert queries_of_a_list() == few
