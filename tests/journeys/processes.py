"""`vibekeys run` as an operator starts it, and the few commands that come before the first key."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.serve.processes import PATIENCE, Service


class Reply(NamedTuple):
    """What came back over HTTP."""

    status: int
    headers: Mapping[str, str]
    json: Any

    @property
    def data(self) -> Any:
        assert self.status < 300, self
        return self.json["data"]

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


class Holder:
    """Whoever holds a key, and nothing else: all that it does goes over HTTP."""

    def __init__(self, port: int, raw_key: str) -> None:
        self._port, self._raw_key = port, raw_key

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        sent = {"X-Api-Key": self._raw_key, **headers}
        if body is not None:
            sent["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), json.loads(answer.read()))
        finally:
            connection.close()


class Installation:
    """A running service, and its operator."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def command(self, *words: str) -> Any:
        """What a command of the operator's prints with --json."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "app.cli", *words, "--json"],
            env=self.service.environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def account_on(self, portal_id: str, email: str, role: str) -> str:
        """A member of the portal."""
        account_id = str(self.command("accounts", "create", "--email", email, "--tier", "pro")["id"])
        self.command("portals", "add-member", portal_id, "--email", email, "--role", role)
        return account_id

    def holder(self, key_type: str, owner: str, *words: str) -> Holder:
        """Somebody who was handed a key of this owner's."""
        created = self.command(
            "keys", "create", "--type", key_type, "--owner", owner, "--name", f"of {owner}", *words
        )
        return self.given(created["rawKey"])

    def given(self, raw_key: str) -> Holder:
        return Holder(self.service.port, raw_key)


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Installation]:
    """An installation that serves until the block is left, and leaves no process behind."""
    service = Service(folder, settings)
    service.start()
    try:
        yield Installation(service)
    finally:
        assert service.stop() == 0, service.said()
