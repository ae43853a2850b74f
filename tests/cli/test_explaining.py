"""`vibekeys keys explain`: why a request with a key is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from app.config import Config
from app.wiring import build
from tests.cli.terminal import Terminal, serving
from tests.conftest import ValkeyServer

HERE = ("--address", "127.0.0.1")
ME = (*HERE, "--path", "/v1/me")


@contextmanager
def service(terminal: Terminal) -> Iterator[Client]:
    """A client of a service that runs on the terminal's installation."""
    settings = {name: value for name, value in terminal.environ.items() if value is not None}
    running = build(Config.from_env(settings))
    yield Client(running)
    running.close()


def verdicts(shown: dict[str, Any]) -> dict[str, str]:
    return {one["check"]: one["verdict"] for one in shown["checks"]}


@pytest.fixture
def key(terminal: Terminal) -> dict[str, Any]:
    terminal.account()
    return terminal.key("--hourly-limit", "2", "--ip", "127.0.0.1")


def test_while_no_service_runs_nobody_can_tell_what_is_used(terminal: Terminal, key: dict[str, Any]) -> None:
    shown = terminal.json("keys", "explain", key["id"], *ME)

    assert (shown["verdict"], shown["mode"]) == ("ALLOWED", "unknown")
    assert verdicts(shown)["rateLimit"] == "UNKNOWN"
    assert [(one["scope"], one["limit"], one["used"], one["remaining"]) for one in shown["limits"]] == [
        ("key", 2, None, None),
        ("tier", 1000, None, None),
    ]


def test_what_refuses_is_told_without_a_service_too(terminal: Terminal, key: dict[str, Any]) -> None:
    def verdict(*words: str) -> str:
        return str(terminal.json("keys", "explain", key["id"], *words)["verdict"])

    assert verdict("--address", "192.0.2.1", "--path", "/v1/me") == "IP_NOT_ALLOWED"
    assert verdict(*HERE, "--path", "/v1/keys") == "MANAGEMENT_KEY_REQUIRED"
    assert verdict(*HERE, "--path", "/v1/me", "--method", "POST") == "METHOD_NOT_ALLOWED"
    assert verdict(*HERE, "--path", "/docs") == "PUBLIC"
    terminal.json("keys", "revoke", key["id"])
    assert verdict(*ME) == "KEY_REVOKED"


def test_what_a_running_service_has_counted_is_told_and_goes_on_unchanged(
    terminal: Terminal, key: dict[str, Any], valkey_server: ValkeyServer
) -> None:
    terminal.environ["REDIS_URL"] = valkey_server.url
    headers = {"X-Api-Key": key["rawKey"]}
    peer = {"REMOTE_ADDR": "127.0.0.1"}
    with service(terminal) as client:
        assert client.get("/v1/me", headers=headers, environ_base=peer).status_code == 200
        for _ in range(3):
            shown = terminal.json("keys", "explain", key["id"], *ME)
            assert (shown["verdict"], shown["mode"]) == ("ALLOWED", None)
            assert [one["used"] for one in shown["limits"]] == [1, 1]
        assert client.get("/v1/me", headers=headers, environ_base=peer).status_code == 200
        assert terminal.json("keys", "explain", key["id"], *ME)["verdict"] == "RATE_LIMITED"

        valkey_server.kill()
        shown = terminal.json("keys", "explain", key["id"], *ME)
        assert (shown["verdict"], shown["mode"]) == ("RATE_LIMITED", "local")
        assert client.get("/v1/me", headers=headers, environ_base=peer).status_code == 429


def test_a_redis_that_is_away_is_no_hindrance(
    terminal: Terminal, key: dict[str, Any], tmp_path: Path
) -> None:
    terminal.environ["REDIS_URL"] = "redis://127.0.0.1:1"
    assert terminal.json("keys", "explain", key["id"], *ME)["mode"] == "unknown"
    with serving(tmp_path):
        assert terminal.json("keys", "explain", key["id"], *ME)["mode"] == "local"


def test_for_people_there_is_a_table_of_checks_and_one_of_limits(
    terminal: Terminal, key: dict[str, Any]
) -> None:
    shown = terminal.json("keys", "explain", key["id"], "--address", "192.0.2.1", "--path", "/v1/me")
    lines = terminal.table("keys", "explain", key["id"], "--address", "192.0.2.1", "--path", "/v1/me")

    blank = lines.index("")
    assert lines[0].split() == ["field", "value"]
    assert "verdict  IP_NOT_ALLOWED" in lines[1:blank]
    (refused,) = (line for line in lines if "REFUSED" in line)
    assert refused.split()[:3] == ["address", "REFUSED", "IP_NOT_ALLOWED"]
    first_words = [line.split()[0] for line in lines[blank + 1 :] if line]
    limits = [one["scope"] for one in shown["limits"]]
    assert first_words == ["check", *verdicts(shown), "scope", *limits]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--address", "here", "--path", "/v1/me"), "--address: Not an IPv4 or IPv6 address"),
        ((*HERE, "--path", "v1/me"), "--path: Must be a path as it stands in a URL, as /v1/deals?limit=5"),
        ((*ME, "--method", "BREW"), "--method: Must be one of: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
    ],
)
def test_what_is_wrong_is_named_by_its_option(terminal: Terminal, words: tuple[str, ...], line: str) -> None:
    assert terminal.refused("keys", "explain", "any", *words) == f"VALIDATION_ERROR: {line}"


def test_an_unknown_key_is_refused(terminal: Terminal) -> None:
    assert terminal.refused("keys", "explain", "any", *ME).startswith("ENTITY_NOT_FOUND: ")


def test_an_address_and_a_path_are_needed(terminal: Terminal) -> None:
    assert "--path" in terminal.misused("keys", "explain", "any", *HERE)
    assert "--address" in terminal.misused("keys", "explain", "any", "--path", "/v1/me")
