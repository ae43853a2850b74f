from __future__ import annotations

import pytest

from app.bitrix.sandbox import Sandbox
from app.cli import portals
from app.models import portal
from tests.cli.terminal import UUID, Terminal

FIELDS = ["id", "domain", "status", "linked", "hasWebhookUrl", "appKeyCount", "members", "createdAt"]
WEBHOOK = "https://company.bitrix24.com/rest/1/s3cr3t/"


def test_statuses_and_roles_are_those_of_the_tables() -> None:
    assert (portals.STATUSES, portals.ROLES) == (portal.STATUSES, portal.ROLES)


def test_create_prints_a_linked_active_portal(terminal: Terminal) -> None:
    made = terminal.json("portals", "create", "--domain", "Company.Bitrix24.com")

    assert list(made) == FIELDS
    assert UUID.fullmatch(made["id"])
    assert {name: made[name] for name in FIELDS[1:-1]} == {
        "domain": "company.bitrix24.com",
        "status": "ACTIVE",
        "linked": True,
        "hasWebhookUrl": False,
        "appKeyCount": 0,
        "members": [],
    }


def test_create_takes_every_option(terminal: Terminal) -> None:
    options = ("--status", "INACTIVE", "--unlinked", "--webhook-url", WEBHOOK)

    made = terminal.json("portals", "create", "--domain", "company.bitrix24.com", *options)

    assert (made["status"], made["linked"], made["hasWebhookUrl"]) == ("INACTIVE", False, True)


def test_a_webhook_url_can_come_by_stdin_and_is_never_shown(terminal: Terminal) -> None:
    words = ("portals", "create", "--domain", "company.bitrix24.com", "--webhook-url", "-")

    made = terminal.type(*words, stdin=WEBHOOK + "\n")

    assert made.exit_code == 0
    assert "s3cr3t" not in made.output
    assert terminal.json("portals", "list")[0]["hasWebhookUrl"] is True
    assert "s3cr3t" not in terminal.type("portals", "list").output


def test_a_webhook_url_may_be_that_of_the_stand_in(terminal: Terminal, sandbox: Sandbox) -> None:
    words = ("portals", "create", "--domain", "company.bitrix24.com", "--webhook-url", "-")

    assert terminal.json(*words, stdin=f"{sandbox.webhook_url}/\n")["hasWebhookUrl"] is True


@pytest.mark.parametrize(
    "url",
    [
        "ftp://company.bitrix24.com/rest/1/s3cr3t/",
        "https://company.bitrix24.com/rest/1/s3cr3t/profile.json",
        "https://company.bitrix24.com/rest/me/s3cr3t/",
        "http://elsewhere.example/rest/1/s3cr3t s3cr3t/",
        "http://127.0.0.1:8010/rest/s3cr3t/",
    ],
)
def test_a_bad_webhook_url_is_refused_without_repeating_it(terminal: Terminal, url: str) -> None:
    words = ("portals", "create", "--domain", "company.bitrix24.com", "--webhook-url", "-")

    line = terminal.refused(*words, stdin=f"{url}\n")

    assert line.startswith("VALIDATION_ERROR: --webhook-url: ")
    assert "s3cr3t" not in line


@pytest.mark.parametrize(
    "domain", ["", "no spaces.com", "-bad.com", "a" * 10_000, "http://company.bitrix24.com"]
)
def test_create_refuses_what_is_no_host_name(terminal: Terminal, domain: str) -> None:
    line = terminal.refused("portals", "create", "--domain", domain)

    assert line.startswith("VALIDATION_ERROR: --domain: ")
    assert terminal.json("portals", "list") == []


def test_create_refuses_a_domain_that_is_taken(terminal: Terminal) -> None:
    terminal.portal(domain="company.bitrix24.com")

    line = terminal.refused("portals", "create", "--domain", "COMPANY.bitrix24.com")

    assert line.startswith("VALIDATION_ERROR: --domain: ")


@pytest.mark.parametrize(
    "words",
    [
        ["create"],
        ["create", "--domain", "a.com", "--status", "active"],
        ["create", "--domain", "a.com", "--webhook-url", "-"],
        ["update", "--status", "ACTIVE"],
        ["update", "a.com"],
        ["update", "a.com", "--domain", "a.com", "--status", "ACTIVE"],
        ["add-member", "a.com"],
        ["add-member", "--email", "ada@example.com"],
        ["add-member", "a.com", "--email", "ada@example.com", "--role", "OWNER"],
        ["remove-member", "a.com"],
        ["list", "extra"],
    ],
)
def test_usage_errors_are_told_apart_from_refusals(terminal: Terminal, words: list[str]) -> None:
    assert "Usage: vibekeys portals" in terminal.misused("portals", *words)


def test_list_prints_all_newest_first(terminal: Terminal) -> None:
    ids = [terminal.portal(domain=f"{name}.bitrix24.com") for name in ("one", "two")]

    assert [row["id"] for row in terminal.json("portals", "list")] == ids[::-1]
    lines = terminal.table("portals", "list")
    assert lines[0].split() == FIELDS[:-1]
    assert [line.split()[0] for line in lines[1:]] == ids[::-1]


def test_update_changes_what_is_given_and_leaves_the_rest(terminal: Terminal) -> None:
    portal_id = terminal.portal()
    (before,) = terminal.json("portals", "list")

    assert terminal.json("portals", "update", portal_id, "--status", "INACTIVE") == {
        **before,
        "status": "INACTIVE",
    }
    by_domain = ("portals", "update", "--domain", "company.bitrix24.com")
    assert terminal.json(*by_domain, "--status", "ACTIVE", "--unlinked") == {**before, "linked": False}
    assert terminal.json(*by_domain, "--linked", "--webhook-url", "-", stdin=WEBHOOK)["hasWebhookUrl"] is True
    assert terminal.json(*by_domain, "--webhook-url", "none") == before


def test_members_come_change_their_role_and_go(terminal: Terminal) -> None:
    account, portal_id = terminal.account(), terminal.portal()
    member = {"portalId": portal_id, "accountId": account["id"], "email": "ada@example.com"}
    words = (portal_id, "--email", "ada@example.com")

    assert terminal.json("portals", "add-member", *words) == {**member, "role": "MEMBER"}
    assert terminal.json("portals", "add-member", *words, "--role", "ADMIN") == {**member, "role": "ADMIN"}
    (shown,) = terminal.json("portals", "list")
    assert shown["members"] == [{"accountId": account["id"], "email": "ada@example.com", "role": "ADMIN"}]
    assert terminal.json("portals", "remove-member", *words) == {**member, "deleted": True}
    assert terminal.json("portals", "list")[0]["members"] == []
    assert terminal.refused("portals", "remove-member", *words).startswith("ENTITY_NOT_FOUND: ")


def test_the_active_api_keys_of_each_portal_are_counted(terminal: Terminal) -> None:
    terminal.account()
    portal_ids = [
        terminal.portal("ada@example.com", domain=f"{name}.bitrix24.com") for name in ("one", "two")
    ]
    words = ("keys", "create", "--owner", "ada@example.com", "--name", "n", "--scope", "crm")
    for key_type in ("api", "api", "authorization"):
        made = terminal.json(*words, "--type", key_type, "--portal", portal_ids[0])
    revoked = terminal.json(*words, "--type", "api", "--portal", portal_ids[1])
    terminal.json("keys", "revoke", revoked["id"])

    counts = {row["id"]: row["appKeyCount"] for row in terminal.json("portals", "list")}

    assert made["portalId"] == portal_ids[0]
    assert counts == {portal_ids[0]: 2, portal_ids[1]: 0}


@pytest.mark.parametrize(
    "words",
    [
        ["update", "nowhere.com", "--status", "ACTIVE"],
        ["add-member", "nowhere.com", "--email", "ada@example.com"],
        ["add-member", "company.bitrix24.com", "--email", "nobody@example.com"],
        ["remove-member", "nowhere.com", "--email", "ada@example.com"],
    ],
)
def test_an_unknown_portal_or_account_is_refused(terminal: Terminal, words: list[str]) -> None:
    terminal.account()
    terminal.portal()

    assert terminal.refused("portals", *words).startswith("ENTITY_NOT_FOUND: ")
