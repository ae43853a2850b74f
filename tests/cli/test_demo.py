from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config import Config
from app.demo import ACCOUNTS, load
from app.models import Account, Key, Membership, Portal, Ticket
from app.services import Services
from app.wiring import open_services
from gateway.keys import KEY_TYPES, key_type_of
from tests.cli.terminal import RAW_KEY, Terminal


@pytest.fixture
def services(terminal: Terminal, tmp_path: Path) -> Iterator[Services]:
    environ = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/vibekeys.db",
        "PUBLIC_URL": "https://keys.example.com/base/",
    }
    opened = open_services(Config.from_env(environ), redis="none")
    yield opened
    opened.close()


def raw_keys(lines: list[str]) -> list[str]:
    """The raw keys that stand alone, and not in a command."""
    return [line.split()[0] for line in lines if RAW_KEY.match(line.strip())]


def test_an_account_of_each_tier_a_portal_and_a_key_of_each_type_are_made(services: Services) -> None:
    lines = load(services)

    assert {account.tier: account.email for account in Account.select()} == ACCOUNTS
    (portal,) = Portal.select()
    assert (portal.linked, portal.status, portal.webhook_url_sealed) == (True, "ACTIVE", None)
    assert {row.role for row in Membership.select()} == {"ADMIN", "MEMBER"}
    assert sorted(key.type for key in Key.select()) == sorted(KEY_TYPES)
    assert [key_type_of(raw_key) for raw_key in raw_keys(lines)] == list(KEY_TYPES)


def test_each_key_comes_with_commands_ready_to_paste(services: Services) -> None:
    lines = load(services)
    made = dict(zip(KEY_TYPES, raw_keys(lines), strict=True))
    commands = [shlex.split(line) for line in lines if line.strip().startswith("curl ")]

    urls = [words[-1] for words in commands if "-X" not in words]
    assert all(re.match(r"https://keys\.example\.com/base/(api/)?v1/", url) for url in urls)
    for raw_key in made.values():
        assert any(raw_key in " ".join(words) and words[-1].endswith("/v1/me") for words in commands)
    of_management = " ".join(" ".join(words) for words in commands if made["management"] in " ".join(words))
    for path in ("/v1/guide", "/v1/portals", "/v1/keys?portalId=", "/v1/keys ", "/rotate", "/v1/feedback?"):
        assert path in of_management + " "
    of_personal = [words[-1].partition("/base")[2] for words in commands if made["personal"] in " ".join(words)]
    for path in ("account", "api-keys", "prompts", "claude-code/hooks", "activity", "alerts"):
        assert f"/api/v1/{path}" in of_personal


def test_a_second_time_says_what_is_there_and_how_to_get_another_key(
    services: Services, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", [os.sep + "vibekeys", "run", "--demo"])
    load(services)

    lines = load(services)

    assert not RAW_KEY.search("\n".join(lines))
    assert [model.select().count() for model in (Account, Portal, Key, Ticket)] == [3, 1, 4, 1]
    commands = [shlex.split(line) for line in lines if line.strip().startswith("/vibekeys ")]
    assert [terminal.json(*words[1:])["type"] for words in commands] == list(KEY_TYPES)


def test_what_an_interrupted_start_left_out_is_made_by_the_next(services: Services) -> None:
    load(services)
    Key.delete().where(Key.type == "personal").execute()

    (raw_key,) = raw_keys(load(services))

    assert key_type_of(raw_key) == "personal"
    assert Key.select().count() == 4
