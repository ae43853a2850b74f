"""DELETE /v1/infra/servers/{id}: a server is gone for good."""

from __future__ import annotations

import json

from app.models import Audit
from tests.api.infra import call, infra_key, key_of_another_portal, new_server, with_other_keys_of_the_portal
from tests.api.world import UNKNOWN_ID, World


def test_200_a_deleted_server_is_gone(world: World) -> None:
    key = infra_key(world).raw_key
    server_id = new_server(world, key)

    answer = call(world, "DELETE", server_id.upper(), key)

    assert (answer.status, answer.data) == (200, {"id": server_id, "deleted": True})
    for method in ("GET", "DELETE"):
        assert call(world, method, server_id, key).code == "ENTITY_NOT_FOUND"
    assert world.call("GET", "/v1/infra/servers", key).data == []


def test_200_is_audited(world: World) -> None:
    issued = infra_key(world)
    server_id = new_server(world, issued.raw_key)
    call(world, "DELETE", server_id, issued.raw_key)

    row = Audit.get((Audit.target_id == server_id) & (Audit.action == "server.deleted"))
    assert (json.loads(row.before)["name"], row.after) == ("a server", None)
    assert (row.actor_key_id, row.address) == (issued.key.id, "127.0.0.1")


def test_200_by_a_predecessor_in_grace_and_by_a_successor(world: World) -> None:
    issued = infra_key(world)
    servers = [new_server(world, issued.raw_key) for _ in range(2)]
    successor = world.rotate(issued.key)

    for server_id, key in zip(servers, (issued, successor), strict=True):
        assert call(world, "DELETE", server_id, key.raw_key).status == 200


def test_403_by_other_keys_of_the_portal_and_nothing_is_deleted(world: World) -> None:
    issued = infra_key(world)
    server_id = new_server(world, issued.raw_key)

    for answer in with_other_keys_of_the_portal(world, "DELETE", server_id):
        assert (answer.status, answer.code) == (403, "WRONG_KEY")
    assert call(world, "GET", server_id, issued.raw_key).status == 200


def test_404_of_another_portal_is_what_does_not_exist(world: World) -> None:
    issued = infra_key(world)
    server_id = new_server(world, issued.raw_key)
    elsewhere = key_of_another_portal(world)

    of_another, unknown = (call(world, "DELETE", id, elsewhere) for id in (server_id, UNKNOWN_ID))

    assert (unknown.status, unknown.code) == (404, "ENTITY_NOT_FOUND")
    assert of_another.bytes_but_request_id == unknown.bytes_but_request_id
    assert call(world, "GET", server_id, issued.raw_key).status == 200
