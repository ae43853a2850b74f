"""Q6: a client whose answer was lost asks again with its `Idempotency-Key`, and has its one working key."""

from __future__ import annotations

import http.client
import os
import random
import signal
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from tests.conftest import ValkeyServer
from tests.faults.figures import Figures
from tests.faults.service import Answer, Caller, Installation, installation

CLIENTS_AT_ONCE = 5
# Some of these moments lie before the commit, and some after it.
LATEST_KILL = 0.06


@dataclass
class Client:
    """One client with one request, and the connection on which it was sent first."""

    made: Installation
    number: int
    rotates: str | None
    first: Caller

    def send(self) -> None:
        """Send the request and never hear of it again."""
        self.first.send(*self._request(), headers=self._headers())

    def ask_until_answered(self) -> Answer:
        """Ask again until there is an answer, as a client would that lost the first one."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with (
                closing(self.made.servers[0].caller()) as caller,
                suppress(OSError, http.client.HTTPException),
            ):
                answer = caller.call(*self._request(), headers=self._headers())
                if answer.code != "IDEMPOTENCY_IN_PROGRESS":
                    return answer
                # Who ran it was killed. That is told by the time alone, which need not pass in earnest.
                self.made.put_clock_forward(float(answer.headers["Retry-After"]))
        raise AssertionError("no answer")

    def keys_made(self, database: apsw.Connection) -> int:
        if self.rotates is None:
            rows = database.execute('SELECT count(*) FROM "key" WHERE name = ?', (f"lost {self.number}",))
        else:
            rows = database.execute('SELECT count(*) FROM "key" WHERE predecessor_id = ?', (self.rotates,))
        return int(rows.fetchone()[0])

    def _request(self) -> tuple[str, str, str, Any]:
        key = self.made.made["management_key"]
        if self.rotates is not None:
            return "POST", f"/v1/keys/{self.rotates}/rotate", key, {"graceHours": 1}
        body = {"portalId": self.made.made["portal"], "name": f"lost {self.number}", "scopes": ["crm"]}
        return "POST", "/v1/keys", key, body

    def _headers(self) -> dict[str, str]:
        return {"Idempotency-Key": f"request-{self.number}"}


def _lose(clients: list[Client], workers: list[int], chance: random.Random) -> None:
    """Send all requests, and at some moment kill who answers them, if there are such, and hang up."""
    kill_at = time.monotonic() + chance.uniform(0, LATEST_KILL)
    for client in clients:
        client.send()
    time.sleep(max(0.0, kill_at - time.monotonic()))
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    for client in clients:
        client.first.close()


def test_every_client_ends_with_one_working_key(
    valkey_server: ValkeyServer, tmp_path: Path, figures: Figures, soak: bool
) -> None:
    number_of_clients = 500 if soak else 50
    chance = random.Random(figures.seed)
    working, second_keys, replayed = 0, 0, 0
    with installation(
        tmp_path, valkey_server, servers=1, portal_keys=number_of_clients // 2, WEB_CONCURRENCY="2"
    ) as made:
        server, to_rotate = made.servers[0], list(made.made["keys"].values())
        database = apsw.Connection(str(tmp_path / "vibekeys.db"), flags=apsw.SQLITE_OPEN_READONLY)
        for start in range(0, number_of_clients, CLIENTS_AT_ONCE):
            workers = server.workers() if chance.random() < 0.7 else []
            clients = [
                Client(made, number, to_rotate.pop() if number % 2 else None, server.caller())
                for number in range(start, start + CLIENTS_AT_ONCE)
            ]
            _lose(clients, workers, chance)
            caller = server.caller()
            for client in clients:
                answer = client.ask_until_answered()
                assert answer.status == 201, answer
                replayed += "Idempotency-Replayed" in answer.headers
                working += caller.call("GET", "/v1/me", answer.json["data"]["rawKey"]).status == 200
                second_keys += client.keys_made(database) - 1
            caller.close()
        database.close()
    figures.add(
        "Q6",
        "clients with a working key after their answer was lost",
        working,
        number_of_clients,
        f"{second_keys} second keys, {replayed} answers had been committed before",
    )
    assert (working, second_keys) == (number_of_clients, 0)
    assert 0 < replayed < number_of_clients
