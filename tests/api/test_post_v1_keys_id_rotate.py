"""POST /v1/keys/{id}/rotate: a new key with the same settings, and an end for the old one."""

from __future__ import annotations

from typing import Any

import pytest

from app.keyring import Issued
from tests.api.test_get_v1_keys import SHAPE
from tests.api.world import Answer, World

HOUR = 3600


def rotate(world: World, issued: Issued, **kwargs: Any) -> Answer:
    return world.call("POST", f"/v1/keys/{issued.key.id}/rotate", **kwargs)


def status_of(world: World, raw_key: str) -> int:
    return world.call("GET", "/v1/me", raw_key).status


def test_201_same_settings_and_both_work_until_the_grace_is_over(world: World) -> None:
    settings = {"name": "till", "scopes": ["crm", "disk"], "rate_limit": 9, "metadata": {"a": 1}}
    old = world.portal_key(world.member, **settings)

    answer = rotate(world, old)

    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(answer.data) == SHAPE | {"rawKey"}
    new = answer.data
    assert (new["name"], new["scopes"], new["rateLimit"]) == ("till", ["crm", "disk"], 9)
    assert (new["metadata"], new["ownerId"]) == ({"a": 1}, world.member.account.id)
    assert new["id"] != old.key.id
    assert new["rotation"]["predecessorId"] == old.key.id
    assert (status_of(world, old.raw_key), status_of(world, new["rawKey"])) == (200, 200)
    world.service.clock.now += 24 * HOUR
    assert (status_of(world, old.raw_key), status_of(world, new["rawKey"])) == (401, 200)
    assert world.call("GET", "/v1/me", old.raw_key).code == "KEY_ROTATED"


def test_201_grace_of_zero_ends_the_old_key_at_once(world: World) -> None:
    old = world.portal_key()

    answer = rotate(world, old, json={"graceHours": 0})

    assert answer.status == 201
    assert world.call("GET", "/v1/me", old.raw_key).code == "KEY_ROTATED"


def test_201_fraction_of_an_hour(world: World) -> None:
    old = world.portal_key()

    rotate(world, old, json={"graceHours": 0.5})

    world.service.clock.now += HOUR / 2 - 1
    assert status_of(world, old.raw_key) == 200
    world.service.clock.now += 1
    assert status_of(world, old.raw_key) == 401


@pytest.mark.parametrize("expires_at", ["2050-01-01T00:00:00.000Z", None])
def test_201_new_expiry(world: World, expires_at: str | None) -> None:
    old = world.portal_key(expires_at=int((world.service.clock.now + HOUR) * 1000))

    answer = rotate(world, old, json={"expiresAt": expires_at})

    assert answer.data["expiresAt"] == expires_at


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": b""},
        {"data": b"{}", "content_type": "application/json"},
        {"data": b"", "content_type": "application/json"},
        {"data": b"", "content_type": "application/x-www-form-urlencoded"},
    ],
)
def test_201_body_is_optional(world: World, body: dict[str, Any]) -> None:
    assert rotate(world, world.portal_key(), **body).status == 201


def test_400_grace_longer_than_the_setting(world: World) -> None:
    answer = rotate(world, world.portal_key(), json={"graceHours": 24.001})

    assert answer.error["details"] == {"graceHours": ["Must be at most 24."]}


def test_409_already_rotated(world: World) -> None:
    old = world.portal_key()
    rotate(world, old)

    answer = rotate(world, old)

    assert (answer.status, answer.code) == (409, "KEY_ALREADY_ROTATED")


def test_409_predecessor_in_grace(world: World) -> None:
    new = world.rotate(world.portal_key().key)

    answer = rotate(world, new)

    assert (answer.status, answer.code) == (409, "PREDECESSOR_IN_GRACE")


def test_409_not_active(world: World) -> None:
    revoked = world.portal_key()
    world.change_key(revoked.key, status="REVOKED")
    expired = world.portal_key(expires_at=int((world.service.clock.now + 60) * 1000))
    world.service.clock.now += 60

    for issued in (revoked, expired):
        answer = rotate(world, issued)
        assert (answer.status, answer.code) == (409, "KEY_NOT_ACTIVE")
