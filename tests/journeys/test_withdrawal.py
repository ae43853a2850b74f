"""What the operator takes away works no more in the very next request, and works again when given back."""

from __future__ import annotations

from tests.api.world import World


def _code(world: World, raw_key: str, method: str = "GET", path: str = "/v1/me") -> str:
    answer = world.call(method, path, raw_key)
    return "ok" if answer.status == 200 else answer.code


def test_a_suspended_account_is_shut_out_with_all_its_keys(world: World) -> None:
    keys = [world.member.management_key, world.portal_key(world.member).raw_key]
    keys.append(world.personal_key(world.member).raw_key)
    assert [_code(world, key) for key in keys] == ["ok"] * 3
    world.change_account(world.member, status="SUSPENDED")
    assert [_code(world, key) for key in keys] == ["ACCOUNT_SUSPENDED"] * 3
    assert _code(world, world.admin.management_key) == "ok"
    world.change_account(world.member, status="ACTIVE")
    assert [_code(world, key) for key in keys] == ["ok"] * 3


def test_a_restricted_account_only_reads(world: World) -> None:
    world.change_account(world.admin, status="RESTRICTED")
    issued = world.portal_key()
    assert _code(world, world.admin.management_key) == "ok"
    assert _code(world, issued.raw_key) == "ok"
    path = f"/v1/keys/{issued.key.id}"
    assert _code(world, world.admin.management_key, "DELETE", path) == "ACCOUNT_RESTRICTED"
    world.change_account(world.admin, status="ACTIVE")
    assert _code(world, world.admin.management_key, "DELETE", path) == "ok"


def test_a_portal_without_members_opens_to_nobody(world: World) -> None:
    keys = [world.portal_key(tenant).raw_key for tenant in (world.admin, world.member)]
    world.leave(world.portal, world.member)
    assert [_code(world, key) for key in keys] == ["ok", "NOT_PORTAL_MEMBER"]
    world.leave(world.portal, world.admin)
    assert [_code(world, key) for key in keys] == ["NOT_PORTAL_MEMBER"] * 2
    listing = f"/v1/keys?portalId={world.portal.id}"
    assert _code(world, world.admin.management_key, path=listing) == "NOT_PORTAL_MEMBER"
    world.join(world.portal, world.admin, "ADMIN")
    assert [_code(world, key) for key in keys] == ["ok", "NOT_PORTAL_MEMBER"]


def test_a_portal_out_of_service_shuts_out_its_keys_only(world: World) -> None:
    inside, outside = world.portal_key().raw_key, world.personal_key().raw_key
    world.change_portal(world.portal, status="INACTIVE")
    assert [_code(world, key) for key in (inside, outside)] == ["PORTAL_INACTIVE", "ok"]
    world.change_portal(world.portal, status="ACTIVE")
    assert _code(world, inside) == "ok"
