"""Limits as their payers see them: shared by keys, kept through rotations, over at the top of the hour."""

from __future__ import annotations

import pytest

from tests.api.world import Tenant, World

HOUR = 3600


def _key(world: World, tenant: Tenant, **limits: int) -> tuple[str, str]:
    issued = world.issue("personal", tenant.account, integrations=["cli"], **limits)
    return issued.raw_key, issued.key.id


def _use(world: World, raw_key: str, times: int) -> list[int]:
    return [world.call("GET", "/v1/me", raw_key).status for _ in range(times)]


def test_an_hour_is_over_to_the_second(world: World) -> None:
    top = world.service.clock.now
    raw_key, _ = _key(world, world.new_tenant(), hourly_limit=3)
    world.service.clock.now = top + HOUR - 1
    assert _use(world, raw_key, 4) == [200, 200, 200, 429]
    refused = world.call("GET", "/v1/me", raw_key)
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["X-RateLimit-Reset"] == str(int(top) + HOUR)
    assert refused.error["details"] == {"limit": 3, "window": HOUR, "scope": "key"}

    world.service.clock.now = top + HOUR - 0.001
    assert _use(world, raw_key, 1) == [429]
    world.service.clock.now = top + HOUR
    assert _use(world, raw_key, 4) == [200, 200, 200, 429]


def test_a_second_is_over_to_the_second(world: World) -> None:
    raw_key, _ = _key(world, world.new_tenant(), rate_limit=2)
    second = float(int(world.service.clock.now) + 5)
    world.service.clock.now = second + 0.999
    assert _use(world, raw_key, 3) == [200, 200, 429]
    world.service.clock.now = second + 1
    assert _use(world, raw_key, 3) == [200, 200, 429]


def test_a_tier_is_shared_by_all_keys_of_the_account(world: World) -> None:
    tenant = world.new_tenant(tier="enterprise", hourly_limit=5)
    (one, _), (two, _) = _key(world, tenant), _key(world, tenant)
    assert _use(world, one, 3) == [200, 200, 200]
    assert _use(world, two, 3) == [200, 200, 429]
    assert _use(world, one, 1) == [429]
    assert _use(world, tenant.management_key, 1) == [429]
    assert _use(world, world.new_tenant(tier="enterprise", hourly_limit=5).management_key, 1) == [200]


def test_a_new_tier_counts_on_from_what_was_used(world: World) -> None:
    tenant = world.new_tenant(tier="enterprise", hourly_limit=2)
    raw_key, _ = _key(world, tenant)
    assert _use(world, raw_key, 3) == [200, 200, 429]
    world.change_account(tenant, hourly_limit=4)
    assert _use(world, raw_key, 3) == [200, 200, 429]


@pytest.mark.parametrize("limit", ["hourly_limit", "rate_limit"])
def test_a_rotation_neither_doubles_nor_refills_a_limit(world: World, limit: str) -> None:
    tenant = world.new_tenant()
    issued = world.issue("personal", tenant.account, integrations=["cli"], **{limit: 4})
    assert _use(world, issued.raw_key, 2) == [200, 200]
    now = world.service.clock.now
    successor = world.rotate(issued.key)
    world.service.clock.now = now  # still in the same second
    assert _use(world, successor.raw_key, 1) == [200]
    assert _use(world, issued.raw_key, 2) == [200, 429]
    assert _use(world, successor.raw_key, 1) == [429]


def test_who_is_refused_by_two_limits_is_told_the_one_that_ends_last(world: World) -> None:
    raw_key, _ = _key(world, world.new_tenant(), rate_limit=2, hourly_limit=2)
    assert _use(world, raw_key, 2) == [200, 200]
    refused = world.call("GET", "/v1/me", raw_key)
    assert refused.error["details"]["scope"] == "key"
    world.service.clock.now += int(refused.headers["Retry-After"])
    assert _use(world, raw_key, 1) == [200]


def test_what_is_refused_costs_nothing_of_the_other_limits(world: World) -> None:
    tenant = world.new_tenant(tier="enterprise", hourly_limit=10)
    raw_key, _ = _key(world, tenant, rate_limit=1)
    assert _use(world, raw_key, 5) == [200, 429, 429, 429, 429]
    world.service.clock.now += 1
    limits = world.call("GET", "/v1/me", raw_key).data["limits"]
    assert limits["tier"]["remaining"] == 8
