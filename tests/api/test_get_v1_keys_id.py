"""GET /v1/keys/{id}: one key."""

from __future__ import annotations

import pytest

from tests.api.world import UNKNOWN_ID, World

MALFORMED_IDS = [
    "nonsense",
    "1",
    "%00",
    "%ED%A0%80",
    "x" * 3000,
    UNKNOWN_ID.upper(),
    f"{UNKNOWN_ID}%0A",
    "' OR ''='",
]


def test_200_the_key_without_its_secret(world: World) -> None:
    issued = world.portal_key(world.member, name="till")

    answer = world.call("GET", f"/v1/keys/{issued.key.id}")

    assert (answer.data["id"], answer.data["name"]) == (issued.key.id, "till")
    assert "rawKey" not in answer.data
    assert issued.raw_key.encode() not in answer.body


def test_200_ids_may_be_written_in_capitals(world: World) -> None:
    issued = world.portal_key()

    assert world.call("GET", f"/v1/keys/{issued.key.id.upper()}").data["id"] == issued.key.id
    listed = world.call("GET", f"/v1/keys?portalId={world.portal.id.upper()}")
    assert [key["id"] for key in listed.data] == [issued.key.id]
    deleted = world.call("DELETE", f"/v1/keys/{issued.key.id.upper()}")
    assert deleted.data == {"id": issued.key.id, "deleted": True}


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE", "POST"])
def test_404_same_bytes_for_unknown_and_invisible(world: World, method: str) -> None:
    invisible = [
        world.portal_key(world.stranger, portal=world.other_portal).key.id,
        world.personal_key().key.id,
        world.issue("management", world.admin.account, scopes=["vibe:mgmt:keys"]).key.id,
    ]
    path = "/v1/keys/{}/rotate" if method == "POST" else "/v1/keys/{}"
    body = {"json": {"name": "mine now"}} if method == "PATCH" else {}
    before = world.service.rows()

    answers = [world.call(method, path.format(id), **body) for id in [UNKNOWN_ID, *MALFORMED_IDS, *invisible]]

    assert {(answer.status, answer.code) for answer in answers} == {(404, "ENTITY_NOT_FOUND")}
    assert len({answer.bytes_but_request_id for answer in answers}) == 1
    assert world.service.rows() == before


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE", "POST"])
def test_404_a_member_does_not_see_what_others_own(world: World, method: str) -> None:
    key_id = world.portal_key(world.admin).key.id
    path = f"/v1/keys/{key_id}/rotate" if method == "POST" else f"/v1/keys/{key_id}"
    body = {"json": {"name": "mine now"}} if method == "PATCH" else {}

    answer = world.call(method, path, world.member.management_key, **body)

    assert (answer.status, answer.code) == (404, "ENTITY_NOT_FOUND")
    assert world.call("GET", f"/v1/keys/{key_id}").status == 200


def test_404_once_the_membership_ends(world: World) -> None:
    key_id = world.portal_key(world.admin).key.id
    world.leave(world.portal, world.admin)

    assert world.call("GET", f"/v1/keys/{key_id}").status == 404
