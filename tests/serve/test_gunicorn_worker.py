"""Clients that are slow, silent, or send more or less than one request at a time."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from subprocess import Popen

import pytest

from tests.serve.processes import PATIENCE, REPOSITORY, eventually, free_port

APPLICATION = """
def application(environ, start_response):
    body = environ["PATH_INFO"].encode() + environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
THREADS = 2


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """One worker with two threads, in front of an application that answers with path and body."""
    folder = tmp_path_factory.mktemp("echo")
    (folder / "echo.py").write_text(APPLICATION)
    port = free_port()
    options = {
        "--worker-class": "app.serve.gunicorn_worker.RequestWorker",
        "--threads": str(THREADS),
        "--bind": f"127.0.0.1:{port}",
        "--pythonpath": f"{REPOSITORY},{folder}",
        "--log-level": "error",
    }
    words = [word for option in options.items() for word in option]
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", *words, "echo:application"]
    with Popen(command, cwd=folder) as gunicorn:
        eventually(lambda: _listens(port), "gunicorn listens")
        yield port
        gunicorn.terminate()
        assert gunicorn.wait(PATIENCE) == 0


def test_however_many_say_nothing_or_half_of_it_others_are_answered(port: int) -> None:
    with ExitStack() as clients:
        for number in range(20 * THREADS):
            client = clients.enter_context(_connected(port))
            if number % 2:
                client.sendall(b"GET /half HTTP/1.1\r\nHost: ")
        assert _ask(port, b"GET /whole HTTP/1.1\r\n\r\n") == b"/whole"


def test_a_head_in_pieces_is_one_request(port: int) -> None:
    with _connected(port) as client:
        for byte in b"POST /pieces HTTP/1.1\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody":
            client.sendall(bytes([byte]))
        assert _bodies(client) == [b"/piecesbody"]


def test_requests_sent_together_are_answered_in_order_also_when_the_last_comes_in_pieces(port: int) -> None:
    with _connected(port) as client:
        client.sendall(b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\nConn")
        assert _ask(port, b"GET /else HTTP/1.1\r\n\r\n") == b"/else"
        client.sendall(b"ection: close\r\n\r\n")
        assert _bodies(client) == [b"/1", b"/2", b"/3"]


def test_a_head_without_end_is_cut_off(port: int) -> None:
    with _connected(port) as client, pytest.raises((BrokenPipeError, ConnectionResetError)):
        client.sendall(b"X-Endless: x\r\n" * 1_000_000)


def test_a_client_that_leaves_before_its_request_is_whole_is_forgotten(port: int) -> None:
    for _ in range(2 * THREADS):
        with _connected(port) as client:
            client.sendall(b"GET / HTTP/1.1\r\n")
    assert _ask(port, b"GET /still HTTP/1.1\r\n\r\n") == b"/still"


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def _listens(port: int) -> bool:
    try:
        _connected(port).close()
    except ConnectionRefusedError:
        return False
    return True


def _ask(port: int, request: bytes) -> bytes:
    with _connected(port) as client:
        client.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        (body,) = _bodies(client)
        return body


def _bodies(client: socket.socket) -> list[bytes]:
    """The body of each answer, up to the end of the connection."""
    with client.makefile("rb") as stream:
        answers = stream.read().split(b"HTTP/1.1 200 OK\r\n")[1:]
    return [answer.partition(b"\r\n\r\n")[2] for answer in answers]
