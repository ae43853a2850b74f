"""`vibekeys servers`: an operator cures a key that is held by servers which nobody else can delete."""

from __future__ import annotations

from typing import Any

import pytest

from app.config import Config
from app.ledger import Actor
from app.models import Key
from app.wiring import open_services
from tests.cli.terminal import Terminal

UNKNOWN_ID = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.fixture
def portal_id(terminal: Terminal) -> str:
    terminal.account()
    return terminal.portal("ada@example.com")


def portal_key(terminal: Terminal, portal_id: str) -> str:
    """The id of a new key that may register servers."""
    words = ("--type", "api", "--owner", "ada@example.com", "--portal", portal_id, "--scope", "vibe:infra")
    return str(terminal.json("keys", "create", "--name", "till", *words)["id"])


def new_server(terminal: Terminal, key_id: str, name: str) -> str:
    """The id of a server, made as its key makes it by REST."""
    environ = {name: value for name, value in terminal.environ.items() if value is not None}
    services = open_services(Config.from_env(environ), redis="none")
    try:
        key = Key.get_by_id(key_id)
        actor = Actor("key", key.owner_id, key.id, "192.0.2.7", "vibe:infra")
        place = {"portal_id": str(key.portal_id), "lineage_id": key.lineage_id}
        server, _ = services.servers.create(actor, **place, name=name)
        return server.id
    finally:
        services.close()


@pytest.fixture
def held(terminal: Terminal, portal_id: str) -> dict[str, str]:
    """The servers of two keys by their names, each under the id of its key."""
    keys = [portal_key(terminal, portal_id) for _ in range(2)]
    servers = {
        name: new_server(terminal, key, name) for name, key in zip("abc", (*keys, keys[1]), strict=True)
    }
    return {**servers, "key of a": keys[0], "key of b and c": keys[1]}


def test_list_prints_the_servers_of_all_or_of_one_key_newest_first(
    terminal: Terminal, held: dict[str, str]
) -> None:
    def names(*options: str) -> list[tuple[str, str]]:
        return [(server["name"], server["keyId"]) for server in terminal.json("servers", "list", *options)]

    a, b, c = (
        (name, held[key])
        for name, key in (("a", "key of a"), ("b", "key of b and c"), ("c", "key of b and c"))
    )
    assert names() == [c, b, a]
    assert names("--key", held["key of a"]) == [a]
    assert names("--key", held["key of b and c"]) == [c, b]


def test_list_is_what_rest_shows_and_for_people_names_the_portal(
    terminal: Terminal, held: dict[str, str]
) -> None:
    server: dict[str, Any] = terminal.json("servers", "list")[-1]
    assert list(server) == ["id", "name", "status", "keyId", "createdAt"]
    assert (server["id"], server["name"], server["status"]) == (held["a"], "a", "ACTIVE")

    head, *rows = terminal.table("servers", "list")
    assert head.split() == ["id", "name", "keyId", "portal", "createdAt"]
    assert rows[-1].split()[:4] == [held["a"], "a", held["key of a"], "company.bitrix24.com"]


def test_list_names_the_newest_key_of_the_lineage_and_finds_it_by_any(
    terminal: Terminal, held: dict[str, str]
) -> None:
    successor = terminal.json("keys", "rotate", held["key of a"])["id"]

    for key_id in (held["key of a"], successor):
        (server,) = terminal.json("servers", "list", "--key", key_id)
        assert (server["name"], server["keyId"]) == ("a", successor)


def test_a_revoked_key_can_be_deleted_once_its_servers_are(terminal: Terminal, held: dict[str, str]) -> None:
    key_id = held["key of b and c"]
    terminal.json("keys", "revoke", key_id)
    line = terminal.refused("keys", "delete", key_id)
    assert line.startswith("KEY_HAS_ACTIVE_SERVERS: ")
    assert "vibekeys servers" in line

    for name in ("b", "c"):
        assert terminal.json("servers", "delete", held[name]) == {"id": held[name], "deleted": True}
    assert terminal.json("keys", "delete", key_id)["deleted"] is True
    assert [server["name"] for server in terminal.json("servers", "list")] == ["a"]


def test_what_does_not_exist_is_refused(terminal: Terminal, held: dict[str, str]) -> None:
    assert terminal.refused("servers", "delete", UNKNOWN_ID).startswith("ENTITY_NOT_FOUND: ")
    assert terminal.refused("servers", "list", "--key", UNKNOWN_ID).startswith("ENTITY_NOT_FOUND: ")
    assert len(terminal.json("servers", "list")) == 3


@pytest.mark.parametrize("words", [["list", "all"], ["delete"], ["show", UNKNOWN_ID]])
def test_usage_errors_are_told_apart_from_refusals(terminal: Terminal, words: list[str]) -> None:
    assert "Usage: vibekeys servers" in terminal.misused("servers", *words)
