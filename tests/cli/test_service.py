from __future__ import annotations

import stat
import subprocess
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal, every_command

EVERY_COMMAND_THAT_NEEDS_A_DATABASE = [
    ["accounts", "create", "--email", "ada@example.com"],
    ["accounts", "list"],
    ["accounts", "show", "ada@example.com"],
    ["accounts", "update", "ada@example.com", "--tier", "pro"],
    ["portals", "create", "--domain", "company.bitrix24.com"],
    ["portals", "list"],
    ["portals", "update", "company.bitrix24.com", "--status", "INACTIVE"],
    ["portals", "add-member", "company.bitrix24.com", "--email", "ada@example.com"],
    ["portals", "remove-member", "company.bitrix24.com", "--email", "ada@example.com"],
    [
        "keys",
        "create",
        "--type",
        "personal",
        "--owner",
        "ada@example.com",
        "--name",
        "n",
        "--integration",
        "cli",
    ],
    ["keys", "list"],
    ["keys", "show", "id"],
    ["keys", "update", "id", "--name", "n"],
    ["keys", "rotate", "id"],
    ["keys", "revoke", "id"],
    ["keys", "delete", "id"],
    ["keys", "explain", "id", "--address", "192.0.2.1", "--path", "/v1/me"],
    ["servers", "list"],
    ["servers", "delete", "id"],
    ["audit", "list"],
    ["audit", "export"],
    ["audit", "verify"],
    ["republish"],
    ["worker"],
]


@pytest.mark.parametrize("words", EVERY_COMMAND_THAT_NEEDS_A_DATABASE)
def test_only_run_and_migrate_make_a_database(tmp_path: Path, words: list[str]) -> None:
    line = Terminal(tmp_path / "none" / "vibekeys.db").refused(*words)

    assert "vibekeys migrate" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [*EVERY_COMMAND_THAT_NEEDS_A_DATABASE, ["migrate"], ["run"]])
@pytest.mark.parametrize("setting", ["PORT", "TIER_FREE_HOURLY"])
def test_a_bad_setting_is_named_in_one_line(tmp_path: Path, words: list[str], setting: str) -> None:
    terminal = Terminal(tmp_path / "vibekeys.db", **{setting: "many"})

    assert terminal.refused(*words).startswith(f"{setting}: ")
    assert list(tmp_path.iterdir()) == []


def test_migrate_makes_a_database_and_its_secret_once(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "new" / "vibekeys.db")

    first = terminal.json("migrate")
    secret = (tmp_path / "new" / "secret.key").read_text()

    assert first["database"] == str(tmp_path / "new" / "vibekeys.db")
    assert first["applied"]
    assert terminal.json("migrate") == {**first, "applied": []}
    assert (tmp_path / "new" / "secret.key").read_text() == secret
    assert stat.S_IMODE((tmp_path / "new" / "secret.key").stat().st_mode) == 0o600
    assert terminal.table("migrate")[0].split() == ["field", "value"]


def test_migrate_refuses_a_place_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    line = Terminal(tmp_path / "file" / "vibekeys.db").refused("migrate")

    assert str(tmp_path / "file") in line


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vibekeys.db").write_text("once upon a time " * 1000)
    terminal = Terminal(tmp_path / "vibekeys.db")

    assert "vibekeys.db" in terminal.refused("keys", "list")
    assert "vibekeys.db" in terminal.refused("migrate")


def test_a_missing_secret_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "secret.key").unlink()

    assert "secret.key" in terminal.refused("keys", "list")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(tmp_path: Path, shell: str) -> None:
    terminal = Terminal(tmp_path / "vibekeys.db")

    assert "_VIBEKEYS_COMPLETE" in "\n".join(terminal.table("completion", shell))
    assert terminal.json("completion", shell)["shell"] == shell


def test_the_bash_script_is_understood_by_bash(tmp_path: Path) -> None:
    script = "\n".join(Terminal(tmp_path / "vibekeys.db").table("completion", "bash"))

    subprocess.run(["bash", "-c", f"{script}\ncomplete -p vibekeys"], check=True, capture_output=True)


@pytest.mark.parametrize(
    "words", [["completion"], ["completion", "tcsh"], ["nonsense"], ["run", "extra"], ["--json"]]
)
def test_usage_errors_are_told_apart_from_refusals(tmp_path: Path, words: list[str]) -> None:
    assert "Usage: vibekeys" in Terminal(tmp_path / "vibekeys.db").misused(*words)


@pytest.mark.parametrize(
    "words", [[], ["accounts"], ["portals"], ["keys"], ["keys", "create"], ["run"], ["worker"]]
)
def test_help_needs_no_installation(tmp_path: Path, words: list[str]) -> None:
    help_text = Terminal(tmp_path / "vibekeys.db", PORT="bad").table(*words, "--help")

    assert help_text[0].startswith(" ".join(["Usage: vibekeys", *words]))


def test_every_command_takes_json(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "vibekeys.db")
    for words in every_command():
        assert "--json" in "".join(terminal.table(*words, "--help"))


def test_version_is_that_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", {"vibekeys": "1.2.3"}.__getitem__)

    assert Terminal(tmp_path / "vibekeys.db").table("--version") == ["vibekeys 1.2.3"]


def test_version_is_refused_where_the_package_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", version)

    result = Terminal(tmp_path / "vibekeys.db").type("--version")

    assert result.exit_code == 1
    assert result.stderr.startswith("vibekeys: version: ")


@pytest.mark.parametrize(
    "words",
    [
        ["accounts", "show"],
        ["accounts", "create", "--email"],
        ["portals", "create", "--domain"],
        ["portals", "update", "--status", "ACTIVE"],
        ["portals", "add-member", "--email", "ada@example.com"],
        ["keys", "list", "--owner"],
        ["keys", "show"],
        ["keys", "rotate"],
        ["keys", "revoke"],
        ["keys", "delete"],
        ["audit", "list", "--action"],
        ["audit", "list", "--account"],
        ["audit", "export", "--target"],
        ["audit", "export", "--since"],
    ],
)
def test_what_is_not_utf8_is_refused(terminal: Terminal, words: list[str]) -> None:
    terminal.account()

    assert terminal.refused(*words, "x\udcff").startswith("VALIDATION_ERROR: ")


def test_republish_needs_a_redis(terminal: Terminal) -> None:
    assert terminal.refused("republish").startswith("REDIS_UNAVAILABLE: ")
