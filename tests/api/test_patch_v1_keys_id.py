"""PATCH /v1/keys/{id}: change a key's settings, revoke it, re-activate it."""

from __future__ import annotations

from typing import Any

import pytest

from app.models import Audit
from tests.api.world import Answer, World


def patch(world: World, key_id: str, key: str | None = None, **fields: Any) -> Answer:
    return world.call("PATCH", f"/v1/keys/{key_id}", key, json=fields)


def works(world: World, raw_key: str) -> bool:
    return world.call("GET", "/v1/me", raw_key).status == 200


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("name", " spaced ", " spaced "),
        ("scopes", ["tasks", "disk"], ["task", "disk"]),
        ("ipWhitelist", ["::1", "127.0.0.1/30"], ["::1", "127.0.0.0/30"]),
        ("rateLimit", 1, 1),
        ("rateLimit", None, None),
        ("hourlyLimit", 10**9, 10**9),
        ("hourlyLimit", None, None),
        ("expiresAt", "2099-12-31T23:59:59z", "2099-12-31T23:59:59.000Z"),
        ("expiresAt", None, None),
        ("metadata", {"a": []}, {"a": []}),
        ("status", "REVOKED", "REVOKED"),
        ("status", "ACTIVE", "ACTIVE"),
    ],
)
def test_200_sets_one_field_and_leaves_the_others(world: World, field: str, value: Any, shown: Any) -> None:
    key = world.portal_key(rate_limit=5, hourly_limit=6, metadata={"kept": 1}).key
    before = world.call("GET", f"/v1/keys/{key.id}").data

    answer = patch(world, key.id, **{field: value})

    assert answer.status == 200, answer.body
    assert answer.data == {**before, field: shown}
    assert world.call("GET", f"/v1/keys/{key.id}").data == answer.data


def test_200_nothing_to_change_changes_nothing(world: World) -> None:
    key = world.portal_key().key
    before = world.service.rows()

    assert patch(world, key.id).status == 200
    assert world.service.rows() == before


def test_200_revoke_and_reactivate_are_in_force_at_once(world: World) -> None:
    issued = world.portal_key()
    assert works(world, issued.raw_key)

    for _ in range(3):
        patch(world, issued.key.id, status="REVOKED")
        assert world.call("GET", "/v1/me", issued.raw_key).code == "KEY_REVOKED"
        patch(world, issued.key.id, status="ACTIVE")
        assert works(world, issued.raw_key)


def test_200_whitelist_is_in_force_at_once(world: World) -> None:
    issued = world.portal_key()

    patch(world, issued.key.id, ipWhitelist=["198.51.100.0/24"])

    assert world.call("GET", "/v1/me", issued.raw_key).code == "IP_NOT_ALLOWED"


def test_200_change_is_audited_with_who_and_from_where(world: World) -> None:
    key = world.portal_key().key

    patch(world, key.id, name="renamed")

    row = Audit.select().order_by(Audit.seq.desc()).first()
    assert (row.action, row.target_id, row.actor_kind) == ("key.changed", key.id, "key")
    assert (row.actor_account_id, row.address) == (world.admin.account.id, "127.0.0.1")


def test_200_member_changes_own_key(world: World) -> None:
    key = world.portal_key(world.member).key

    assert patch(world, key.id, world.member.management_key, name="own").data["name"] == "own"


@pytest.mark.parametrize(
    "fields", [{"portalId": "x"}, {"type": "management"}, {"integrations": ["cli"]}, {"id": "x"}]
)
def test_400_what_is_not_settable_is_unknown(world: World, fields: dict[str, Any]) -> None:
    key = world.portal_key().key

    answer = patch(world, key.id, **fields)

    assert answer.error["details"] == {name: ["Unknown field."] for name in fields}


def test_409_rotated_key_does_not_come_back(world: World) -> None:
    key = world.portal_key().key
    world.rotate(key)
    patch(world, key.id, status="REVOKED")

    answer = patch(world, key.id, status="ACTIVE")

    assert (answer.status, answer.code) == (409, "KEY_ALREADY_ROTATED")
