"""An installation whose servers are addressed one by one: on one host, with one database and one Redis."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.conftest import ValkeyServer
from tests.faults import changer
from tests.faults.crowd import CLOCK, Board, Child, in_a_process, until
from tests.serve.processes import REPOSITORY, environment, living

_PATIENCE = 30.0

PRO_HOURLY = 10**8
"""The figure of the tier "pro": more than a long run asks within an hour."""


class Answer(NamedTuple):
    """What came back over HTTP."""

    status: int
    headers: dict[str, str]
    json: Any

    @property
    def code(self) -> str:
        """The code of a refusal; `ok` of anything else."""
        return "ok" if self.status < 300 else self.json["error"]["code"]


class Caller:
    """One client with one connection, kept alive as long as the server lets it."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)

    def send(
        self, method: str, path: str, key: str, body: Any = None, headers: Mapping[str, str] = {}
    ) -> None:
        text = None if body is None else json.dumps(body)
        more = {} if body is None else {"Content-Type": "application/json"}
        self.connection.request(method, path, text, {"X-Api-Key": key, **more, **headers})

    def receive(self) -> Answer:
        response = self.connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), json.loads(response.read()))

    def call(
        self, method: str, path: str, key: str, body: Any = None, headers: Mapping[str, str] = {}
    ) -> Answer:
        self.send(method, path, key, body, headers)
        return self.receive()

    def close(self) -> None:
        self.connection.close()


class Server:
    """gunicorn with workers of the service, on a loopback port of its own."""

    def __init__(self, environ: Mapping[str, str], log: Path) -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
            self.port: int = listener.getsockname()[1]
            os.set_inheritable(listener.fileno(), True)
            command = [sys.executable, "-P", "-m", "gunicorn", "-c", "gunicorn.conf.py"]
            command += ["--bind", f"fd://{listener.fileno()}", "tests.faults.served:app"]
            with log.open("ab") as output:
                self._process = subprocess.Popen(
                    command,
                    cwd=REPOSITORY,
                    env=dict(environ),
                    pass_fds=[listener.fileno()],
                    stdout=output,
                    stderr=output,
                )
        self._log = log

    def wait(self) -> None:
        until(self._answers, f"the server answers, see {self._log}")

    def caller(self) -> Caller:
        return Caller(self.port)

    def workers(self) -> list[int]:
        return [process.pid for process in living().values() if process.parent == self._process.pid]

    def kill_workers(self) -> None:
        """Kill them all, at once; gunicorn starts others in their place."""
        for pid in self.workers():
            os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE)
        finally:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        caller = self.caller()
        try:
            return caller.call("GET", "/healthz", "").status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            caller.close()


class Installation:
    """One database and one portal with keys, and what serves them."""

    def __init__(self, folder: Path, valkey: ValkeyServer, portal_keys: int, **settings: str) -> None:
        self.folder, self.valkey = folder, valkey
        board = Board(folder / "clock")
        self._board = board
        self.environ = environment(
            folder,
            REDIS_URL=valkey.url,
            AUTH_FAILURES_PER_MINUTE="0",
            LOG_FORMAT="json",
            **{CLOCK: str(folder / "clock"), "TIER_PRO_HOURLY": str(PRO_HOURLY), **settings},
        )
        self.made = in_a_process(changer.install, self.environ, portal_keys)
        self.servers: list[Server] = []

    def serve(self, servers: int) -> None:
        self.servers = [
            Server(self.environ, self.folder / f"server-{number}.log") for number in range(servers)
        ]
        for server in self.servers:
            server.wait()

    def put_clock_forward(self, seconds: float) -> None:
        """The servers' clock; a process that asks for the time next sees it."""
        self._board[0] += seconds

    def changer(self) -> Child:
        """A process that makes changes: `ask` it with a `changer.Task`."""
        return Child(changer.serve, self.environ)

    def end(self) -> None:
        for server in self.servers:
            server.end()
        self._board.close()


@contextmanager
def installation(
    folder: Path, valkey: ValkeyServer, *, servers: int, portal_keys: int, **settings: str
) -> Iterator[Installation]:
    """An installation that serves, until the block is left."""
    made = Installation(folder, valkey, portal_keys, **settings)
    try:
        made.serve(servers)
        yield made
    finally:
        made.end()
