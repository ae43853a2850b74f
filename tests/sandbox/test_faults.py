"""Each way to misbehave, as it is seen on the wire."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from app.bitrix.sandbox import Sandbox
from tests.sandbox.caller import JSON, PATIENCE, answer, connect, path, refusal, result


@pytest.fixture
def connection(sandbox: Sandbox) -> Iterator[http.client.HTTPConnection]:
    opened = connect(sandbox)
    yield opened
    opened.close()


def exchanged(sandbox: Sandbox, method: str = "profile", body: str = "{}") -> bytes:
    """Every byte that comes back for one request, up to the end of the connection."""
    host, port = sandbox.socket.getsockname()[:2]
    request = f"POST {path(sandbox, method)} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
    request += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    with socket.create_connection((host, port), timeout=PATIENCE) as plain:
        plain.sendall(request.encode())
        return b"".join(iter(lambda: plain.recv(65_536), b""))


def ask(connection: http.client.HTTPConnection, sandbox: Sandbox, method: str = "profile") -> Any:
    connection.request("POST", path(sandbox, method), "{}", JSON)
    response = connection.getresponse()
    return response.status, response.read()


def test_a_fault_is_for_so_many_calls(sandbox: Sandbox) -> None:
    sandbox.faults.add("refuse", times=2)
    assert [answer(sandbox, "profile")[0] for _ in range(4)] == [400, 400, 200, 200]
    sandbox.faults.add("refuse", times=None)
    assert [answer(sandbox, "profile")[0] for _ in range(4)] == [400] * 4
    sandbox.faults.clear()
    assert answer(sandbox, "profile")[0] == 200


def test_a_fault_of_a_method_leaves_others_alone_and_comes_first(sandbox: Sandbox) -> None:
    sandbox.faults.add("refuse", error="ANY")
    sandbox.faults.add("refuse", error="SCOPE", method="scope")
    assert refusal(sandbox, "scope") == (400, "SCOPE")
    assert refusal(sandbox, "scope") == (400, "ANY")
    assert answer(sandbox, "scope")[0] == 200


@pytest.mark.parametrize("error", ["", "0", "ACCESS_DENIED"])
def test_refuse_answers_what_it_is_told_and_does_nothing(sandbox: Sandbox, error: str) -> None:
    sandbox.faults.add("refuse", status=403, error=error, description="No.")
    status, body = answer(sandbox, "crm.item.add", entityTypeId=2, fields={})
    assert (status, body) == (403, {"error": error, "error_description": "No."})
    assert answer(sandbox, "crm.item.list", entityTypeId=2)[1]["total"] == 120


def test_refuse_applies_to_a_command_of_a_batch(sandbox: Sandbox) -> None:
    sandbox.faults.add("refuse", method="scope", error="ACCESS_DENIED")
    found = result(sandbox, "batch", cmd={"a": "profile", "b": "scope", "c": "scope"})
    assert (list(found["result"]), found["result_error"]["b"]["error"]) == (["a", "c"], "ACCESS_DENIED")


def test_delay_answers_late(sandbox: Sandbox) -> None:
    sandbox.faults.add("delay", seconds=0.2)
    began = time.monotonic()
    assert result(sandbox, "profile")["ID"] == "1"
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize(
    ("where", "begins", "ends", "done"),
    [
        ("before", b"", b"", False),
        ("after", b"", b"", True),
        ("headers", b"HTTP/1.1 200 OK\r\n", b"", True),
        ("body", b"HTTP/1.1 200 OK\r\n", b'{"result": {"item"', True),
    ],
)
def test_cut_closes_where_it_is_told(
    sandbox: Sandbox, where: str, begins: bytes, ends: bytes, done: bool
) -> None:
    sandbox.faults.add("cut", where=where)
    came = exchanged(sandbox, "crm.item.add", '{"entityTypeId": 2, "fields": {}}')
    head, _, body = came.partition(b"\r\n\r\n")
    assert head.startswith(begins)
    assert body.startswith(ends)
    assert bool(came) is bool(begins)
    assert bool(body) is bool(ends)
    assert sandbox.calls[0].status == (200 if begins else None)
    assert answer(sandbox, "crm.item.list", entityTypeId=2)[1]["total"] == (121 if done else 120)


@pytest.mark.parametrize("where", ["headers", "body"])
def test_slow_sends_byte_after_byte(sandbox: Sandbox, where: str) -> None:
    sandbox.faults.add("slow", seconds=0.001, where=where)
    began = time.monotonic()
    head, _, body = exchanged(sandbox).partition(b"\r\n\r\n")
    assert json.loads(body)["result"]["ID"] == "1"
    assert time.monotonic() - began >= 0.001 * len(body) + (0.001 * len(head) if where == "headers" else 0)


def test_huge_is_as_long_as_it_is_told(sandbox: Sandbox, connection: http.client.HTTPConnection) -> None:
    sandbox.faults.add("huge", bytes=1_048_577)
    connection.request("POST", path(sandbox, "profile"), "{}", JSON)
    response = connection.getresponse()
    body = response.read()
    assert (response.status, response.getheader("Content-Length"), len(body)) == (200, None, 1_048_577)
    assert isinstance(json.loads(body)["result"], str)
    assert ask(connection, sandbox)[0] == 200


def test_not_json_is_a_page(sandbox: Sandbox, connection: http.client.HTTPConnection) -> None:
    sandbox.faults.add("not_json", status=502, text="<h1>Bad gateway</h1>")
    assert ask(connection, sandbox) == (502, b"<h1>Bad gateway</h1>")


def test_redirect_leads_elsewhere(sandbox: Sandbox, connection: http.client.HTTPConnection) -> None:
    sandbox.faults.add("redirect", status=307, location="http://127.0.0.1:1/rest/1/x/profile")
    connection.request("POST", path(sandbox, "profile"), "{}", JSON)
    response = connection.getresponse()
    assert (response.status, response.read()) == (307, b"")
    assert response.getheader("Location") == "http://127.0.0.1:1/rest/1/x/profile"


def test_connections_are_kept_until_one_is_closed_unannounced(
    sandbox: Sandbox, connection: http.client.HTTPConnection
) -> None:
    assert ask(connection, sandbox)[0] == 200
    sandbox.faults.add("close_idle")
    connection.request("POST", path(sandbox, "profile"), "{}", JSON)
    response = connection.getresponse()
    assert json.loads(response.read())["result"]["ID"] == "1"
    assert response.getheader("Connection") is None
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        ask(connection, sandbox)
    assert len({call.connection for call in sandbox.calls}) == 1


def test_an_idle_connection_is_closed_after_its_time(sandbox: Sandbox) -> None:
    sandbox.idle_seconds = 0.05
    with closing(connect(sandbox)) as connection:
        assert ask(connection, sandbox)[0] == 200
        assert connection.sock.recv(1) == b""


def test_all_connections_can_be_closed(sandbox: Sandbox, connection: http.client.HTTPConnection) -> None:
    assert ask(connection, sandbox)[0] == 200
    sandbox.close_connections()
    assert connection.sock.recv(1) == b""


def test_stopping_waits_for_no_fault(sandbox: Sandbox) -> None:
    sandbox.faults.add("delay", seconds=600.0)
    waiting = threading.Thread(target=exchanged, args=(sandbox,))
    waiting.start()
    while not sandbox.calls:
        time.sleep(0.001)
    # The fixture stops the sandbox, and would hang if it waited.


@pytest.mark.parametrize(
    ("kind", "options", "why"),
    [
        ("explode", {}, "kind"),
        ("delay", {"where": "body"}, "where"),
        ("delay", {"seconds": "1"}, "seconds"),
        ("cut", {"where": "nowhere"}, "where"),
        ("slow", {"where": "after"}, "where"),
        ("refuse", {"times": 0}, "times"),
        ("refuse", {"times": "2"}, "times"),
    ],
)
def test_a_fault_that_there_is_not_is_refused(
    sandbox: Sandbox, kind: Any, options: dict[str, Any], why: str
) -> None:
    with pytest.raises(ValueError, match=f"^{why}: "):
        sandbox.faults.add(kind, **options)
    assert sandbox.faults.waiting == []
