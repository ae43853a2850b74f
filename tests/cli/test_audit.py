from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.cli.terminal import UUID, Terminal
from tests.cli.test_process import environment

FIELDS = [
    *("seq", "at", "who", "actorKind", "accountId", "keyId", "keyPrefix", "address"),
    *("action", "targetKind", "targetId", "before", "after", "mac"),
]


@pytest.fixture
def portal(terminal: Terminal) -> str:
    """The id of a portal whose one member has done nothing yet."""
    terminal.account()
    return terminal.portal("ada@example.com")


@pytest.fixture
def key(terminal: Terminal, portal: str) -> dict[str, Any]:
    """The fourth row: a new key."""
    return terminal.key("--ip", "192.0.2.0/24", "--expires-at", "2030-01-31T12:00:00Z")


@pytest.fixture
def database(terminal: Terminal, tmp_path: Path) -> apsw.Connection:
    """What whoever has the file can write into it."""
    return apsw.Connection(str(tmp_path / "vibekeys.db"))


def done_by(database: apsw.Connection, key: dict[str, Any], seq: int, address: str = "192.0.2.7") -> None:
    """Make a row say that a key's holder did it, which only requests can."""
    columns = "actor_kind = 'key', actor_account_id = ?, actor_key_id = ?, address = ?"
    database.execute(f"UPDATE audit SET {columns} WHERE seq = ?", (key["ownerId"], key["id"], address, seq))


def shown(key: dict[str, Any]) -> dict[str, str]:
    """What may be shown of a raw key."""
    return {name: key[name] for name in ("keyPrefix", "keySuffix")}


def numbers(rows: list[dict[str, Any]]) -> list[int]:
    return [row["seq"] for row in rows]


def test_list_shows_who_what_and_when_the_newest_first(terminal: Terminal, key: dict[str, Any]) -> None:
    terminal.json("keys", "update", key["id"], "--name", "renamed", "--expires-at", "none")

    rows = terminal.json("audit", "list")

    assert numbers(rows) == [5, 4, 3, 2, 1]
    assert all(list(row) == FIELDS for row in rows)
    assert [row["action"] for row in rows] == [
        *("key.changed", "key.issued", "portal.member_set", "portal.created", "account.created"),
    ]
    newest = rows[0]
    assert newest["at"].endswith("Z")
    assert (newest["who"], newest["keyId"], newest["address"]) == ("cli", None, None)
    assert (newest["targetKind"], newest["targetId"]) == ("key", key["id"])
    assert newest["before"] == {
        **shown(key),
        "expiresAt": "2030-01-31T12:00:00.000Z",
        "name": "laptop",
    }
    assert newest["after"] == {**shown(key), "expiresAt": None, "name": "renamed"}


def test_list_shows_by_which_key_as_long_as_it_exists(
    terminal: Terminal, key: dict[str, Any], database: apsw.Connection
) -> None:
    done_by(database, key, 4)

    (row,) = terminal.json("audit", "list", "--limit", "1")
    assert (row["who"], row["accountId"], row["address"]) == ("ada@example.com", key["ownerId"], "192.0.2.7")
    assert (row["keyId"], row["keyPrefix"]) == (key["id"], key["keyPrefix"])

    terminal.json("keys", "delete", key["id"])
    database.execute("UPDATE account SET email = 'countess@example.com'")
    (row,) = terminal.json("audit", "list", "--action", "key.issued")
    assert (row["who"], row["keyId"], row["keyPrefix"]) == ("countess@example.com", key["id"], None)
    assert row["accountId"] == key["ownerId"]


def test_a_key_that_is_found_somewhere_is_known_again_once_it_is_deleted(
    terminal: Terminal, key: dict[str, Any], database: apsw.Connection
) -> None:
    successor = terminal.json("keys", "rotate", key["id"], "--grace-hours", "0")
    terminal.json("keys", "delete", key["id"])
    done_by(database, key, 2)

    for command in ("list", "export"):
        for found_as in (key["keyPrefix"], key["rawKey"]):
            rows = terminal.json("audit", command, "--key", found_as)
            assert sorted(numbers(rows)) == [2, 4, 6, 7]
    about_it = [row for row in rows if row["targetId"] == key["id"]]
    assert [row["action"] for row in about_it] == ["key.issued", "key.rotated", "key.deleted"]
    for row in about_it:
        facts = row["after"] or row["before"]
        assert {name: facts[name] for name in ("keyPrefix", "keySuffix")} == shown(key)
    assert key["rawKey"] not in json.dumps(terminal.json("audit", "export"))

    assert numbers(terminal.json("audit", "list", "--key", successor["keyPrefix"])) == [5]
    assert terminal.json("audit", "list", "--key", "vxk_000000") == []


def test_a_name_or_metadata_that_looks_like_the_facts_of_a_key_finds_nothing(
    terminal: Terminal, key: dict[str, Any]
) -> None:
    terminal.json("keys", "update", key["id"], "--name", '"key_prefix":"vxk_000000"')
    assert terminal.json("audit", "list", "--key", "vxk_000000") == []


def test_list_goes_on_before_a_row(terminal: Terminal, key: dict[str, Any]) -> None:
    assert numbers(terminal.json("audit", "list", "--limit", "3")) == [4, 3, 2]
    assert numbers(terminal.json("audit", "list", "--limit", "3", "--before", "2")) == [1]
    assert terminal.json("audit", "list", "--before", "1") == []


@pytest.mark.parametrize("command", ["list", "export"])
def test_filters_leave_the_rows_that_fit_all_of_them(
    terminal: Terminal, key: dict[str, Any], database: apsw.Connection, command: str
) -> None:
    database.execute("UPDATE audit SET at = seq * 3600000")
    done_by(database, key, 3)

    def found(*filters: str) -> list[int]:
        return sorted(numbers(terminal.json("audit", command, *filters)))

    assert found("--action", "key.issued") == [4]
    assert found("--account", "ADA@example.com") == found("--account", key["ownerId"]) == [3]
    assert found("--key", key["id"]) == [3]
    assert found("--target", key["id"]) == [4]
    assert found("--target", key["ownerId"]) == [1]
    assert found("--since", "1970-01-01T02:00:00Z", "--until", "1970-01-01T04:00:00Z") == [2, 3]
    assert found("--until", "1970-01-01T05:00:00+01:00", "--key", key["id"]) == [3]
    assert found("--account", "ada@example.com", "--action", "key.issued") == []
    assert found("--key", "unknown") == []


def test_for_people_each_row_is_a_line_and_under_it_who_and_what_is_different(
    terminal: Terminal, key: dict[str, Any], database: apsw.Connection
) -> None:
    terminal.json("keys", "update", key["id"], "--name", "re\u202enamed", "--rate-limit", "5")
    done_by(database, key, 5, "2001:db8::1")

    lines = terminal.table("audit", "list")

    assert lines[0].split() == ["seq", "at", "action", "target"]
    assert [line.split()[0] for line in lines[1:] if not line.startswith(" ")] == ["5", "4", "3", "2", "1"]
    head, *details, mac = lines[1:7]
    assert head.split()[2:] == ["key.changed", "key", key["id"]]
    assert [detail.strip() for detail in details] == [
        "by ada@example.com from 2001:db8::1",
        f"key {key['id']} {key['keyPrefix']}",
        r'name: "laptop" -> "re\u202enamed"',
        "rateLimit: - -> 5",
    ]
    assert mac.split()[0] == "mac"


def test_for_people_a_row_fits_100_columns(terminal: Terminal, key: dict[str, Any]) -> None:
    addresses = [word for host in range(1, 60) for word in ("--ip", f"2001:db8::{host:x}")]
    terminal.json("keys", "update", key["id"], "--name", "a long name " * 20, *addresses)

    lines = terminal.table("audit", "list")

    assert max(map(len, lines)) <= 100
    assert all(f"2001:db8::{host:x}" in " ".join(lines) for host in range(1, 60))
    assert len([line for line in lines if UUID.search(line)]) >= 4


def test_for_people_an_empty_log_is_a_heading(terminal: Terminal) -> None:
    assert [line.split()[0] for line in terminal.table("audit", "list")] == ["seq"]
    assert terminal.json("audit", "list") == []


def test_export_prints_every_row_oldest_first(terminal: Terminal, key: dict[str, Any]) -> None:
    rows = [json.loads(line) for line in terminal.table("audit", "export")]

    assert rows == terminal.json("audit", "export") == terminal.json("audit", "list")[::-1]


def test_export_of_nothing_is_nothing(terminal: Terminal) -> None:
    assert terminal.table("audit", "export") == []
    assert terminal.json("audit", "export") == []


def test_a_reader_that_has_enough_ends_the_export(
    terminal: Terminal, key: dict[str, Any], tmp_path: Path, database: apsw.Connection
) -> None:
    columns = "at, actor_kind, action, target_kind, target_id, mac"
    numbered = "WITH RECURSIVE n(seq) AS (VALUES (5) UNION ALL SELECT seq + 1 FROM n WHERE seq < 20000)"
    more = f"SELECT n.seq, {columns} FROM n, audit WHERE audit.seq = 1"
    database.execute(f"INSERT INTO audit (seq, {columns}) {numbered} {more}")
    command = f"{shlex.quote(sys.executable)} -m app.cli audit export | head -1"

    done = subprocess.run(
        command, shell=True, env=environment(tmp_path), capture_output=True, text=True, timeout=30, check=True
    )

    assert json.loads(done.stdout)["seq"] == 1
    assert done.stderr == ""


@pytest.mark.parametrize("command", ["list", "export"])
def test_what_does_not_fit_is_refused(terminal: Terminal, command: str) -> None:
    refused = terminal.refused("audit", command, "--since", "yesterday")
    assert refused.startswith("VALIDATION_ERROR: --since: ")
    assert terminal.refused("audit", command, "--until", "2030-01-01T00:00:00").startswith(
        "VALIDATION_ERROR: "
    )
    assert terminal.refused("audit", command, "--account", "nobody").startswith("ENTITY_NOT_FOUND: ")


@pytest.mark.parametrize(
    "words",
    [
        ["list", "--limit", "0"],
        ["list", "--limit", "10001"],
        ["list", "--before", "0"],
        ["list", "--before", str(2**63)],
        ["list", "extra"],
        ["verify", "--head", "5"],
        ["verify", "--head", "0:" + "0" * 64],
        ["verify", "--head", "1:" + "0" * 63],
        ["verify", "--head", "1:" + "G" * 64],
    ],
)
def test_usage_errors_are_told_apart_from_refusals(terminal: Terminal, words: list[str]) -> None:
    assert "Usage: vibekeys audit" in terminal.misused("audit", *words)


def test_verify_tells_the_head_of_a_log_that_is_right(terminal: Terminal, key: dict[str, Any]) -> None:
    newest = terminal.json("audit", "list")[0]
    head = f"4:{newest['mac']}"

    assert terminal.json("audit", "verify") == {
        "ok": True,
        "rows": 4,
        "head": head,
        "broken": None,
        "why": None,
    }
    assert terminal.table("audit", "verify", "--head", head) == [f"ok: 4 rows, head {head}"]
    terminal.account("grace@example.com")
    assert terminal.json("audit", "verify", "--head", head)["rows"] == 5


def test_verify_of_an_empty_log_has_no_head(terminal: Terminal) -> None:
    assert terminal.table("audit", "verify") == ["ok: 0 rows"]
    assert terminal.json("audit", "verify")["head"] is None


def test_verify_names_the_first_broken_row(
    terminal: Terminal, key: dict[str, Any], database: apsw.Connection
) -> None:
    macs = [row["mac"] for row in terminal.json("audit", "export")]
    database.execute("UPDATE audit SET before = '{}' WHERE seq >= 3")

    result = terminal.type("audit", "verify")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("vibekeys: AUDIT_BROKEN: row 3: ")
    assert result.stderr.count("\n") == 1

    told = terminal.type("audit", "verify", "--json")
    assert (told.exit_code, told.stderr) == (1, result.stderr)
    verdict = json.loads(told.stdout)
    assert (verdict["ok"], verdict["rows"], verdict["head"], verdict["broken"]) == (
        False,
        2,
        f"2:{macs[1]}",
        3,
    )
    assert verdict["why"] in result.stderr


def test_verify_notices_a_cut_tail_by_the_head(
    terminal: Terminal, key: dict[str, Any], database: apsw.Connection
) -> None:
    head = terminal.json("audit", "verify")["head"]
    database.execute("DELETE FROM audit WHERE seq > 2")

    assert terminal.json("audit", "verify")["rows"] == 2
    result = terminal.type("audit", "verify", "--head", head)
    assert (result.exit_code, "row 3" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    "altered", ["before = 'no JSON'", "after = '[]'", "at = 'noon'", "at = 9e18", "action = x'ff'"]
)
def test_a_row_that_was_never_written_so_is_no_fault_of_the_program(
    terminal: Terminal, key: dict[str, Any], database: apsw.Connection, altered: str
) -> None:
    database.execute(f"UPDATE audit SET {altered} WHERE seq = 3")

    for command in ("list", "export"):
        result = terminal.type("audit", command)
        assert result.exit_code == 1
        assert result.stderr.startswith("vibekeys: AUDIT_BROKEN: ")
    assert numbers(terminal.json("audit", "list", "--key", key["keyPrefix"])) == [4]
    assert numbers(terminal.json("audit", "list", "--before", "3")) == [2, 1]
    assert "row 3" in terminal.type("audit", "verify").stderr
