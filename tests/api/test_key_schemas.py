"""The schemas of keys as the command line uses them: by type, and without a request."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import ApiError
from app.schemas.key import CHANGES, SETTINGS, RotateKey
from gateway.keys import KEY_TYPES, mint

NOW = 1_900_000_000.0

ACCEPTED: dict[str, dict[str, Any]] = {
    "api": {"scopes": ["crm"]},
    "authorization": {"scopes": ["vibe:infra"]},
    "management": {"scopes": ["vibe:mgmt:keys", "vibe:mgmt:feedback"]},
    "personal": {"integrations": ["ai_tools", "cli", "mcp_server"]},
}


def details(load: Any, body: dict[str, Any]) -> Any:
    with pytest.raises(ApiError) as refusal:
        load(body)
    assert refusal.value.code == "VALIDATION_ERROR"
    return refusal.value.details


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_each_type_takes_its_own_grants(key_type: str) -> None:
    fields = {"name": "n", **ACCEPTED[key_type]}

    assert SETTINGS[key_type](now=NOW).load(fields) == fields


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_each_type_refuses_the_grants_of_the_others(key_type: str) -> None:
    for other, grants in ACCEPTED.items():
        if grants.keys() != ACCEPTED[key_type].keys() or {key_type, other} == {"api", "management"}:
            assert details(SETTINGS[key_type](now=NOW).load, {"name": "n", **grants})


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_a_change_takes_any_one_field_and_a_status(key_type: str) -> None:
    schema = CHANGES[key_type](now=NOW)

    assert schema.load({"status": "REVOKED"}, partial=True) == {"status": "REVOKED"}
    assert schema.load({"name": "m"}, partial=True) == {"name": "m"}
    assert schema.load({}, partial=True) == {}


def test_times_are_milliseconds_inside() -> None:
    loaded = CHANGES["api"](now=NOW).load({"expiresAt": "2051-01-01T01:00:00.1239+01:00"}, partial=True)

    assert loaded == {"expires_at": 2_556_144_000_123}


def test_now_is_not_in_the_future() -> None:
    schema = CHANGES["api"](now=NOW)

    assert details(schema.load, {"name": "n", "scopes": ["crm"], "expiresAt": "2030-03-17T17:46:40Z"}) == {
        "expiresAt": ["Must be in the future."]
    }
    assert schema.load({"expiresAt": "2030-03-17T17:46:40.001Z"}, partial=True)


def test_what_an_undecodable_command_line_argument_becomes_is_refused() -> None:
    assert details(SETTINGS["api"](now=NOW).load, {"name": "caf\udce9", "scopes": ["crm"]}) == {
        "name": ["Must not contain control characters."]
    }


def test_a_grace_is_at_most_the_settings() -> None:
    schema = RotateKey(1.5, now=NOW)

    assert schema.load({"graceHours": 1.5}) == {"grace_hours": 1.5}
    assert schema.load({"graceHours": 1}) == {"grace_hours": 1.0}
    assert details(schema.load, {"graceHours": 1.6}) == {"graceHours": ["Must be at most 1.5."]}
    for value in (float("nan"), float("inf"), True):
        assert list(details(schema.load, {"graceHours": value})) == ["graceHours"]


@pytest.mark.parametrize(
    "metadata", [{"a": "\x1b[31m"}, {"a": [{"b": "\x85"}]}, {"a": {"\x07": 1}}], ids=repr
)
def test_metadata_hold_no_control_characters(metadata: dict[str, Any]) -> None:
    assert details(CHANGES["api"](now=NOW, partial=True).load, {"metadata": metadata}) == {
        "metadata": ["Must not contain control characters."]
    }


def test_metadata_may_have_lines() -> None:
    metadata = {"a\tb": ["two\r\nlines\u2028more"]}
    assert CHANGES["api"](now=NOW, partial=True).load({"metadata": metadata}) == {"metadata": metadata}


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_no_raw_key_is_taken_where_it_would_be_shown(key_type: str) -> None:
    schema = CHANGES[key_type](now=NOW, partial=True)
    raw_key = mint("personal")

    assert details(schema.load, {"name": f"of {raw_key}"}) == {"name": ["Must not hold a raw key."]}
    for metadata in (
        {"key": raw_key},
        {"keys": [{"old": raw_key}]},
        {raw_key: 1},
        {"text": f"({raw_key[:-1]})"},
        {"vxk": raw_key.removeprefix("vxk_").upper()},
    ):
        assert details(schema.load, {"metadata": metadata}) == {"metadata": ["Must not hold a raw key."]}
    shown = {"name": f"was {raw_key[:10]}", "metadata": {"old": f"{raw_key[:10]}…{raw_key[-4:]}"}}
    assert schema.load(shown) == shown
