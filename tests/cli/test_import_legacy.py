"""`vibekeys keys import-legacy`: keys of an older system, all of a file or none."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.cli import output
from tests.cli.terminal import Terminal
from tests.cli.test_process import environment

OWNER = "ada@example.com"


STOPPED = """
import os, sys, time
from app.config import Config
from app.ledger import Actor
from app.legacy_import import LegacyImport
from app.wiring import open_services

def stop(_):
    print("stopped in", sys.argv[2], flush=True)
    time.sleep(60)

services = open_services(Config.from_env(os.environ), redis="none")
importing = LegacyImport(services.db, services.ledger, services.host_table)
with open(sys.argv[1], "rb") as file:
    importing.read(file, stop if sys.argv[2] == "read" else lambda _: None)
importing.store(Actor("cli"), stop)
"""
"""An import that stops in the midst of one of its two parts."""


def sha256(raw_key: str) -> str:
    return hashlib.sha256(raw_key.encode()).hexdigest()


def line(raw_key: str, **fields: Any) -> str:
    named = {"sha256": sha256(raw_key), "prefix": raw_key[:6], "name": f"was {raw_key[:3]}", "owner": OWNER}
    return json.dumps({**named, **fields})


@pytest.fixture
def owned(terminal: Terminal) -> Terminal:
    terminal.account(OWNER)
    return terminal


def imported(terminal: Terminal, tmp_path: Path, *lines: str) -> Any:
    file = tmp_path / "keys.jsonl"
    file.write_text("\n".join(lines))
    return terminal.json("keys", "import-legacy", str(file))


def refused(terminal: Terminal, *lines: str | bytes) -> str:
    """Why a file is refused; nothing of it is kept."""
    before = terminal.json("keys", "list"), terminal.json("audit", "export")
    file = Path(str(terminal.environ["DATABASE_URL"]).removeprefix("sqlite:///")).with_name("broken.jsonl")
    file.write_bytes(b"\n".join(one if isinstance(one, bytes) else one.encode() for one in lines))
    why = terminal.refused("keys", "import-legacy", str(file))
    assert (terminal.json("keys", "list"), terminal.json("audit", "export")) == before
    return why


def test_what_comes_of_a_line_is_a_personal_key_with_all_integrations(
    owned: Terminal, tmp_path: Path
) -> None:
    account = owned.json("accounts", "show", OWNER)

    made = imported(owned, tmp_path, line("old-key-1"), line("old-key-2", owner=account["id"], name="Émile"))

    assert made == {"keys": 2, "accounts": 1}
    keys = {key["name"]: key for key in owned.json("keys", "list")}
    assert set(keys) == {"was old", "Émile"}
    key = keys["was old"]
    assert (key["type"], key["isLegacy"], key["status"]) == ("personal", True, "ACTIVE")
    assert key["integrations"] == ["ai_tools", "cli", "mcp_server"]
    assert (key["keyPrefix"], key["keySuffix"], key["ownerId"]) == ("old-ke", "", account["id"])
    assert (key["scopes"], key["ipWhitelist"], key["metadata"], key["rotation"]) == ([], [], {}, None)
    assert (key["rateLimit"], key["hourlyLimit"], key["expiresAt"], key["portalId"]) == (None,) * 4
    assert owned.json("keys", "show", key["id"]) == key


def test_each_owner_gets_an_audit_row_that_tells_which_hashes(owned: Terminal, tmp_path: Path) -> None:
    owned.account("bob@example.com")
    lines = [line(f"old-key-{number}") for number in range(3)] + [
        line("old-of-bob", owner="BOB@example.com ")
    ]

    assert imported(owned, tmp_path, *lines) == {"keys": 4, "accounts": 2}

    rows = owned.json("audit", "list", "--action", "account.keys_imported")
    assert sorted(row["after"]["keys"] for row in rows) == [1, 3]
    hashes = "".join(sorted(sha256(f"old-key-{number}") + "\n" for number in range(3)))
    assert sha256(hashes) in {row["after"]["sha256OfSha256s"] for row in rows}
    assert owned.json("audit", "verify")["ok"]


def test_from_stdin_with_blank_lines_and_an_end_without_newline(owned: Terminal) -> None:
    text = f"{line('old-key-1')}\r\n\n   \n{line('old-key-2')}"
    assert owned.json("keys", "import-legacy", "-", stdin=text) == {"keys": 2, "accounts": 1}


def test_a_byte_order_mark_before_the_first_line_is_none_of_it(owned: Terminal, tmp_path: Path) -> None:
    assert imported(owned, tmp_path, "\ufeff" + line("old-key-1"), line("old-key-2"))["keys"] == 2


@pytest.mark.parametrize("prefix", ["old-key-of-a-laptop", "vibe_live_1-laptop-of"])
def test_of_what_a_key_begins_with_twelve_characters_are_kept(
    owned: Terminal, tmp_path: Path, prefix: str
) -> None:
    imported(owned, tmp_path, line(f"{prefix}-and-its-secret", prefix=prefix))

    (key,) = owned.json("keys", "list")
    assert key["keyPrefix"] == prefix[:12]
    assert not any(prefix[:13].encode() in file.read_bytes() for file in tmp_path.glob("vibekeys.db*"))


def test_an_empty_file_is_no_key(owned: Terminal, tmp_path: Path) -> None:
    assert imported(owned, tmp_path, "") == {"keys": 0, "accounts": 0}


def test_progress_is_told_on_stderr_where_it_takes_a_while(
    owned: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "keys.jsonl"
    file.write_text(line("old-key-1"))
    monkeypatch.setattr(output, "_TICK_SECONDS", 0)
    result = owned.type("keys", "import-legacy", str(file))
    assert result.stdout.split() == ["field", "value", "keys", "1", "accounts", "1"]
    size = file.stat().st_size
    assert result.stderr.splitlines() == [f"reading: {size} of {size}", "storing: 1 of 1"]
    file.write_text(line("old-key-2"))
    from_stdin = owned.type("keys", "import-legacy", "-", stdin=line("old-key-2"))
    assert from_stdin.stderr.splitlines() == [f"reading: {size}", "storing: 1 of 1"]


def test_at_a_terminal_there_is_a_bar(owned: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    file.write_text(line("old-key-1"))
    seen, terminal = pty.openpty()
    words = [sys.executable, "-m", "app.cli", "keys", "import-legacy", str(file), "--json"]
    process = subprocess.run(
        words, env=environment(tmp_path), stderr=terminal, stdout=subprocess.PIPE, check=True, timeout=30
    )
    os.close(terminal)
    assert json.loads(process.stdout) == {"keys": 1, "accounts": 1}
    shown = os.read(seen, 65_536).decode()
    os.close(seen)
    assert re.findall(r"(reading|storing)  \[#+\]  100%", shown) == ["reading", "storing"]


GOOD = line("old-key-1")


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("{", "Not valid JSON in UTF-8."),
        (b'{"name": "\xff"}', "Not valid JSON in UTF-8."),
        (GOOD + GOOD, "Not valid JSON in UTF-8."),
        ("[" * 30_000, "Not valid JSON in UTF-8."),
        ("[]", "Not a JSON object."),
        ("null", "Not a JSON object."),
        ("{}", "Must have sha256, prefix, name and owner; has not, or has: name, owner, prefix, sha256."),
        (line("x" * 9, more=1), "has: more than these."),
        (line("old-key-2")[:-1] + ', "name": "another"}', "Has a member twice."),
        ("x" * 70_000, "Longer than 65536 bytes."),
        *[
            (line("old-key-2", sha256=value), "sha256: Must be 64 hexadecimal characters.")
            for value in (None, 5, "", "0" * 63, "0" * 65, "g" * 64, "0" * 64 + "\n", "old-key-2")
        ],
        *[
            (line("old-key-2", prefix=value), "prefix: Must be 1 to 32 visible ASCII characters.")
            for value in (None, 5, "", "x" * 33, "a b", "é", "a\n")
        ],
        *[
            (
                line("old-key-2", prefix=value),
                "prefix: Too short to tell whether the key begins like one of ours.",
            )
            for value in ("v", "vxk", "vibe_", "vibe_api")
        ],
        (line("old-key-2", prefix="vxk_" + "0123456789abcdef" * 1), "prefix: Must not hold a raw key."),
        *[
            (line("old-key-2", name=value), "name: ")
            for value in (None, 5, "", " ", "x" * 256, "a\nb", "a\u0000", "\ud800")
        ],
        (line("old-key-2", name="vxk_" + "0" * 64), "name: Must not hold a raw key."),
        *[
            (line("old-key-2", owner=value), "owner: There is no account with this e-mail or id.")
            for value in ("", "nobody@example.com", "0" * 36)
        ],
        (line("old-key-2", owner=None), "owner: Not a string of printable characters."),
        (line("old-key-2", owner="\ud800"), "owner: Not a string of printable characters."),
        (line("old-key-2", prefix="old-key-2"), "prefix: Is the whole raw key."),
        (b"\xef\xbb\xbf" + line("old-key-2").encode(), "Not valid JSON in UTF-8."),
        (GOOD, "sha256: The same as in line 1."),
        (line("old-key-1", sha256=sha256("old-key-1").upper()), "sha256: The same as in line 1."),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_a_broken_line_is_named_with_its_number_and_nothing_is_kept(
    owned: Terminal, broken: str | bytes, why: str
) -> None:
    told = refused(owned, GOOD, "", broken, line("old-key-9"))
    assert told.startswith("VALIDATION_ERROR: line 3: ")
    assert why in told
    assert sha256("old-key-2") not in told


def test_what_is_known_or_was_deleted_here_is_not_imported_again(owned: Terminal, tmp_path: Path) -> None:
    imported(owned, tmp_path, line("old-key-1"), line("old-key-2"))
    deleted = owned.json("keys", "list")[0]
    names = {"old-key-1": "was", "old-key-2": "was"}
    assert refused(owned, line("new-key"), line("old-key-1"), line("old-key-2")).startswith(
        "VALIDATION_ERROR: line 2: sha256: Is imported already"
    )
    owned.json("keys", "delete", deleted["id"])
    made = owned.json(
        *("keys", "create", "--type", "personal", "--owner", OWNER, "--integration", "cli", "--name", "n")
    )
    assert refused(owned, line("new-key"), line(made["rawKey"], prefix="of-ours")).startswith(
        "VALIDATION_ERROR: line 2: sha256: Is of a key that was made here."
    )
    told = {raw: refused(owned, line(raw)) for raw in names}
    assert sorted(why.partition("sha256: ")[2] for why in told.values()) == [
        "Is imported already.",
        "Was deleted here.",
    ]


@pytest.mark.usefixtures("older_keys_forgotten")
def test_under_one_of_our_prefixes_commands_know_them_in_texts(owned: Terminal, tmp_path: Path) -> None:
    raw_key = "vxk_Of-Another_form-0123"
    words = ("keys", "create", "--type", "personal", "--owner", OWNER, "--integration", "cli", "--name")
    owned.json(*words, raw_key)
    imported(owned, tmp_path, line(raw_key))
    assert "Must not hold a raw key" in owned.refused(*words, raw_key)


def test_a_file_that_is_not_there(owned: Terminal) -> None:
    assert owned.refused("keys", "import-legacy", "/nowhere/keys.jsonl").startswith(
        "/nowhere/keys.jsonl: No such"
    )


def test_killed_at_any_time_it_leaves_nothing_and_can_be_run_again(owned: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    file.write_text("\n".join(line(f"old-key-{number}", prefix="old") for number in range(30_000)))
    for place in ("read", "store"):
        process = subprocess.Popen(
            [sys.executable, "-c", STOPPED, str(file), place],
            env=environment(tmp_path),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == f"stopped in {place}\n"
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        assert owned.json("keys", "list") == []

    assert owned.json("keys", "import-legacy", str(file)) == {"keys": 30_000, "accounts": 1}
