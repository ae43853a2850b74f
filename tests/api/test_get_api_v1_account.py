"""GET /api/v1/account: the account of the calling key."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.world import World

SHAPE = [
    "id",
    "email",
    "status",
    "tier",
    "hourlyLimit",
    "timezone",
    "businessHours",
    "alertWebhookUrl",
    "createdAt",
]


def test_200_what_it_is_before_anything_is_set(world: World) -> None:
    account = world.admin.account

    shown = world.call("GET", "/api/v1/account", world.personal_key().raw_key).data

    assert list(shown) == SHAPE
    assert (shown["id"], shown["email"]) == (account.id, account.email)
    assert (shown["status"], shown["tier"], shown["hourlyLimit"]) == ("ACTIVE", "pro", 10_000)
    assert (shown["timezone"], shown["businessHours"], shown["alertWebhookUrl"]) == ("UTC", None, None)


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({"tier": "free"}, 1_000),
        ({"tier": "enterprise", "hourly_limit": 7_000}, 7_000),
        ({"tier": "enterprise", "hourly_limit": None}, None),
    ],
)
def test_200_the_limit_is_the_one_in_force(world: World, fields: dict[str, Any], limit: int | None) -> None:
    world.change_account(world.admin, **fields)
    shown = world.call("GET", "/api/v1/account", world.personal_key().raw_key).data
    assert (shown["tier"], shown["hourlyLimit"]) == (fields["tier"], limit)


def test_200_restricted(world: World) -> None:
    key = world.personal_key().raw_key
    world.change_account(world.admin, status="RESTRICTED")
    assert world.call("GET", "/api/v1/account", key).data["status"] == "RESTRICTED"
