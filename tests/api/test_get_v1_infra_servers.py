"""GET /v1/infra/servers: the servers of the key's lineage."""

from __future__ import annotations

from tests.api.infra import infra_key, new_server
from tests.api.world import World


def listed(world: World, key: str, **query: int) -> list[str]:
    answer = world.call("GET", "/v1/infra/servers", key, query_string=query)
    return [server["id"] for server in answer.data]


def test_200_newest_first_page_by_page(world: World) -> None:
    key = infra_key(world).raw_key
    created = [new_server(world, key) for _ in range(3)]

    assert listed(world, key) == created[::-1]
    assert [listed(world, key, limit=2, page=page) for page in (1, 2, 3)] == [
        created[:0:-1],
        created[:1],
        [],
    ]
    answer = world.call("GET", "/v1/infra/servers", key, query_string={"limit": 2})
    assert answer.json["meta"] == {"page": 1, "limit": 2, "total": 3, "hasMore": True}


def test_200_only_of_the_lineage(world: World) -> None:
    mine, other = (infra_key(world).raw_key for _ in range(2))
    server_id = new_server(world, mine)

    assert (listed(world, mine), listed(world, other)) == ([server_id], [])


def test_200_servers_follow_every_rotation(world: World) -> None:
    issued = infra_key(world)
    server_id = new_server(world, issued.raw_key)

    for _ in range(2):
        old, issued = issued, world.rotate(issued.key, grace_hours=0)
        assert world.call("GET", "/v1/infra/servers", old.raw_key).code == "KEY_ROTATED"
        assert listed(world, issued.raw_key) == [server_id]
        (server,) = world.call("GET", "/v1/infra/servers", issued.raw_key).data
        assert server["keyId"] == issued.key.id


def test_400_names_the_parameter(world: World) -> None:
    key = infra_key(world).raw_key

    answer = world.call("GET", "/v1/infra/servers", key, query_string={"status": "ACTIVE"})

    assert (answer.status, list(answer.error["details"])) == (400, ["status"])
