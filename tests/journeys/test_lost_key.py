"""Servers hold a key that nobody has any more: a management key alone is enough to clear both away."""

from __future__ import annotations

from tests.api.world import World

CURE = ("ACTIVE", "vibe:infra", "graceHours 0", "/v1/infra/servers")
"""What the hint has to name, so that nobody has to read more than the refusal."""


def test_a_management_key_clears_away_the_servers_of_a_key_that_nobody_has(world: World) -> None:
    issued = world.portal_key(world.member, scopes=["crm", "vibe:infra"], ip_whitelist=["127.0.0.1"])
    for name in ("till-1", "till-2"):
        world.call("POST", "/v1/infra/servers", issued.raw_key, json={"name": name})
    path = f"/v1/keys/{issued.key.id}"
    shut_out = {"status": "REVOKED", "scopes": ["crm"], "ipWhitelist": ["192.0.2.1"]}
    assert world.call("PATCH", path, json=shut_out).status == 200

    # From here on nothing is known but what the management key is told.
    refused = world.call("DELETE", path)
    assert (refused.status, refused.code) == (409, "KEY_HAS_ACTIVE_SERVERS")
    assert [word for word in CURE if word not in refused.error["hint"]] == []

    opened = {"status": "ACTIVE", "scopes": ["vibe:infra"], "ipWhitelist": []}
    assert world.call("PATCH", path, json=opened).data["status"] == "ACTIVE"
    successor = world.call("POST", f"{path}/rotate", json={"graceHours": 0}).data
    assert world.call("GET", "/v1/me", issued.raw_key).code == "KEY_ROTATED"
    found = world.call("GET", "/v1/infra/servers", successor["rawKey"]).data
    assert {server["name"] for server in found} == {"till-1", "till-2"}
    for server in found:
        deleted = world.call("DELETE", f"/v1/infra/servers/{server['id']}", successor["rawKey"])
        assert deleted.data["deleted"] is True
    for key_id in (issued.key.id, successor["id"]):
        assert world.call("DELETE", f"/v1/keys/{key_id}").data["deleted"] is True
    assert world.call("GET", "/v1/keys", query_string={"portalId": world.portal.id}).data == []
