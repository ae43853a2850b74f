"""POST /api/v1/api-keys/{id}/rotate: a new personal key with the same settings."""

from __future__ import annotations

from typing import Any

import pytest

from app.models import Key
from tests.api.personal import BOTH, Holder, lacks
from tests.api.world import Answer
from tests.usage.recorded import record

DAY = 86_400


def test_201_same_settings_and_both_work_until_the_grace_is_over(holder: Holder) -> None:
    old = holder.key(name="laptop", rate_limit=9, integrations=BOTH)

    answer = holder.call("POST", f"/{old.key.id}/rotate")

    assert (answer.status, answer.headers["Cache-Control"]) == (201, "no-store")
    new = answer.data
    assert (new["name"], new["rateLimit"], new["integrations"]) == ("laptop", 9, list(BOTH))
    assert new["rotation"]["predecessorId"] == old.key.id
    assert holder.works(old.raw_key)
    assert holder.works(new["rawKey"])
    holder.world.service.clock.now += 24 * 3600
    assert not holder.works(old.raw_key)
    assert holder.works(new["rawKey"])


def test_201_a_key_replaces_itself_and_can_have_a_lost_answer_again(holder: Holder) -> None:
    call = {"headers": {"Idempotency-Key": "one"}}
    first, again = (holder.call("POST", f"/{holder.own.key.id}/rotate", **call) for _ in range(2))
    assert again.body == first.body
    assert holder.works(again.data["rawKey"])


def rotate_itself(holder: Holder, name: str = "one", **fields: Any) -> Answer:
    """The holder's own key ends itself at once, unless `fields` say otherwise."""
    body = {"graceHours": 0, **fields}
    headers = {"Idempotency-Key": name}
    return holder.call("POST", f"/{holder.own.key.id}/rotate", json=body, headers=headers)


def test_201_a_key_that_ended_itself_can_have_the_lost_answer_again_for_24_hours(holder: Holder) -> None:
    first = rotate_itself(holder)
    assert first.status == 201
    assert holder.call("GET").code == "KEY_ROTATED"

    holder.world.service.clock.now += DAY - 1
    again = rotate_itself(holder)

    assert (again.status, again.body) == (201, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Cache-Control"] == "no-store"
    assert holder.works(again.data["rawKey"])
    assert Key.select().where(Key.predecessor_id == holder.own.key.id).count() == 1
    holder.world.service.clock.now += 1
    assert rotate_itself(holder).code == "KEY_ROTATED"


@pytest.mark.parametrize("ends", ["grace", "expiry"])
def test_201_so_can_one_whose_grace_or_life_is_over_since(holder: Holder, ends: str) -> None:
    expires_at = int((holder.world.service.clock.now + 1800) * 1000)
    holder.world.change_key(holder.own.key, expires_at=expires_at if ends == "expiry" else None)
    more = {"graceHours": 1, "expiresAt": None}
    first = rotate_itself(holder, **more)
    holder.world.service.clock.now += 3600
    assert holder.call("GET").code == {"grace": "KEY_ROTATED", "expiry": "KEY_EXPIRED"}[ends]

    assert rotate_itself(holder, **more).body == first.body
    assert holder.works(first.data["rawKey"])


def test_201_a_lost_answer_of_an_ended_key_costs_nothing_and_is_no_refusal(holder: Holder) -> None:
    service = holder.world.service
    first = rotate_itself(holder)
    answers = [rotate_itself(holder) for _ in range(3)]
    assert not any(name.startswith("X-RateLimit") for answer in answers for name, _ in answer.headers)
    record(service)
    usage = holder.call("GET", f"/{holder.own.key.id}/usage", first.data["rawKey"]).data
    assert (usage["requestCount"], usage["refusals"]) == (1, [])


@pytest.mark.parametrize(
    ("headers", "more"),
    [
        ({}, {}),
        ({"Idempotency-Key": "two"}, {}),
        ({"Idempotency-Key": "o\tne"}, {}),
        ({"Idempotency-Key": "one"}, {"json": {"graceHours": 1}}),
        ({"Idempotency-Key": "one"}, {"json": {"graceHours": 0, "expiresAt": None}}),
        ({"Idempotency-Key": "one"}, {"data": "{", "content_type": "application/json"}),
        ({"Idempotency-Key": "one"}, {"json": {"graceHours": 0}, "query_string": {"page": "1"}}),
        ({"Idempotency-Key": "one"}, {"json": {"graceHours": 0}, "method": "PUT"}),
        ({"Idempotency-Key": "one"}, {"json": {"graceHours": 0}, "path": ""}),
    ],
)
def test_401_an_ended_key_is_refused_whatever_else_it_asks_for(
    holder: Holder, headers: dict[str, str], more: dict[str, Any]
) -> None:
    rotate_itself(holder)
    asked = {"method": "POST", "path": f"/{holder.own.key.id}/rotate", "headers": headers, **more}
    before = holder.world.service.rows()

    answer = holder.call(**asked)

    assert (answer.status, answer.code) == (401, "KEY_ROTATED")
    assert holder.world.service.rows() == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nope"),
        ("POST", "/nope"),
        ("PUT", "/v1/me"),
        ("DELETE", "/api/v1/account"),
        ("GET", "//v1/me"),
    ],
)
def test_401_an_ended_key_is_refused_where_nothing_is_served(holder: Holder, method: str, path: str) -> None:
    rotate_itself(holder)
    answer = holder.world.call(method, path, holder.own.raw_key, headers={"Idempotency-Key": "one"})
    assert (answer.status, answer.code) == (401, "KEY_ROTATED")


def test_401_an_ended_key_is_refused_with_a_body_that_is_too_large(holder: Holder) -> None:
    rotate_itself(holder)
    path = f"/api/v1/api-keys/{holder.own.key.id}/rotate"
    headers = {"Idempotency-Key": "one", "Content-Type": "application/json"}
    answer = holder.world.call("POST", path, holder.own.raw_key, data=b"{" + b" " * 2**21, headers=headers)
    assert (answer.status, answer.code) == (401, "KEY_ROTATED")


def test_401_what_somebody_decided_against_the_key_ends_that(holder: Holder) -> None:
    world, new = holder.world, rotate_itself(holder).data["rawKey"]
    path = f"/{holder.own.key.id}"
    world.change_account(world.admin, status="RESTRICTED")
    assert rotate_itself(holder).code == "KEY_ROTATED"
    world.change_account(world.admin, status="SUSPENDED")
    assert rotate_itself(holder).code == "KEY_ROTATED"
    world.change_account(world.admin, status="ACTIVE")
    for setting, wrong, right in (
        ("ipWhitelist", ["192.0.2.1"], []),
        ("integrations", ["ai_tools"], ["ai_tools", "cli"]),
    ):
        holder.call("PATCH", path, new, json={setting: wrong})
        assert rotate_itself(holder).code == "KEY_ROTATED"
        holder.call("PATCH", path, new, json={setting: right})
    assert rotate_itself(holder).status == 201
    holder.call("PATCH", path, new, json={"status": "REVOKED"})
    assert rotate_itself(holder).code == "KEY_REVOKED"
    holder.call("DELETE", path, new)
    assert rotate_itself(holder).code == "INVALID_API_KEY"


def test_401_a_key_that_revoked_itself_is_told_so(holder: Holder) -> None:
    holder.call("PATCH", f"/{holder.own.key.id}", json={"status": "REVOKED"})
    assert rotate_itself(holder).code == "KEY_REVOKED"


def test_201_a_legacy_keys_successor_is_of_our_form_and_keeps_what_it_opened(holder: Holder) -> None:
    old = holder.key(integrations=[*BOTH, "mcp_server"]).key
    new = holder.call("POST", f"/{old.id}/rotate", json={"graceHours": 0}).data
    assert new["integrations"] == [*BOTH, "mcp_server"]
    assert (new["isLegacy"], new["keyPrefix"][:4]) == (False, "vxk_")


def test_400_grace_longer_than_the_setting(holder: Holder) -> None:
    answer = holder.call("POST", f"/{holder.key().key.id}/rotate", json={"graceHours": 24.001})
    assert answer.error["details"] == {"graceHours": ["Must be at most 24."]}


def test_403_a_key_that_holds_more(holder: Holder) -> None:
    narrow, target = holder.key(integrations=["cli"]).raw_key, holder.key()
    before = holder.world.service.rows()
    lacks(holder.call("POST", f"/{target.key.id}/rotate", narrow), "ai_tools")
    assert holder.world.service.rows() == before


def test_404_of_another_account(holder: Holder) -> None:
    other = holder.world.personal_key(holder.world.stranger).key.id
    assert holder.call("POST", f"/{other}/rotate").code == "ENTITY_NOT_FOUND"


def test_409_as_every_rotation(holder: Holder) -> None:
    first = holder.key().key
    second = holder.call("POST", f"/{first.id}/rotate").data["id"]
    revoked = holder.key(status="REVOKED").key.id
    codes = [holder.call("POST", f"/{id}/rotate").code for id in (first.id, second, revoked)]
    assert codes == ["KEY_ALREADY_ROTATED", "PREDECESSOR_IN_GRACE", "KEY_NOT_ACTIVE"]
