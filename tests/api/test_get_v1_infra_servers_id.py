"""GET /v1/infra/servers/{id}: one server, for the keys of its lineage."""

from __future__ import annotations

import pytest

from tests.api.infra import call, infra_key, key_of_another_portal, new_server, with_other_keys_of_the_portal
from tests.api.world import UNKNOWN_ID, World


def test_200_for_predecessor_in_grace_and_successor(world: World) -> None:
    issued = infra_key(world)
    server_id = new_server(world, issued.raw_key)
    successor = world.rotate(issued.key)

    answers = [call(world, "GET", server_id.upper(), key.raw_key) for key in (issued, successor)]

    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].data == answers[1].data
    assert (answers[0].data["id"], answers[0].data["keyId"]) == (server_id, successor.key.id)


def test_403_for_other_keys_of_the_portal(world: World) -> None:
    server_id = new_server(world, infra_key(world).raw_key)

    for answer in with_other_keys_of_the_portal(world, "GET", server_id):
        assert (answer.status, answer.code) == (403, "WRONG_KEY")
        assert "details" not in answer.error


def test_404_of_another_portal_is_what_does_not_exist(world: World) -> None:
    server_id = new_server(world, infra_key(world).raw_key)
    elsewhere = key_of_another_portal(world)

    of_another, unknown = (call(world, "GET", id, elsewhere) for id in (server_id, UNKNOWN_ID))

    assert (unknown.status, unknown.code) == (404, "ENTITY_NOT_FOUND")
    assert of_another.bytes_but_request_id == unknown.bytes_but_request_id


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("server_id", ["7", UNKNOWN_ID[:-1], f"{UNKNOWN_ID}0", "%00", "x" * 500])
def test_404_what_can_be_no_id(still_world: World, method: str, server_id: str) -> None:
    key = infra_key(still_world).raw_key

    assert call(still_world, method, server_id, key).code == "ENTITY_NOT_FOUND"
