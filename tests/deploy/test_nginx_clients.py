"""Slow clients, and many of them: nginx waits for them, and the service hears of whole requests only."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack

from tests.deploy.conftest import Deployment
from tests.deploy.rig import answers_on
from tests.serve.processes import eventually

REQUESTS_AT_A_TIME = 100
"""From one address, as the configuration has it."""
SLOW_CLIENTS = 40


def _half_sent(deployed: Deployment, client: str) -> tuple[socket.socket, bytes]:
    """A connection on which nginx has read a head and waits for the body; and what is missing of it."""
    body = json.dumps({"name": "from a slow client"}).encode()
    lines = [
        f"PATCH /v1/keys/{deployed.limited} HTTP/1.1",
        "Host: x",
        "Connection: close",
        f"X-Api-Key: {deployed.management_key}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Expect: 100-continue",
    ]
    connection = deployed.nginx.connected(client)
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(body[:10])
    return connection, body[10:]


def test_the_service_hears_of_a_request_once_it_is_whole(deployed: Deployment) -> None:
    with ExitStack() as slow:
        begun = [_half_sent(deployed, f"127.0.1.{number}") for number in range(1, SLOW_CLIENTS + 1)]
        for connection, _ in begun:
            slow.enter_context(connection)
        assert deployed.nginx.ask("GET", "/v1/me", deployed.key).status == 200
        assert deployed.web.connections() < SLOW_CLIENTS
        for connection, rest in begun:
            connection.sendall(rest)
            assert next(answers_on(connection)).status == 200


def test_one_address_has_only_so_many_requests_at_a_time(deployed: Deployment) -> None:
    with ExitStack() as slow:
        for _ in range(REQUESTS_AT_A_TIME):
            slow.enter_context(_half_sent(deployed, "127.0.2.1")[0])
        refused = deployed.nginx.ask("GET", "/healthz", client="127.0.2.1")
        assert (refused.status, refused.code) == (503, "GATEWAY_UNAVAILABLE")
        assert refused.headers["Retry-After"] == str(refused.json["error"]["retryAfter"])
        assert deployed.nginx.line(refused)["upstream_status"] == ""
        assert _status(deployed, "127.0.2.2") == 200
    eventually(lambda: _status(deployed, "127.0.2.1") == 200, "there is room again")


def _status(deployed: Deployment, client: str) -> int:
    return deployed.nginx.ask("GET", "/healthz", client=client).status
