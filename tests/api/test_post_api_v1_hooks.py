"""POST /api/v1/claude-code/hooks and /api/v1/cursor-ide/hooks: what hooks of an IDE tell is kept as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.json_body import MAX_BYTES
from app.models import Audit, Event, Hook
from gateway.keys import mint
from tests.api.ide_payloads import CLAUDE_CODE, CURSOR
from tests.api.world import Answer, World

PATHS = {"claude-code": "/api/v1/claude-code/hooks", "cursor-ide": "/api/v1/cursor-ide/hooks"}
CALLS = [("claude-code", payload) for payload in CLAUDE_CODE.values()]
CALLS += [("cursor-ide", payload) for payload in CURSOR.values()]
PAYLOAD = {"hook_event_name": "Stop", "session_id": "s-1"}


@pytest.fixture(scope="module")
def key(still_world: World) -> str:
    return still_world.personal_key(integrations=["ai_tools", "cli"]).raw_key


def tell(world: World, key: str, payload: Any, tool: str = "claude-code", **kwargs: Any) -> Answer:
    return world.call("POST", PATHS[tool], key, json=payload, **kwargs)


@pytest.mark.parametrize(
    ("tool", "payload"), CALLS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_201_what_the_tools_send_is_kept_to_the_last_member(
    still_world: World, key: str, tool: str, payload: dict[str, Any]
) -> None:
    answer = tell(still_world, key, payload, tool)

    assert answer.status == 201, answer.body
    assert list(answer.data) == ["id"]
    hook = Hook.get_by_id(answer.data["id"])
    assert json.loads(hook.payload) == payload
    assert (hook.tool, hook.event_name) == (tool, payload["hook_event_name"])
    assert hook.session_id in (payload.get("session_id"), payload.get("conversation_id"))
    assert hook.account_id == still_world.admin.account.id


def test_201_shows_in_the_activity_of_the_account(world: World) -> None:
    own = world.personal_key(integrations=["ai_tools", "cli"])
    hook_id = tell(world, own.raw_key, CURSOR["stop"], "cursor-ide").data["id"]

    event = world.call("GET", "/api/v1/activity", own.raw_key).data[0]

    assert (event["type"], event["targetKind"], event["targetId"]) == ("hook.cursor-ide", "hook", hook_id)
    assert (event["keyId"], event["byKeyId"], event["address"]) == (own.key.id, own.key.id, "127.0.0.1")
    assert event["after"] == {"hookEventName": "stop", "sessionId": CURSOR["stop"]["conversation_id"]}


def test_201_each_call_is_another_and_none_is_changed(still_world: World, key: str) -> None:
    rows = Audit.select().count()
    ids = {tell(still_world, key, PAYLOAD).data["id"] for _ in range(3)}
    assert len(ids) == 3
    assert Audit.select().count() == rows  # a hook changes nothing that is there


def test_201_raw_keys_are_cut(world: World) -> None:
    own = world.personal_key(integrations=["ai_tools"])
    planted = mint("api")
    payload = {
        "hook_event_name": "PreToolUse",
        "session_id": planted,
        "tool_input": {"command": f"curl -H 'X-Api-Key: {planted}'", planted: "a name"},
    }
    tell(world, own.raw_key, payload)
    stored = json.dumps(world.service.rows(), default=repr)
    assert planted not in stored
    assert f"{planted[:15]}***" in stored


@pytest.mark.parametrize("tool", PATHS)
def test_201_up_to_1_mib_and_413_above(still_world: World, key: str, tool: str) -> None:
    empty = {**PAYLOAD, "tool_response": ""}
    room = MAX_BYTES - len(json.dumps(empty, separators=(",", ":")))

    def send(length: int) -> Answer:
        text = json.dumps({**empty, "tool_response": "x" * length}, separators=(",", ":"))
        return still_world.call("POST", PATHS[tool], key, data=text, content_type="application/json")

    assert [send(length).status for length in (room - 1, room, room + 1)] == [201, 201, 413]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *[("hook_event_name", value) for value in (None, 5, "", " ", "x" * 65, ["Stop"], "a\nb")],
        *[("session_id", value) for value in (None, 5, "", "x" * 256)],
    ],
)
def test_400_what_says_which_event_and_session(still_world: World, key: str, member: str, value: Any) -> None:
    before = Event.select().count()
    answer = tell(still_world, key, {**PAYLOAD, member: value})
    assert (answer.status, list(answer.error["details"])) == (400, [member])
    assert Event.select().count() == before


@pytest.mark.parametrize(
    ("tool", "payload", "missing"),
    [
        ("claude-code", {}, ["hook_event_name", "session_id"]),
        ("claude-code", {"hook_event_name": "Stop", "conversation_id": "c"}, ["session_id"]),
        ("cursor-ide", {}, ["hook_event_name", "session_id"]),
        ("cursor-ide", {"hook_event_name": "stop"}, ["session_id"]),
        (
            "cursor-ide",
            {"hook_event_name": "stop", "session_id": None, "conversation_id": None},
            ["session_id"],
        ),
    ],
)
def test_400_what_is_needed_is_missing(
    still_world: World, key: str, tool: str, payload: dict[str, Any], missing: list[str]
) -> None:
    answer = tell(still_world, key, payload, tool)
    assert (answer.status, sorted(answer.error["details"])) == (400, missing)


def test_403_for_the_command_line_alone(still_world: World) -> None:
    cli = still_world.personal_key(integrations=["cli"]).raw_key
    for tool in PATHS:
        answer = tell(still_world, cli, PAYLOAD, tool)
        assert (answer.status, answer.code) == (403, "INTEGRATION_REQUIRED")
        assert answer.error["details"] == {"requiredIntegrations": ["ai_tools"], "integrations": ["cli"]}
