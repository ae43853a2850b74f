"""Commands act at once on a running service: what they change is in Redis before they answer."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import redis

from gateway.keys import digest
from gateway.records import Snapshot
from gateway.redis_link import open_link
from gateway.store import PUBLISHED_KEY, Store
from tests.cli.terminal import Terminal, serving
from tests.conftest import ValkeyServer

NOBODY_LISTENS = "redis://127.0.0.1:1"


def recalled(url: str, raw_key: str) -> Snapshot | None:
    """What Redis knows of a key."""
    store = Store(open_link(url, 1.0, PUBLISHED_KEY, lambda greeting: None))
    try:
        return store.recall(digest(raw_key), time.monotonic() + 1)
    finally:
        store.close()


def finding(terminal: Terminal, check: str) -> dict[str, Any]:
    """What `doctor` says of one thing."""
    listed = json.loads(terminal.type("doctor", "--json").stdout)
    return next(found for found in listed if found["check"] == check)


def waiting(terminal: Terminal) -> str:
    """What `doctor` says of publishing."""
    return str(finding(terminal, "publishing")["message"])


@pytest.fixture
def shared(terminal: Terminal, valkey_url: str) -> Terminal:
    """A terminal on an installation with a Redis of its own setting."""
    terminal.environ["REDIS_URL"] = valkey_url
    terminal.account()
    return terminal


def test_every_change_of_a_key_is_published_before_the_answer(shared: Terminal, valkey_url: str) -> None:
    def of(key: dict[str, Any]) -> Snapshot:
        found = recalled(valkey_url, key["rawKey"])
        assert found is not None
        return found

    made = shared.key("--rate-limit", "5")
    assert (of(made).key.rate_limit, of(made).key.revoked) == (5, False)
    shared.json("keys", "update", made["id"], "--ip", "10.0.0.1", "--rate-limit", "none")
    assert (of(made).key.rate_limit, of(made).key.ip_whitelist) == (None, ("10.0.0.1",))
    shared.json("keys", "revoke", made["id"])
    assert of(made).key.revoked
    shared.json("keys", "update", made["id"], "--status", "ACTIVE")
    assert not of(made).key.revoked
    new = shared.json("keys", "rotate", made["id"])
    assert of(made).key.grace_ends_at is not None
    assert of(new).key.lineage_id == of(made).key.lineage_id
    shared.json("keys", "revoke", "--owner", "ada@example.com", "--all")
    assert of(new).key.revoked
    assert of(made).key.revoked
    shared.json("keys", "delete", new["id"])
    assert recalled(valkey_url, new["rawKey"]) is None
    assert waiting(shared) == "every change is published"


def test_every_change_of_an_account_or_portal_is_published_before_the_answer(
    shared: Terminal, valkey_url: str
) -> None:
    portal_id = shared.portal("ada@example.com")
    made = shared.key()

    def account() -> Any:
        found = recalled(valkey_url, made["rawKey"])
        assert found is not None
        return found.account

    assert (account().tier, account().portals[portal_id].active) == ("free", True)
    shared.json("accounts", "update", "ada@example.com", "--tier", "enterprise", "--hourly-limit", "7")
    assert (account().tier, account().hourly_limit) == ("enterprise", 7)
    shared.json("accounts", "update", "ada@example.com", "--status", "SUSPENDED")
    assert account().status == "SUSPENDED"
    shared.json("portals", "update", portal_id, "--status", "INACTIVE")
    assert not account().portals[portal_id].active
    shared.json("portals", "remove-member", portal_id, "--email", "ada@example.com")
    assert portal_id not in account().portals


def test_without_a_service_only_the_database_changes(terminal: Terminal) -> None:
    terminal.account()

    assert terminal.key()["status"] == "ACTIVE"
    assert waiting(terminal) == "2 changes wait for the next start"


def test_a_redis_that_is_away_holds_nothing_up_while_no_service_runs_here(terminal: Terminal) -> None:
    terminal.environ["REDIS_URL"] = NOBODY_LISTENS

    terminal.account()

    assert len(terminal.json("accounts", "list")) == 1


@pytest.mark.parametrize("redis_url", ["", NOBODY_LISTENS])
def test_a_running_service_out_of_reach_refuses_every_change(
    terminal: Terminal, tmp_path: Path, redis_url: str
) -> None:
    terminal.account()
    key = terminal.key()
    del key["rawKey"]
    terminal.environ["REDIS_URL"] = redis_url

    with serving(tmp_path):
        for words in (["update", key["id"], "--name", "n"], ["rotate", key["id"]], ["revoke", key["id"]]):
            line = terminal.refused("keys", *words)
            assert line.startswith("OUT_OF_REACH: ")
            assert "nothing was changed" in line
        assert terminal.refused("accounts", "create", "--email", "b@example.com").startswith("OUT_OF_REACH: ")
        assert terminal.json("keys", "show", key["id"]) == key
        assert terminal.json("keys", "list") == [key]
        assert len(terminal.json("accounts", "list")) == 1
        assert terminal.json("portals", "list") == []


def test_a_running_service_with_the_embedded_redis_is_reached_by_its_socket(
    terminal: Terminal, tmp_path: Path, valkey_server: ValkeyServer
) -> None:
    (tmp_path / "redis.sock").symlink_to(valkey_server.folder / "redis.sock")
    terminal.account()

    with serving(tmp_path):
        made = terminal.key()
        terminal.json("keys", "revoke", made["id"])
        found = recalled(valkey_server.url, made["rawKey"])

    assert found is not None
    assert found.key.revoked
    # The account was made while nothing ran: it is published by the first who reaches Redis.
    assert found.account.account_id == made["ownerId"]


def test_republish_rebuilds_what_redis_knows(shared: Terminal, valkey_url: str) -> None:
    keys = [shared.key() for _ in range(3)]
    shared.json("keys", "delete", keys[2]["id"])
    client = redis.Redis.from_url(valkey_url)
    client.set("vk:{stray}:k:0", "1:{}")
    client.flushdb()

    result = shared.json("republish")

    # An account, two keys, and what is left of the third.
    assert result["published"] == 4
    assert [recalled(valkey_url, key["rawKey"]) is not None for key in keys] == [True, True, False]
    client.set("vk:{stray}:k:0", "1:{}")
    assert shared.json("republish") == {"forgotten": 5, "published": 4}
    assert client.get("vk:{stray}:k:0") is None
    assert finding(shared, "redis records")["ok"]
    assert {line.split()[0] for line in shared.table("republish")} == {"field", "forgotten", "published"}
    client.close()


def test_republish_is_refused_when_redis_is_away(terminal: Terminal) -> None:
    terminal.environ["REDIS_URL"] = NOBODY_LISTENS

    assert terminal.refused("republish").startswith("REDIS_UNAVAILABLE: ")
