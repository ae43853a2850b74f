"""PATCH /api/v1/api-keys/{id}: change a personal key, revoke it, re-activate it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.personal import BOTH, Holder, lacks


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "renamed"),
        ("integrations", ["ai_tools"]),
        ("ipWhitelist", ["127.0.0.0/30"]),
        ("rateLimit", 1),
        ("hourlyLimit", 10**9),
        ("expiresAt", "2099-12-31T23:59:59.000Z"),
        ("metadata", {"a": []}),
        ("status", "REVOKED"),
    ],
)
def test_200_sets_one_field_and_leaves_the_others(holder: Holder, field: str, value: Any) -> None:
    key = holder.key(rate_limit=5).key
    before = holder.call("GET", f"/{key.id}").data

    answer = holder.call("PATCH", f"/{key.id}", json={field: value})

    assert answer.data == {**before, field: value}
    assert holder.call("GET", f"/{key.id}").data == answer.data


def test_200_revoke_and_reactivate_are_in_force_at_once(holder: Holder) -> None:
    issued = holder.key()
    for _ in range(3):
        holder.call("PATCH", f"/{issued.key.id}", json={"status": "REVOKED"})
        assert not holder.works(issued.raw_key)
        holder.call("PATCH", f"/{issued.key.id}", json={"status": "ACTIVE"})
        assert holder.works(issued.raw_key)


def test_200_an_integration_that_was_taken_opens_nothing_in_the_next_request(holder: Holder) -> None:
    issued = holder.key()
    assert holder.call("GET", key=issued.raw_key).status == 200
    holder.call("PATCH", f"/{issued.key.id}", json={"integrations": ["ai_tools"]})
    assert holder.call("GET", key=issued.raw_key).code == "INTEGRATION_REQUIRED"


def test_200_a_key_can_end_itself(holder: Holder) -> None:
    assert holder.call("PATCH", f"/{holder.own.key.id}", json={"status": "REVOKED"}).status == 200
    assert holder.call("GET").code == "KEY_REVOKED"


def test_200_a_key_keeps_the_legacy_integration_that_it_has(holder: Holder) -> None:
    key = holder.key(integrations=[*BOTH, "mcp_server"]).key
    kept = holder.call("PATCH", f"/{key.id}", json={"integrations": ["cli", "mcp_server"]})
    assert kept.data["integrations"] == ["cli", "mcp_server"]
    holder.call("PATCH", f"/{key.id}", json={"integrations": ["cli"]})
    again = holder.call("PATCH", f"/{key.id}", json={"integrations": ["cli", "mcp_server"]})
    assert (again.status, list(again.error["details"])) == (400, ["integrations"])


@pytest.mark.parametrize("fields", [{"scopes": ["crm"]}, {"type": "api"}, {"id": "x"}, {"isLegacy": False}])
def test_400_what_is_not_settable_is_unknown(holder: Holder, fields: dict[str, Any]) -> None:
    answer = holder.call("PATCH", f"/{holder.key().key.id}", json=fields)
    assert answer.error["details"] == {name: ["Unknown field."] for name in fields}


@pytest.mark.parametrize("fields", [{"status": "REVOKED"}, {"integrations": ["cli"]}, {"name": "x"}, {}])
def test_403_a_key_that_holds_more(holder: Holder, fields: dict[str, Any]) -> None:
    narrow, target = holder.key(integrations=["cli"]).raw_key, holder.key()
    before = holder.world.service.rows()

    lacks(holder.call("PATCH", f"/{target.key.id}", narrow, json=fields), "ai_tools")

    assert holder.world.service.rows() == before
    assert holder.works(target.raw_key)


def test_403_no_key_widens_itself(holder: Holder) -> None:
    narrow = holder.key(integrations=["cli"])
    lacks(holder.call("PATCH", f"/{narrow.key.id}", narrow.raw_key, json={"integrations": BOTH}), "ai_tools")


def test_404_of_another_account(holder: Holder) -> None:
    other = holder.world.personal_key(holder.world.stranger).key.id
    answer = holder.call("PATCH", f"/{other}", json={"status": "REVOKED"})
    assert (answer.status, answer.code) == (404, "ENTITY_NOT_FOUND")


def test_409_a_rotated_key_does_not_come_back(holder: Holder) -> None:
    key = holder.key().key
    holder.world.rotate(key)
    holder.call("PATCH", f"/{key.id}", json={"status": "REVOKED"})
    answer = holder.call("PATCH", f"/{key.id}", json={"status": "ACTIVE"})
    assert (answer.status, answer.code) == (409, "KEY_ALREADY_ROTATED")
