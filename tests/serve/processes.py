"""A service in processes of its own, as an operator starts it, and what is left of it afterwards."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 30.0
RUN = (sys.executable, "-P", "-m", "app.cli", "run")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """Nothing but what a process needs, and the settings; the service's files go to ``folder``."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(REPOSITORY),
        "DATABASE_URL": f"sqlite:///{folder}/vibekeys.db",
        "WEB_CONCURRENCY": "1",
        **settings,
    }


def refusal(environ: dict[str, str], command: tuple[str, ...] = RUN, cwd: Path = REPOSITORY) -> str:
    """What a command that must not start says on stderr; fails unless it ends soon, with status 1."""
    ended = subprocess.run(command, env=environ, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE)
    assert ended.returncode == 1, ended
    assert ended.stdout == ""
    return ended.stderr


def eventually(is_so: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not is_so():
        assert time.monotonic() < deadline, f"not within {patience:.0f} s: {what}"
        time.sleep(0.02)


@dataclass
class Process:
    """A line of the process table."""

    pid: int
    parent: int
    command: str


def living() -> dict[int, Process]:
    """Every process that runs, by its number; those that only wait to be reaped do not."""
    table = subprocess.run(
        ["ps", "-ww", "-eo", "pid=,ppid=,stat=,args="], check=True, capture_output=True, text=True
    ).stdout
    rows = (line.split(None, 3) for line in table.splitlines())
    return {int(r[0]): Process(int(r[0]), int(r[1]), r[-1]) for r in rows if not r[2].startswith("Z")}


def descendants(pid: int) -> dict[int, Process]:
    """The processes that a process started, and those that these started."""
    table, found = living(), {pid}
    while more := {p.pid for p in table.values() if p.parent in found} - found:
        found |= more
    return {number: table[number] for number in found - {pid} if number in table}


@dataclass
class Service:
    """``vibekeys run`` on a port of its own; ``output`` collects what it says from its start on."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    cwd: Path = REPOSITORY

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.port = free_port()
        self.environ = environment(self.folder, PORT=str(self.port), **self.settings)
        self.log = self.folder.parent / f"log-{self.port}"

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*RUN, *self.arguments],
                env=self.environ,
                cwd=self.cwd,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert next(self.output(), "") == f"serving on http://127.0.0.1:{self.port}\n", self.said()

    def output(self) -> Iterator[str]:
        """The lines on its stdout, each once, waiting for the next."""
        assert self.process.stdout is not None
        return iter(self.process.stdout.readline, "")

    def said(self) -> str:
        """What is on its stderr so far."""
        return self.log.read_text()

    def descendants(self) -> dict[int, Process]:
        """The processes that it started, and those that these started."""
        return descendants(self.process.pid)

    def child(self, part_of_command: str) -> int:
        """The number of the direct child whose command line has this in it."""
        children = (p for p in self.descendants().values() if p.parent == self.process.pid)
        return next((p.pid for p in children if part_of_command in p.command), 0)

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def state(self) -> dict[str, Any]:
        """What /readyz says."""
        parts: dict[str, Any] = json.loads(self.get("/readyz")[2])
        return parts

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(PATIENCE)
