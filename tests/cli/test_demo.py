from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config import Config
from app.demo import ACCOUNTS, load
from app.ledger import Actor
from app.models import Account, Key, Membership, Portal, Ticket
from app.services import Services
from app.wiring import open_services
from gateway.keys import KEY_TYPES, key_type_of
from tests.cli.terminal import RAW_KEY, Terminal

WEBHOOK = "http://127.0.0.1:8010/rest/1/secret"


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
    lines = load(services, WEBHOOK)

    assert {account.tier: account.email for account in Account.select()} == ACCOUNTS
    (portal,) = Portal.select()
    assert (portal.linked, portal.status, portal.allow_private) == (True, "ACTIVE", True)
    assert services.portals.webhook_url(portal) == WEBHOOK
    assert {row.role for row in Membership.select()} == {"ADMIN", "MEMBER"}
    assert sorted(key.type for key in Key.select()) == sorted(KEY_TYPES)
    assert [key_type_of(raw_key) for raw_key in raw_keys(lines)] == list(KEY_TYPES)


def test_each_key_comes_with_commands_ready_to_paste(services: Services) -> None:
    lines = load(services, WEBHOOK)
    made = dict(zip(KEY_TYPES, raw_keys(lines), strict=True))
    commands = [shlex.split(line) for line in lines if line.strip().startswith("curl ")]

    urls = [words[-1] for words in commands if "-X" not in words]
    assert all(re.match(r"https://keys\.example\.com/base/(api/)?v1/", url) for url in urls)
    for raw_key in made.values():
        assert any(raw_key in " ".join(words) and words[-1].endswith("/v1/me") for words in commands)
    of_api = " ".join(" ".join(words) for words in commands if made["api"] in " ".join(words))
    for path in ("/v1/deals?limit=3", "/v1/deals "):
        assert path in of_api + " "
    of_management = " ".join(" ".join(words) for words in commands if made["management"] in " ".join(words))
    for path in ("/v1/guide", "/v1/portals", "/v1/keys?portalId=", "/v1/keys ", "/rotate", "/v1/feedback?"):
        assert path in of_management + " "
    of_personal = [
        words[-1].partition("/base")[2] for words in commands if made["personal"] in " ".join(words)
    ]
    for path in ("account", "api-keys", "prompts", "claude-code/hooks", "activity", "alerts"):
        assert f"/api/v1/{path}" in of_personal


def test_an_operator_can_sign_in_with_what_is_printed_once(services: Services) -> None:
    lines = "\n".join(load(services, WEBHOOK))
    assert f"https://keys.example.com/base/dashboard, sign in as {ACCOUNTS['pro']}" in lines
    (password,) = re.findall(r"password (\S+)  \(shown only now\)", lines)

    assert services.sign_in.by_password(ACCOUNTS["pro"], password, "192.0.2.1", "a browser")

    assert [account.email for account in Account.select().where(Account.is_operator)] == [ACCOUNTS["pro"]]
    assert password not in "\n".join(load(services, WEBHOOK))


def test_a_second_time_says_what_is_there_and_how_to_get_another_key(
    services: Services, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", [os.sep + "vibekeys", "run", "--demo"])
    load(services, WEBHOOK)

    lines = load(services, WEBHOOK)

    assert not RAW_KEY.search("\n".join(lines))
    assert [model.select().count() for model in (Account, Portal, Key, Ticket)] == [3, 1, 4, 1]
    new_password, *commands = [shlex.split(line) for line in lines if line.strip().startswith("/vibekeys ")]
    assert terminal.json(*new_password[1:], stdin="another password")["email"] == ACCOUNTS["pro"]
    assert [terminal.json(*words[1:])["type"] for words in commands] == list(KEY_TYPES)


def test_what_an_interrupted_start_left_out_is_made_by_the_next(services: Services) -> None:
    load(services, WEBHOOK)
    Key.delete().where(Key.type == "personal").execute()

    (raw_key,) = raw_keys(load(services, WEBHOOK))

    assert key_type_of(raw_key) == "personal"
    assert Key.select().count() == 4


@pytest.mark.parametrize("known", [None, "http://127.0.0.1:8011/rest/1/secret"])
def test_the_portal_follows_the_stand_in_to_another_port(services: Services, known: str | None) -> None:
    load(services, WEBHOOK)
    (portal,) = Portal.select()
    services.portals.update(Actor("cli"), portal.id, webhook_url=known)

    load(services, WEBHOOK)

    (portal,) = Portal.select()
    assert services.portals.webhook_url(portal) == WEBHOOK


def test_a_portal_of_ones_own_is_left_alone(services: Services) -> None:
    own = "https://demo.bitrix24.localhost/rest/1/secret"
    load(services, WEBHOOK)
    (portal,) = Portal.select()
    services.portals.update(Actor("cli"), portal.id, webhook_url=own)

    load(services, WEBHOOK)

    (portal,) = Portal.select()
    assert services.portals.webhook_url(portal) == own


def test_a_webhook_that_cannot_be_opened_any_more_is_given_again(services: Services) -> None:
    load(services, WEBHOOK)
    Portal.update(webhook_url_sealed=b"sealed under another secret").execute()

    load(services, WEBHOOK)

    (portal,) = Portal.select()
    assert services.portals.webhook_url(portal) == WEBHOOK
