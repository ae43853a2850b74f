"""`vibekeys bitrix-sandbox` as a process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.terminal import Terminal
from tests.serve.processes import PATIENCE, environment, free_port, refusal

COMMAND = (sys.executable, "-P", "-m", "app.cli", "bitrix-sandbox")


@contextmanager
def served(tmp_path: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*COMMAND, *options],
        env=environment(tmp_path),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str]) -> str:
    """The next line on its stdout."""
    assert process.stdout is not None
    return process.stdout.readline()


def profile(webhook_url: str) -> Any:
    with urllib.request.urlopen(f"{webhook_url}/profile.json", timeout=PATIENCE) as response:
        return json.load(response)["result"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_ends_when_it_is_told(tmp_path: Path, number: signal.Signals) -> None:
    with served(tmp_path, "--port", "0", "--json") as process:
        told = json.loads(said(process))
        assert told.keys() == {"url", "webhookUrl"}
        assert told["webhookUrl"].startswith(f"{told['url']}/rest/1/")
        assert profile(told["webhookUrl"])["ADMIN"] is True
        process.send_signal(number)
        rest, errors = process.communicate(timeout=PATIENCE)
        assert (process.returncode, rest, errors) == (0, "", "")


def test_for_people_it_says_so_in_words(tmp_path: Path) -> None:
    port = free_port()
    with served(tmp_path, "--port", str(port)) as process:
        assert said(process).startswith(f"a stand-in Bitrix24 on http://127.0.0.1:{port},")
        assert said(process) == "\n"
        assert profile(said(process).strip())["ID"] == "1"


def test_its_data_are_kept_where_it_is_told(tmp_path: Path) -> None:
    webhook_urls = []
    port = str(free_port())
    for _ in range(2):
        with served(tmp_path, "--port", port, "--json", "--data", "bitrix.json") as process:
            webhook_urls.append(json.loads(said(process))["webhookUrl"])
            process.terminate()
            process.wait(PATIENCE)
    assert webhook_urls[0] == webhook_urls[1]
    assert (tmp_path / "bitrix.json").exists()


def test_a_port_in_use_is_refused_in_one_line(tmp_path: Path) -> None:
    with served(tmp_path, "--port", "0", "--json") as process:
        port = json.loads(said(process))["url"].rpartition(":")[2]
        again = refusal(environment(tmp_path), (*COMMAND, "--port", port, "--data", "x.json"), tmp_path)
        reason = f"cannot listen on 127.0.0.1, {port}: Address already in use"
        assert again == f"vibekeys: --host, --port: {reason}\n"
        assert not (tmp_path / "x.json").exists()


def test_a_data_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Buy milk")
    terminal = Terminal(tmp_path / "vibekeys.db")
    line = terminal.refused("bitrix-sandbox", "--port", "0", "--data", str(tmp_path / "notes.txt"))
    assert line.startswith(f"--data: {tmp_path / 'notes.txt'}: ")
    line = terminal.refused("bitrix-sandbox", "--port", "0", "--data", str(tmp_path / "none" / "x.json"))
    assert line == f"{tmp_path / 'none' / 'x.json'}: No such file or directory"


@pytest.mark.parametrize("options", [["--port", "65536"], ["--port", "x"], ["extra"]])
def test_what_it_does_not_understand_is_told(tmp_path: Path, options: list[str]) -> None:
    assert "Usage: vibekeys bitrix-sandbox" in Terminal(tmp_path / "x.db").misused("bitrix-sandbox", *options)
