"""Portal keys with servers."""

from __future__ import annotations

from app.keyring import Issued
from tests.api.world import Answer, World


def infra_key(world: World) -> Issued:
    """A portal key of the world's admin that may register servers."""
    return world.portal_key(scopes=["vibe:infra"])


def new_server(world: World, key: str) -> str:
    """The id of a server that this key has registered, the newest of all."""
    world.service.clock.now += 0.002  # servers of one millisecond have no order
    return str(world.call("POST", "/v1/infra/servers", key, json={"name": "a server"}).data["id"])


def call(world: World, method: str, server_id: str, key: str) -> Answer:
    """Call the path of one server."""
    return world.call(method, f"/v1/infra/servers/{server_id}", key)


def with_other_keys_of_the_portal(world: World, method: str, server_id: str) -> list[Answer]:
    """What the path answers to keys of other lineages on the same portal."""
    others = (
        infra_key(world),
        world.portal_key(world.member, scopes=["vibe:infra"]),
        world.portal_key(world.member, scopes=["vibe:infra"], key_type="authorization"),
    )
    return [call(world, method, server_id, other.raw_key) for other in others]


def key_of_another_portal(world: World) -> str:
    """A key of the same owner."""
    world.join(world.other_portal, world.admin, "ADMIN")
    return world.portal_key(portal=world.other_portal, scopes=["vibe:infra"]).raw_key
