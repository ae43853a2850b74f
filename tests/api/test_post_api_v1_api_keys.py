"""POST /api/v1/api-keys: a new personal key."""

from __future__ import annotations

from typing import Any

import pytest

from app.models import Key
from gateway.keys import key_type_of
from tests.api.personal import BOTH, Holder, lacks
from tests.key_fields import KEY_FIELDS

RIGHT = {"name": "laptop", "integrations": ["cli"]}


def test_201_a_key_that_works_and_is_shown_once(holder: Holder) -> None:
    answer = holder.call("POST", json=RIGHT)

    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert list(answer.data) == [*KEY_FIELDS, "rawKey"]
    raw_key = answer.data["rawKey"]
    assert key_type_of(raw_key) == "personal"
    me = holder.world.call("GET", "/v1/me", raw_key).data
    assert (me["type"], me["name"], me["integrations"]) == ("personal", "laptop", ["cli"])
    assert answer.data["ownerId"] == holder.world.admin.account.id
    assert "rawKey" not in holder.call("GET", f"/{answer.data['id']}").data


def test_201_every_setting(holder: Holder) -> None:
    settings = {
        "integrations": ["cli", "ai_tools", "cli"],
        "ipWhitelist": ["127.0.0.1"],
        "rateLimit": 7,
        "hourlyLimit": 70,
        "expiresAt": "2099-01-01T00:00:00.000Z",
        "metadata": {"of": "a test"},
        "status": "REVOKED",
    }
    made = holder.call("POST", json={**RIGHT, **settings}).data
    assert {name: made[name] for name in settings} == {**settings, "integrations": ["cli", "ai_tools"]}
    assert holder.world.call("GET", "/v1/me", made["rawKey"]).code == "KEY_REVOKED"


def test_201_the_same_answer_again_for_the_same_idempotency_key(holder: Holder) -> None:
    call = {"json": RIGHT, "headers": {"Idempotency-Key": "one"}}
    first, again = (holder.call("POST", **call) for _ in range(2))
    assert again.body == first.body
    assert again.headers["Idempotency-Replayed"] == "true"
    assert Key.select().where(Key.owner == holder.world.admin.account, Key.name == "laptop").count() == 1
    other = holder.call("POST", **{**call, "json": {**RIGHT, "name": "other"}})
    assert (other.status, other.code) == (422, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize(
    ("fields", "bad"),
    [
        ({"name": None}, "name"),
        ({"name": "n" * 256}, "name"),
        ({"integrations": []}, "integrations"),
        ({"integrations": ["telnet"]}, "integrations"),
        ({"integrations": "cli"}, "integrations"),
        ({"integrations": ["cli", "mcp_server"]}, "integrations"),
        ({"scopes": ["crm"]}, "scopes"),
        ({"portalId": "x"}, "portalId"),
        ({"type": "management"}, "type"),
        ({"expiresAt": "2001-01-01T00:00:00Z"}, "expiresAt"),
        ({"isLegacy": True}, "isLegacy"),
    ],
)
def test_400_bad_field(holder: Holder, fields: dict[str, Any], bad: str) -> None:
    answer = holder.call("POST", json={**RIGHT, **fields})
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == [bad]


@pytest.mark.parametrize("needed", RIGHT)
def test_400_what_is_needed_is_missing(holder: Holder, needed: str) -> None:
    answer = holder.call("POST", json={name: value for name, value in RIGHT.items() if name != needed})
    assert (answer.status, list(answer.error["details"])) == (400, [needed])


def test_400_mcp_server_is_granted_by_nobody_who_holds_it_either(holder: Holder) -> None:
    legacy = holder.key(integrations=[*BOTH, "mcp_server"]).raw_key
    answer = holder.call("POST", key=legacy, json={**RIGHT, "integrations": ["mcp_server"]})
    assert (answer.status, list(answer.error["details"])) == (400, ["integrations"])


def test_403_an_integration_that_the_calling_key_lacks(holder: Holder) -> None:
    narrow = holder.key(integrations=["cli"]).raw_key
    before = holder.world.service.rows()

    lacks(holder.call("POST", key=narrow, json={**RIGHT, "integrations": BOTH}), "ai_tools")

    assert holder.world.service.rows() == before
    assert holder.call("POST", key=narrow, json=RIGHT).status == 201
