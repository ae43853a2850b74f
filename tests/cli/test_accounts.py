from __future__ import annotations

import pytest

from app.cli import accounts
from app.models import account
from tests.cli.terminal import UUID, Terminal

FIELDS = ["id", "email", "tier", "hourlyLimit", "status", "isOperator", "createdAt"]


def test_tiers_and_statuses_are_those_of_the_table() -> None:
    assert (accounts.TIERS, accounts.STATUSES) == (account.TIERS, account.STATUSES)


def test_create_prints_the_account(terminal: Terminal) -> None:
    made = terminal.json("accounts", "create", "--email", " Ada@Example.com ")

    assert list(made) == FIELDS
    assert UUID.fullmatch(made["id"])
    assert made["createdAt"].endswith("Z")
    assert {name: made[name] for name in FIELDS[1:-1]} == {
        "email": "ada@example.com",
        "tier": "free",
        "hourlyLimit": None,
        "status": "ACTIVE",
        "isOperator": False,
    }


def test_create_takes_every_option(terminal: Terminal) -> None:
    made = terminal.json(
        *("accounts", "create", "--email", "ada@example.com", "--tier", "enterprise", "--hourly-limit", "77"),
        *("--status", "RESTRICTED", "--operator", "--password-stdin"),
        stdin="correct horse battery\n",
    )

    assert (made["tier"], made["hourlyLimit"], made["status"], made["isOperator"]) == (
        "enterprise",
        77,
        "RESTRICTED",
        True,
    )


def test_create_for_people_is_a_table_with_a_line_a_field(terminal: Terminal) -> None:
    lines = terminal.table("accounts", "create", "--email", "ada@example.com")

    assert [line.split()[0] for line in lines] == ["field", *FIELDS]
    assert lines[2].split() == ["email", "ada@example.com"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--email", "nobody"], "VALIDATION_ERROR: --email: "),
        (["--email", "a\nb@example.com"], "VALIDATION_ERROR: --email: "),
        (["--email", "a" * 10_000 + "@example.com"], "VALIDATION_ERROR: --email: "),
        (["--email", "ada@bob@example.com"], "VALIDATION_ERROR: --email: "),
        (["--email", "ada@faß.de"], "VALIDATION_ERROR: --email: "),
        (["--email", "ada@βόλος.example"], "VALIDATION_ERROR: --email: "),
        (["--email", "ada@ex\u200dample.com"], "VALIDATION_ERROR: --email: "),
        (["--email", "ada@ex\u200cample.com"], "VALIDATION_ERROR: --email: "),
        (["--tier", "enterprise"], "VALIDATION_ERROR: --hourly-limit: "),
        (["--tier", "enterprise", "--hourly-limit", "0"], "VALIDATION_ERROR: --hourly-limit: "),
        (["--tier", "enterprise", "--hourly-limit", str(10**30)], "VALIDATION_ERROR: --hourly-limit: "),
        (["--tier", "pro", "--hourly-limit", "5"], "VALIDATION_ERROR: --hourly-limit: "),
    ],
)
def test_create_refuses_what_does_not_fit(terminal: Terminal, options: list[str], why: str) -> None:
    email = [] if "--email" in options else ["--email", "ada@example.com"]

    assert terminal.refused("accounts", "create", *email, *options).startswith(why)
    assert terminal.json("accounts", "list") == []


def test_create_refuses_a_password_that_is_too_short_without_repeating_it(terminal: Terminal) -> None:
    words = ("accounts", "create", "--email", "ada@example.com", "--password-stdin")

    line = terminal.refused(*words, stdin="hunter2\n")

    assert line.startswith("VALIDATION_ERROR: --password-stdin: ")
    assert "hunter2" not in line


def test_create_refuses_an_address_that_is_taken(terminal: Terminal) -> None:
    terminal.account("ada@example.com")

    assert terminal.refused("accounts", "create", "--email", "ADA@example.com").startswith(
        "VALIDATION_ERROR: --email: "
    )


@pytest.mark.parametrize(
    "words",
    [
        ["create"],
        ["create", "--email", "ada@example.com", "--tier", "gold"],
        ["create", "--email", "ada@example.com", "--status", "active"],
        ["create", "--email", "ada@example.com", "--hourly-limit", "many"],
        ["create", "--email", "ada@example.com", "--no-such-option"],
        ["create", "--email", "ada@example.com", "--password-stdin"],
        ["show"],
        ["show", "ada@example.com", "--email", "ada@example.com"],
        ["update", "ada@example.com"],
        ["update", "--tier", "pro"],
        ["update", "one", "two", "--tier", "pro"],
        ["list", "extra"],
        ["delete", "ada@example.com"],
    ],
)
def test_usage_errors_are_told_apart_from_refusals(terminal: Terminal, words: list[str]) -> None:
    assert "Usage: vibekeys accounts" in terminal.misused("accounts", *words)


def test_list_prints_all_newest_first(terminal: Terminal) -> None:
    made = [terminal.account(f"{name}@example.com") for name in ("ada", "grace", "edsger")]

    assert terminal.json("accounts", "list") == made[::-1]
    lines = terminal.table("accounts", "list")
    assert lines[0].split() == FIELDS
    assert [line.split()[:2] for line in lines[1:]] == [[row["id"], row["email"]] for row in made[::-1]]


def test_list_of_nothing_is_an_empty_list(terminal: Terminal) -> None:
    assert terminal.json("accounts", "list") == []
    assert len(terminal.table("accounts", "list")) == 1


def test_show_finds_by_id_and_by_address(terminal: Terminal) -> None:
    made = terminal.account()

    assert terminal.json("accounts", "show", made["id"]) == made
    assert terminal.json("accounts", "show", "ADA@example.com") == made
    assert terminal.json("accounts", "show", "--email", "ada@example.com") == made


def test_update_changes_what_is_given_and_leaves_the_rest(terminal: Terminal) -> None:
    made = terminal.account()

    changed = terminal.json("accounts", "update", made["id"], "--status", "SUSPENDED")
    assert changed == {**made, "status": "SUSPENDED"}
    changed = terminal.json("accounts", "update", "--email", "ada@example.com", "--operator")
    assert changed == {**made, "status": "SUSPENDED", "isOperator": True}
    changed = terminal.json("accounts", "update", made["id"], "--no-operator", "--status", "ACTIVE")
    assert changed == made
    assert terminal.json("accounts", "show", made["id"]) == made


def test_update_moves_between_tiers(terminal: Terminal) -> None:
    terminal.account()
    update = ("accounts", "update", "ada@example.com")

    assert terminal.refused(*update, "--tier", "enterprise").startswith("VALIDATION_ERROR: --hourly-limit: ")
    assert terminal.json(*update, "--tier", "enterprise", "--hourly-limit", "5")["hourlyLimit"] == 5
    assert terminal.json(*update, "--hourly-limit", "none")["hourlyLimit"] is None
    left = terminal.json(*update, "--tier", "pro")
    assert (left["tier"], left["hourlyLimit"]) == ("pro", None)


@pytest.mark.parametrize("words", [["show", "nobody@example.com"], ["update", "nobody", "--tier", "pro"]])
def test_an_unknown_account_is_refused(terminal: Terminal, words: list[str]) -> None:
    assert terminal.refused("accounts", *words).startswith("ENTITY_NOT_FOUND: ")
