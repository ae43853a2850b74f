from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from peewee import OperationalError

from gateway.keys import PREFIXES, key_type_of
from tests.cli.terminal import RAW_KEY, UUID, Terminal
from tests.key_fields import KEY_FIELDS

OWNER = ("--owner", "ada@example.com")
PERSONAL = ("create", "--type", "personal", *OWNER, "--name", "laptop")


@pytest.fixture
def portal_id(terminal: Terminal) -> str:
    """The portal of the account that every test here has."""
    terminal.account()
    return terminal.portal("ada@example.com")


@pytest.mark.parametrize(
    ("key_type", "opens"),
    [
        ("api", ["--scope", "crm", "--scope", "vibe:infra"]),
        ("authorization", ["--scope", "tasks"]),
        ("management", ["--scope", "vibe:mgmt:keys", "--scope", "vibe:mgmt:feedback"]),
        ("personal", ["--integration", "ai_tools", "--integration", "mcp_server"]),
    ],
)
def test_create_makes_a_key_of_each_type(
    terminal: Terminal, portal_id: str, key_type: str, opens: list[str]
) -> None:
    on_portal = key_type in ("api", "authorization")
    words = ["--type", key_type, *OWNER, "--name", "a key", *opens]

    made = terminal.json("keys", "create", *words, *(["--portal", portal_id] if on_portal else []))

    assert list(made) == [*KEY_FIELDS, "rawKey"]
    assert made["rawKey"].startswith(PREFIXES[key_type])
    assert key_type_of(made["rawKey"]) == made["type"] == key_type
    assert made["rawKey"].startswith(made["keyPrefix"])
    assert made["rawKey"].endswith(made["keySuffix"])
    assert made["portalId"] == (portal_id if on_portal else None)
    assert made["scopes"] + made["integrations"] == [word.replace("tasks", "task") for word in opens[1::2]]
    assert made["status"] == "ACTIVE"
    assert made["rotation"] is None


def test_create_takes_every_setting(terminal: Terminal, portal_id: str) -> None:
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    options = ("--ip", "::ffff:10.1.2.3", "--ip", "10.9.9.9/8", "--rate-limit", "5", "--hourly-limit", "70")

    made = terminal.key(*options, "--expires-at", soon.astimezone().isoformat())

    assert made["ipWhitelist"] == ["10.1.2.3", "10.0.0.0/8"]
    assert (made["rateLimit"], made["hourlyLimit"]) == (5, 70)
    assert made["expiresAt"] == soon.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def test_create_for_people_shows_the_raw_key_once_and_whole(terminal: Terminal, portal_id: str) -> None:
    result = terminal.type("keys", *PERSONAL, "--integration", "cli")

    assert result.exit_code == 0
    assert len(RAW_KEY.findall(result.stdout)) == 1
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["field", *KEY_FIELDS, "rawKey"]
    assert "only time" in result.stderr


def test_a_raw_key_can_never_be_had_again(terminal: Terminal, portal_id: str) -> None:
    made = terminal.key()

    for words in (
        ["list"],
        ["show", made["id"]],
        ["update", made["id"], "--name", "new"],
        ["revoke", made["id"]],
    ):
        assert made["rawKey"] not in terminal.type("keys", *words).output
        assert made["rawKey"] not in terminal.type("keys", *words, "--json").output


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ([], "VALIDATION_ERROR: --integration: "),
        (["--integration", "nothing"], "VALIDATION_ERROR: --integration: "),
        (["--integration", "cli", "--scope", "crm"], "VALIDATION_ERROR: --scope: "),
        (["--integration", "cli", "--ip", "10.0.0.0/33"], "VALIDATION_ERROR: --ip: "),
        (["--integration", "cli", "--ip", "fe80::1%eth0"], "VALIDATION_ERROR: --ip: "),
        (["--integration", "cli", "--ip", ""], "VALIDATION_ERROR: --ip: "),
        (["--integration", "cli", "--rate-limit", "0"], "VALIDATION_ERROR: --rate-limit: "),
        (["--integration", "cli", "--rate-limit", "-1"], "VALIDATION_ERROR: --rate-limit: "),
        (["--integration", "cli", "--hourly-limit", str(10**400)], "VALIDATION_ERROR: --hourly-limit: "),
        (["--integration", "cli", "--expires-at", "tomorrow"], "VALIDATION_ERROR: --expires-at: "),
        (["--integration", "cli", "--expires-at", "2999-01-01T00:00:00"], "VALIDATION_ERROR: --expires-at: "),
        (
            ["--integration", "cli", "--expires-at", "1999-01-01T00:00:00Z"],
            "VALIDATION_ERROR: --expires-at: ",
        ),
        (["--integration", "cli", "--name", ""], "VALIDATION_ERROR: --name: "),
        (["--integration", "cli", "--name", "a\nb"], "VALIDATION_ERROR: --name: "),
        (["--integration", "cli", "--name", "a\0b"], "VALIDATION_ERROR: --name: "),
        (["--integration", "cli", "--name", "a\udc80b"], "VALIDATION_ERROR: --name: "),
        (["--integration", "cli", "--name", "n" * 10_000], "VALIDATION_ERROR: --name: "),
        (["--integration", "cli", "--portal", "company.bitrix24.com"], "VALIDATION_ERROR: --portal: "),
        (["--integration", "cli", "--portal", "nowhere"], "ENTITY_NOT_FOUND: "),
        (["--integration", "cli", "--owner", "nobody@example.com"], "ENTITY_NOT_FOUND: "),
    ],
)
def test_create_refuses_what_does_not_fit(
    terminal: Terminal, portal_id: str, options: list[str], why: str
) -> None:
    assert terminal.refused("keys", *PERSONAL, *options).startswith(why)
    assert terminal.json("keys", "list") == []


@pytest.mark.parametrize(
    ("key_type", "options", "why"),
    [
        ("api", ["--scope", "crm"], "VALIDATION_ERROR: --portal: "),
        ("api", ["--portal", "company.bitrix24.com"], "VALIDATION_ERROR: --scope: "),
        (
            "api",
            ["--portal", "company.bitrix24.com", "--scope", "vibe:mgmt:keys"],
            "VALIDATION_ERROR: --scope: ",
        ),
        ("management", ["--scope", "crm"], "VALIDATION_ERROR: --scope: "),
        ("management", ["--integration", "cli"], "VALIDATION_ERROR: --"),
    ],
)
def test_create_refuses_what_another_type_has(
    terminal: Terminal, portal_id: str, key_type: str, options: list[str], why: str
) -> None:
    words = ("keys", "create", "--type", key_type, *OWNER, "--name", "n")

    assert terminal.refused(*words, *options).startswith(why)
    assert terminal.json("keys", "list") == []


def test_create_refuses_a_portal_that_the_owner_is_not_a_member_of(
    terminal: Terminal, portal_id: str
) -> None:
    terminal.account("grace@example.com")
    words = (
        "--type",
        "api",
        "--owner",
        "grace@example.com",
        "--name",
        "n",
        "--scope",
        "crm",
        "--portal",
        portal_id,
    )

    assert terminal.refused("keys", "create", *words).startswith("NOT_PORTAL_MEMBER: ")


def test_everything_that_is_wrong_is_said_in_one_line(terminal: Terminal, portal_id: str) -> None:
    line = terminal.refused("keys", *PERSONAL, "--rate-limit", "0", "--ip", "home")

    for option in ("--rate-limit: ", "--ip: ", "--integration: "):
        assert option in line


@pytest.mark.parametrize(
    "words",
    [
        ["create", *OWNER, "--name", "n"],
        ["create", "--type", "secret", *OWNER, "--name", "n"],
        ["create", "--type", "personal", "--name", "n"],
        ["create", "--type", "personal", *OWNER],
        [*PERSONAL, "--rate-limit", "fast"],
        [*PERSONAL, "--rate-limit", "5.7"],
        [*PERSONAL, "--ip", "none", "--ip", "10.0.0.1"],
        ["show"],
        ["update", "id"],
        ["update", "id", "--status", "EXPIRED"],
        ["update", "--name", "n"],
        ["rotate"],
        ["rotate", "id", "--grace-hours", "long"],
        ["revoke"],
        ["revoke", "--all"],
        ["revoke", *OWNER],
        ["revoke", "id", "--all"],
        ["revoke", "id", *OWNER, "--all"],
        ["delete"],
    ],
)
def test_usage_errors_are_told_apart_from_refusals(terminal: Terminal, words: list[str]) -> None:
    assert "Usage: vibekeys keys" in terminal.misused("keys", *words)


def test_list_prints_the_keys_of_all_or_of_one_newest_first(terminal: Terminal, portal_id: str) -> None:
    terminal.account("grace@example.com")
    made = [terminal.key(owner=f"{name}@example.com") for name in ("ada", "grace", "ada")]
    newest_first = [key["id"] for key in made[::-1]]

    assert [key["id"] for key in terminal.json("keys", "list")] == newest_first
    of_one = terminal.json("keys", "list", "--owner", "ADA@example.com")
    assert [key["id"] for key in of_one] == newest_first[::2]
    assert list(of_one[0]) == KEY_FIELDS
    lines = terminal.table("keys", "list")
    assert lines[0].split() == ["id", "type", "name", "key", "status", "owner", "portal", "expiresAt"]
    assert [line.split()[0] for line in lines[1:]] == newest_first
    assert all(f"{key['keyPrefix']}...{key['keySuffix']}" in "\n".join(lines) for key in made)
    assert terminal.refused("keys", "list", "--owner", "nobody@example.com").startswith("ENTITY_NOT_FOUND: ")


def test_show_prints_the_key_without_its_secret(terminal: Terminal, portal_id: str) -> None:
    made = terminal.key()
    raw_key = made.pop("rawKey")

    assert terminal.json("keys", "show", made["id"]) == made
    assert raw_key not in "".join(terminal.table("keys", "show", made["id"]))


SETTINGS: list[tuple[list[str], dict[str, Any]]] = [
    (["--name", "new"], {"name": "new"}),
    (["--name", "none"], {"name": "none"}),
    (["--integration", "ai_tools"], {"integrations": ["ai_tools"]}),
    (["--ip", "10.0.0.1", "--ip", "2001:db8::/32"], {"ipWhitelist": ["10.0.0.1", "2001:db8::/32"]}),
    (["--ip", "none"], {"ipWhitelist": []}),
    (["--rate-limit", "9"], {"rateLimit": 9}),
    (["--rate-limit", "None"], {"rateLimit": None}),
    (["--hourly-limit", "90"], {"hourlyLimit": 90}),
    (["--hourly-limit", "none"], {"hourlyLimit": None}),
    (["--expires-at", "2998-01-01T02:00:00+02:00"], {"expiresAt": "2998-01-01T00:00:00.000Z"}),
    (["--expires-at", "none"], {"expiresAt": None}),
    (["--status", "REVOKED"], {"status": "REVOKED"}),
    (["--status", "ACTIVE"], {"status": "ACTIVE"}),
    (["--name", "both", "--rate-limit", "3"], {"name": "both", "rateLimit": 3}),
]


@pytest.mark.parametrize(("options", "changes"), SETTINGS)
def test_update_changes_what_is_given_and_leaves_the_rest(
    terminal: Terminal, portal_id: str, options: list[str], changes: dict[str, Any]
) -> None:
    limits = ("--ip", "10.0.0.0/8", "--rate-limit", "5", "--hourly-limit", "70")
    made = terminal.key(*limits, "--expires-at", "2999-01-01T00:00:00Z")
    del made["rawKey"]

    assert terminal.json("keys", "update", made["id"], *options) == {**made, **changes}
    assert terminal.json("keys", "show", made["id"]) == {**made, **changes}


@pytest.mark.parametrize(
    "options",
    [["--scope", "crm"], ["--name", ""], ["--ip", "x"], ["--rate-limit", "0"], ["--integration", "x"]],
)
def test_update_refuses_what_does_not_fit_and_changes_nothing(
    terminal: Terminal, portal_id: str, options: list[str]
) -> None:
    made = terminal.key()
    del made["rawKey"]

    line = terminal.refused("keys", "update", made["id"], "--hourly-limit", "7", *options)

    assert line.startswith(f"VALIDATION_ERROR: {options[0]}: ")
    assert terminal.json("keys", "show", made["id"]) == made


def test_rotate_prints_the_successor(terminal: Terminal, portal_id: str) -> None:
    old = terminal.key("--rate-limit", "5")

    new = terminal.json("keys", "rotate", old["id"])

    assert list(new) == [*KEY_FIELDS, "rawKey"]
    assert new["rawKey"] != old["rawKey"]
    assert (new["name"], new["rateLimit"], new["rotation"]["predecessorId"]) == ("laptop", 5, old["id"])
    left = terminal.json("keys", "show", old["id"])
    assert (left["status"], left["rotation"]["successorId"]) == ("ACTIVE", new["id"])
    assert terminal.refused("keys", "rotate", old["id"]).startswith("KEY_ALREADY_ROTATED: ")
    assert terminal.refused("keys", "rotate", new["id"]).startswith("PREDECESSOR_IN_GRACE: ")


def test_rotate_makes_no_key_that_cannot_be_printed(
    terminal: Terminal, portal_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("disk I/O error")

    old = terminal.key()
    with monkeypatch.context() as patched:
        patched.setattr("app.schemas.key._predecessors_graces", fail)
        assert terminal.refused("keys", "rotate", old["id"]).startswith("DATABASE_UNAVAILABLE: ")

    assert terminal.json("keys", "show", old["id"])["rotation"] is None


def test_rotate_takes_a_grace_and_an_expiry(terminal: Terminal, portal_id: str) -> None:
    old = terminal.key()

    new = terminal.json(
        "keys", "rotate", old["id"], "--grace-hours", "0", "--expires-at", "2999-01-01T00:00:00Z"
    )

    assert new["expiresAt"] == "2999-01-01T00:00:00.000Z"
    assert terminal.json("keys", "show", old["id"])["status"] == "ROTATED"
    assert terminal.refused("keys", "update", old["id"], "--status", "ACTIVE").startswith(
        "KEY_ALREADY_ROTATED: "
    )


@pytest.mark.parametrize("hours", ["24.5", "-1", "nan", "inf", "1e400"])
def test_rotate_refuses_a_grace_that_the_setting_does_not_allow(
    terminal: Terminal, portal_id: str, hours: str
) -> None:
    old = terminal.key()

    line = terminal.refused("keys", "rotate", old["id"], "--grace-hours", hours)

    assert line.startswith("VALIDATION_ERROR: --grace-hours: ")
    assert len(terminal.json("keys", "list")) == 1


def test_rotate_refuses_a_revoked_key(terminal: Terminal, portal_id: str) -> None:
    old = terminal.key()
    terminal.json("keys", "revoke", old["id"])

    assert terminal.refused("keys", "rotate", old["id"]).startswith("KEY_NOT_ACTIVE: ")


def test_rotate_for_people_shows_the_raw_key_once(terminal: Terminal, portal_id: str) -> None:
    old = terminal.key()

    assert len(RAW_KEY.findall("\n".join(terminal.table("keys", "rotate", old["id"])))) == 1


def test_revoke_ends_one_key(terminal: Terminal, portal_id: str) -> None:
    made, other = terminal.key(), terminal.key()

    assert terminal.json("keys", "revoke", made["id"])["status"] == "REVOKED"
    assert terminal.json("keys", "revoke", made["id"])["status"] == "REVOKED"
    assert terminal.json("keys", "show", other["id"])["status"] == "ACTIVE"


def test_revoke_ends_all_keys_of_an_owner(terminal: Terminal, portal_id: str) -> None:
    grace = terminal.account("grace@example.com")
    kept, *_ = terminal.key(), terminal.key(owner=grace["email"]), terminal.key(owner=grace["email"])

    words = ("keys", "revoke", "--owner", "grace@example.com", "--all")
    assert terminal.json(*words) == {"ownerId": grace["id"], "revoked": 2}
    assert terminal.json(*words) == {"ownerId": grace["id"], "revoked": 0}
    statuses = {key["id"]: key["status"] for key in terminal.json("keys", "list")}
    assert [key_id for key_id, status in statuses.items() if status == "ACTIVE"] == [kept["id"]]


def test_delete_forgets_the_key(terminal: Terminal, portal_id: str) -> None:
    made = terminal.key()

    assert terminal.json("keys", "delete", made["id"]) == {"id": made["id"], "deleted": True}
    assert terminal.json("keys", "list") == []
    assert terminal.refused("keys", "delete", made["id"]).startswith("ENTITY_NOT_FOUND: ")


@pytest.mark.parametrize("words", [["show"], ["update", "--name", "n"], ["rotate"], ["revoke"], ["delete"]])
@pytest.mark.parametrize("key_id", ["0", "01a2163a-a03c-7681-80a8-fda7c5ed3612", "n" * 10_000, "a\0b"])
def test_an_unknown_key_is_refused(terminal: Terminal, words: list[str], key_id: str) -> None:
    assert terminal.refused("keys", words[0], key_id, *words[1:]).startswith("ENTITY_NOT_FOUND: ")


def test_ids_are_whole_in_every_table(terminal: Terminal, portal_id: str) -> None:
    made = terminal.key("--ip", "10.0.0.1")

    for words in (["list"], ["show", made["id"]], ["revoke", made["id"]], ["delete", made["id"]]):
        assert UUID.search("\n".join(terminal.table("keys", *words)))


def test_what_would_move_the_cursor_is_shown_as_an_escape(terminal: Terminal, portal_id: str) -> None:
    made = terminal.key("--name", "left\u202eright")

    shown = [line.split() for line in terminal.table("keys", "show", made["id"])]
    assert ["name", r"left\u202eright"] in shown
    assert terminal.json("keys", "show", made["id"])["name"] == "left\u202eright"
