"""DELETE /v1/keys/{id}: a key is gone for good."""

from __future__ import annotations

from tests.api.world import World


def test_200_stops_working_at_once(world: World) -> None:
    issued = world.portal_key()
    assert world.call("GET", "/v1/me", issued.raw_key).status == 200

    answer = world.call("DELETE", f"/v1/keys/{issued.key.id}")

    assert answer.data == {"id": issued.key.id, "deleted": True}
    refused = world.call("GET", "/v1/me", issued.raw_key)
    assert (refused.status, refused.code) == (401, "INVALID_API_KEY")


def test_404_second_time(world: World) -> None:
    key_id = world.portal_key().key.id
    world.call("DELETE", f"/v1/keys/{key_id}")

    for method in ("DELETE", "GET"):
        assert world.call(method, f"/v1/keys/{key_id}").code == "ENTITY_NOT_FOUND"


def test_409_the_newest_key_of_a_lineage_with_servers(world: World) -> None:
    first = world.portal_key(scopes=["vibe:infra"])
    server = world.call("POST", "/v1/infra/servers", first.raw_key, json={"name": "a server"}).data
    second = world.rotate(first.key)
    before = world.service.rows()

    answer = world.call("DELETE", f"/v1/keys/{second.key.id}")

    assert (answer.status, answer.code) == (409, "KEY_HAS_ACTIVE_SERVERS")
    assert answer.error["details"] == {"servers": 1}
    assert "/v1/infra/servers" in answer.error["hint"]
    assert world.service.rows() == before
    assert world.call("DELETE", f"/v1/keys/{first.key.id}").status == 200
    assert world.call("DELETE", f"/v1/infra/servers/{server['id']}", second.raw_key).status == 200
    assert world.call("DELETE", f"/v1/keys/{second.key.id}").status == 200
