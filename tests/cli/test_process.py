"""The command line as a process: its streams, its signals, its terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal

REPOSITORY = Path(__file__).parents[2]


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONPATH": str(REPOSITORY), "DATABASE_URL": f"sqlite:///{folder}/vibekeys.db", **more}


def start(folder: Path, *words: str, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", *words],
        env=environment(folder, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_change_prints_one_value_on_stdout_and_nothing_on_stderr(
    terminal: Terminal, tmp_path: Path
) -> None:
    process = start(tmp_path, "accounts", "create", "--email", "ada@example.com", "--json")
    stdout, stderr = process.communicate(timeout=30)

    assert process.returncode == 0
    assert json.loads(stdout)["email"] == "ada@example.com"
    assert stderr == ""


def test_a_refusal_is_one_line_on_stderr(tmp_path: Path) -> None:
    process = start(tmp_path, "keys", "list", "--json")
    stdout, stderr = process.communicate(timeout=30)

    assert (process.returncode, stdout) == (1, "")
    assert re.fullmatch(r"vibekeys: .*vibekeys migrate.*\n", stderr)


def test_a_library_that_is_missing_is_named_in_one_line(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "apsw.py").write_text("raise ModuleNotFoundError('gone', name='apsw')")
    path = f"{tmp_path / 'broken'}{os.pathsep}{REPOSITORY}"

    process = start(tmp_path, "keys", "list", PYTHONPATH=path)
    stdout, stderr = process.communicate(timeout=30)

    assert (process.returncode, stdout) == (1, "")
    assert re.fullmatch(r"vibekeys: apsw: .*\n", stderr)


def test_a_name_that_the_terminal_can_not_write_is_escaped(terminal: Terminal, tmp_path: Path) -> None:
    terminal.account()
    terminal.key("--name", "to → from")

    process = start(tmp_path, "keys", "list", PYTHONIOENCODING="latin-1")
    stdout, stderr = process.communicate(timeout=30)

    assert (process.returncode, stderr) == (0, "")
    assert r"to \u2192 from" in stdout


def test_a_closed_stdout_is_no_fault(terminal: Terminal, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "app.cli", "keys", "list"]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *words],
        env=environment(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_words_that_complete_a_command_are_printed(tmp_path: Path) -> None:
    words = {"_VIBEKEYS_COMPLETE": "bash_complete", "COMP_WORDS": "vibekeys keys r", "COMP_CWORD": "2"}
    code = "import sys; sys.argv = ['vibekeys']; from app.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(tmp_path, **words),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["plain,revoke", "plain,rotate"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_worker_ends_when_it_is_told_to(
    terminal: Terminal, tmp_path: Path, number: signal.Signals
) -> None:
    process = start(tmp_path, "worker", "--json", REDIS_URL="redis://127.0.0.1:1")
    assert process.stderr is not None
    while "worker.started" not in (line := process.stderr.readline()):
        assert line, "it ended before it started"
    began = time.monotonic()

    process.send_signal(number)
    stdout, _ = process.communicate(timeout=30)

    assert process.returncode == 0
    assert json.loads(stdout) == {"stoppedBy": number.name}
    assert time.monotonic() - began < 5


def test_run_says_all_but_its_one_value_on_stderr(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    process = start(tmp_path, "run", "--demo", "--no-worker", "--json", PORT=port)
    assert process.stderr is not None
    # The demo data is the last that it says.
    while "curl " not in (line := process.stderr.readline()):
        assert line, "it ended before it served"

    process.send_signal(signal.SIGTERM)
    stdout, _ = process.communicate(timeout=30)

    assert process.returncode == 0
    assert json.loads(stdout) == {"served": f"http://127.0.0.1:{port}"}


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_at_a_terminal_of_any_width_ids_and_raw_keys_are_whole(
    terminal: Terminal, tmp_path: Path, columns: int
) -> None:
    terminal.account()
    made = terminal.key("--name", "a long name of a key, " * 10)

    listed = at_a_terminal(tmp_path, columns, "keys", "list")
    rotated = at_a_terminal(tmp_path, columns, "keys", "rotate", made["id"])

    assert made["id"] in listed
    assert "\x1b[1m" in listed
    # Where a line a key has no room, each key has a line a field.
    assert (re.search(r"^ *id +01", listed, re.MULTILINE) is not None) == (columns < 200)
    assert re.search(r"vxk_[0-9a-f]{64}", rotated)


def at_a_terminal(folder: Path, columns: int, *words: str) -> str:
    """What a command writes when it has a terminal."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", *words],
        env=environment(folder, COLUMNS=str(columns), TERM="xterm"),
        stdout=its,
        stderr=subprocess.PIPE,
    )
    os.close(its)
    written = bytearray()
    while select.select([ours], [], [], 30)[0]:
        try:
            chunk = os.read(ours, 65_536)
        except OSError:  # how Linux tells that the other end is closed
            break
        written += chunk
    os.close(ours)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 0, stderr
    return written.decode()
