"""Clients that are slow, silent, do not hang up, or send more or less than one request at a time.

Whether others are answered while such clients hold on is found by counting answers.  There are so many of
them that, if each held a thread for only a second, the others would run out of patience.
"""

from __future__ import annotations

import json
import re
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import Popen
from typing import NamedTuple

import pytest

from app.json_body import MAX_BYTES
from app.registry.documents import ARTIFACT_MAX_BYTES
from app.serve.arrival import largest_body
from tests.serve.processes import PATIENCE, REPOSITORY, eventually, free_port

APPLICATION = """
from app.serve.arrival import largest_body
from app.serve.gunicorn_worker import RequestWorker

class Hasty(RequestWorker):
    patience = 0.3
    large_memory = 250_000

def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/fails":
        raise ValueError(environ["QUERY_STRING"])
    if int(environ.get("CONTENT_LENGTH") or 0) > largest_body(path):
        body = b"too large"
    elif path == "/unread":
        body = path.encode()
    elif path == "/much":
        body = bytes(6_000_000)
    else:
        body = path.encode() + environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    if path == "/fails-midway":
        return fail_midway()
    return [body]

def fail_midway():
    yield b"/f"
    raise ValueError
"""
THREADS = 2
MANY = 20 * THREADS
CLOSE = b"Connection: close\r\n\r\n"
LARGEST_BODY = largest_body("/")
ARTIFACTS = b"/api/v1/artifacts"
KEY = "vibe_api_" + "0123456789abcdef" * 4


class Server(NamedTuple):
    port: int
    log: Path


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """One worker with two threads, in front of an application that answers with path and body."""
    with _serving("app.serve.gunicorn_worker.RequestWorker", tmp_path_factory) as server:
        yield server.port


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The same, with little patience, and memory for two large requests."""
    with _serving("echo.Hasty", tmp_path_factory) as server:
        yield server


@contextmanager
def _serving(worker_class: str, folders: pytest.TempPathFactory) -> Iterator[Server]:
    folder = folders.mktemp("echo")
    (folder / "echo.py").write_text(APPLICATION)
    server = Server(free_port(), folder / "log")
    options = {
        "--worker-class": worker_class,
        "--threads": str(THREADS),
        "--bind": f"127.0.0.1:{server.port}",
        "--pythonpath": f"{REPOSITORY},{folder}",
        "--log-level": "warning",
        "--error-logfile": str(server.log),
    }
    words = [word for option in options.items() for word in option]
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", *words, "echo:application"]
    with Popen(command, cwd=folder) as gunicorn:
        eventually(lambda: _listens(server.port), "gunicorn listens")
        yield server
        gunicorn.terminate()
        assert gunicorn.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET /half HTTP/1.1\r\nHost: ",
        b"POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n",
        b"POST /unread HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nA\r\nhalf",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nA",
        b"GET /much HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n" * 3000,
    ],
)
def test_others_are_answered_while_many_say_so_much_and_read_nothing(said: bytes, port: int) -> None:
    with ExitStack() as clients:
        for _ in range(MANY):
            clients.enter_context(_connected(port)).sendall(said)
        _others_are_answered(port)


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n" + CLOSE,
        b"GET / HTTP/1.0\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n",
    ],
)
def test_others_are_answered_while_many_do_not_hang_up(request_: bytes, port: int) -> None:
    with ExitStack() as clients:
        finished = [clients.enter_context(_connected(port)) for _ in range(MANY)]
        for client in finished:
            client.sendall(request_)
        for client in finished:
            assert _received(client, until=b"\r\n\r\n")
        _others_are_answered(port)


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /pieces HTTP/1.1\r\nContent-Length: 4\r\n" + CLOSE + b"body",
        b"POST /pieces HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
        + CLOSE
        + b"1\r\nb\r\n3\r\nody\r\n0\r\n\r\n",
        b"POST /pieces HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n"
        + CLOSE
        + b'04;a="\\";";b\r\nbody\r\n0;c\r\nA: b\r\n\r\n',
    ],
)
def test_a_request_in_pieces_is_one_request(request_: bytes, port: int) -> None:
    with _connected(port) as client:
        for byte in request_:
            client.sendall(bytes([byte]))
        assert _bodies(client) == [b"/piecesbody"]


def test_requests_sent_together_are_answered_in_order_also_when_the_last_comes_in_pieces(port: int) -> None:
    chunked = b"POST /%d HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\r\n\r\n0\r\n\r\n"
    sized = b"POST /%d HTTP/1.1\r\nContent-Length: 2\r\n\r\n\r\n"
    with _connected(port) as client:
        client.sendall(b"GET /1 HTTP/1.1\r\n\r\n" + chunked % 2 + sized % 3 + b"HEAD /4 HTTP/1.1\r\n\r\n")
        client.sendall(b"POST /unread HTTP/1.1\r\nContent-Length: 3\r\n\r\nGETGET /5 HTTP/1.1\r\nConn")
        _others_are_answered(port)
        client.sendall(b"ection: close\r\n\r\n")
        assert _bodies(client) == [b"/1", b"/2\r\n", b"/3\r\n", b"", b"/unread", b"/5"]


def test_a_connection_serves_one_request_after_the_other(port: int) -> None:
    with _connected(port) as client:
        for number in range(3):
            client.sendall(b"POST /%d HTTP/1.1\r\nContent-Length: 2\r\n\r\nok" % number)
            assert _received(client, until=b"/%dok" % number)


def test_an_answer_waits_until_its_client_takes_it(port: int) -> None:
    with _connected(port) as client:
        client.sendall(b"GET /much HTTP/1.1\r\n\r\nGET /next HTTP/1.1\r\n" + CLOSE)
        _others_are_answered(port)
        much, following = _bodies(client)
    assert (len(much), following) == (6_000_000, b"/next")


def test_who_expects_100_continue_is_told_once_to_go_on(port: int) -> None:
    head = b"POST /asked HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n" + CLOSE
    with _connected(port) as client:
        client.sendall(head)
        assert _received(client, until=b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"body")
        assert _bodies(client) == [b"/askedbody"]
    with _connected(port) as client:
        client.sendall(head + b"body")
        assert _everything(client).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("path", "size"),
    [
        (b"/", MAX_BYTES),
        (ARTIFACTS, ARTIFACT_MAX_BYTES),
        (b"%s/acme/website/a-slug" % ARTIFACTS, ARTIFACT_MAX_BYTES),
        (b"/dashboard/artifacts/new", 3 * 1_000_000 + 10_000),
    ],
)
def test_the_largest_body_that_the_application_reads_arrives(path: bytes, size: int, port: int) -> None:
    body = b"x" * (size + 1)
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:99], body[99:9999], body[9999:], b"")
    )
    for framed in (
        b"Content-Length: %d\r\n%s%s" % (len(body), CLOSE, body),
        b"Transfer-Encoding: chunked\r\n%s%s" % (CLOSE, chunks),
    ):
        with _connected(port) as client:
            client.sendall(b"POST %s HTTP/1.1\r\n%s" % (path, framed))
            assert _bodies(client) == [path + body]


@pytest.mark.parametrize(
    "request_",
    [
        b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (LARGEST_BODY + 1),
        b"POST / HTTP/1.1\r\nContent-Length: 1%s\r\n\r\n" % (b"0" * 4000),
        b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (LARGEST_BODY + 1),
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % (LARGEST_BODY + 1),
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1%s\r\n" % (b"0" * 8000),
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 20_000,
        b"POST %s HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (ARTIFACTS, ARTIFACT_MAX_BYTES + 1025),
        b"POST /v1%s HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (ARTIFACTS, LARGEST_BODY + 1),
    ],
)
def test_of_a_larger_body_the_application_is_told_the_length_at_once(request_: bytes, port: int) -> None:
    with _connected(port) as client:
        client.sendall(request_)
        answer = _everything(client)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Connection: close\r\n" in answer
    assert answer.endswith(b"\r\n\r\ntoo large")


def test_who_sends_a_body_that_is_too_large_can_read_the_answer(port: int) -> None:
    with _connected(port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 20000000\r\n\r\n" + bytes(20_000_000))
        assert _bodies(client) == [b"too large"]


def test_a_client_that_only_listens_on_is_answered(port: int) -> None:
    with _connected(port) as client:
        client.sendall(b"POST /half-closed HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody")
        client.shutdown(socket.SHUT_WR)
        assert _bodies(client) == [b"/half-closedbody"]


def test_a_client_that_leaves_before_its_request_is_whole_is_forgotten(port: int) -> None:
    for _ in range(2 * THREADS):
        with _connected(port) as client:
            client.sendall(b"GET / HTTP/1.1\r\n")
        with _connected(port) as client:
            client.sendall(b"GET /much HTTP/1.1\r\n\r\n" * 2)
    _others_are_answered(port)


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (400, b"\r\n\r\n"),
        (400, b"GET /?key=%s\r\n\r\n"),
        (400, b"GET /?key=%s HTTP/1.1\n\n"),
        (400, b"get /?key=%s HTTP/1.1\r\n\r\n"),
        (400, b"GET /?key=%s HTTP/3.0\r\n\r\n"),
        (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nX-Api-Key %s\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nX Api Key: %s\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nX-Api-Key:\r\n %s\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nContent-Length: %s\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nContent-Length: 1%s\r\n\r\n" % (b"0" * 5000)),
        (400, b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (400, b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nTransfer-Encoding: %s\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n"),
        (400, b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n%s\r\n"),
        (400, b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4;" + b"x" * 100_000),
        (400, b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 1\r\n\r\n"),
        (414, b"GET /?key=%s" + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n"),
        (414, b"GET /?key=%s" + b"x" * 100_000),
        (417, b"GET / HTTP/1.1\r\nExpect: %s\r\n\r\n"),
        (431, b"GET / HTTP/1.1\r\nX-Api-Key: %s" + b"x" * 10_000 + b"\r\n\r\n"),
        (431, b"GET / HTTP/1.1\r\n" + b"X-Api-Key: %s\r\n" * 101 + b"\r\n"),
        (431, b"GET / HTTP/1.1\r\n" + b"X-Api-Key: %s\r\n" * 1_000),
        (500, b"GET /fails?%s HTTP/1.1\r\n\r\n"),
    ],
)
def test_what_no_application_answers_is_refused_in_the_common_form(
    status: int, request_: bytes, hasty: Server
) -> None:
    logged = hasty.log.stat().st_size
    with _connected(hasty.port) as client:
        client.sendall(request_.replace(b"%s", KEY.encode()))
        answer = _everything(client)
    head, _, body = answer.partition(b"\r\n\r\n")
    error = json.loads(body)["error"]
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"Connection: close\r\n" in head
    assert b"Content-Length: %d\r\n" % len(body) in head
    assert head.endswith(b"\r\nX-Request-Id: " + error["requestId"].encode())
    assert error["code"] == ("INTERNAL_ERROR" if status == 500 else "VALIDATION_ERROR")
    assert set(error) == {"code", "message", "requestId"} | ({"details"} if status < 500 else set())
    lines = hasty.log.read_bytes()[logged:].decode()
    assert lines.count(error["requestId"]) == 1
    assert len(lines.splitlines()) == 1 or status == 500
    assert KEY not in lines + answer.decode()


def test_a_body_that_the_client_cuts_off_is_refused_under_the_callers_own_request_id(port: int) -> None:
    for framing in (b"Content-Length: 5\r\n\r\nhalf", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhalf"):
        with _connected(port) as client:
            client.sendall(b"POST / HTTP/1.1\r\nX-Request-Id: my-own\r\n" + framing)
            client.shutdown(socket.SHUT_WR)
            answer = _everything(client)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"\r\nX-Request-Id: my-own\r\n" in answer
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["requestId"] == "my-own"


def test_answers_precede_the_refusal_of_what_follows_them(port: int) -> None:
    with _connected(port) as client:
        client.sendall(b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nNONSENSE\r\n\r\n")
        assert re.findall(rb"HTTP/1.1 (\d+)", _everything(client)) == [b"200", b"200", b"400"]


def test_a_failure_in_the_middle_of_an_answer_ends_it_there(port: int) -> None:
    with _connected(port) as client:
        client.sendall(b"GET /fails-midway HTTP/1.1\r\n\r\n")
        assert _bodies(client) == [b"/f"]
    _others_are_answered(port)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET / HTTP/1.1\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
    ],
)
def test_patience_with_a_request_does_not_grow_with_each_part(said: bytes, hasty: Server) -> None:
    with _connected(hasty.port) as client:
        client.sendall(said)
        client.settimeout(0.05)
        _until_it_ends(client, lambda: client.sendall(b"1"))


def test_patience_with_a_client_that_takes_nothing_of_its_answer_ends(hasty: Server) -> None:
    with _connected(hasty.port) as client:
        client.sendall(b"GET /much HTTP/1.1\r\n\r\n")
        eventually(lambda: _is_reset(client), "the connection is given up")


def test_patience_with_a_client_that_does_not_hang_up_ends(hasty: Server) -> None:
    with _connected(hasty.port) as client:
        client.sendall(b"NONSENSE\r\n\r\n")
        eventually(lambda: _is_reset(client), "the connection is given up")


def test_only_so_many_large_requests_are_held_in_memory(hasty: Server) -> None:
    large = b"POST / HTTP/1.1\r\nContent-Length: 100000\r\n" + CLOSE + bytes(100_000)
    refused = b""

    def is_refused_while_others_are_held() -> bool:
        nonlocal refused
        with ExitStack() as clients:
            for _ in range(3):
                clients.enter_context(_connected(hasty.port)).sendall(large[:-1])
            refused = _everything_of(hasty.port, large)
            _others_are_answered(hasty.port)
        return refused.startswith(b"HTTP/1.1 413 ")

    eventually(is_refused_while_others_are_held, "one too many is refused")
    assert b"\r\nRetry-After: 1\r\n" in refused
    assert json.loads(refused.partition(b"\r\n\r\n")[2])["error"]["code"] == "PAYLOAD_TOO_LARGE"
    for _ in range(5):
        eventually(
            lambda: _everything_of(hasty.port, large).startswith(b"HTTP/1.1 200 "), "there is room again"
        )


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def _listens(port: int) -> bool:
    try:
        _connected(port).close()
    except ConnectionRefusedError:
        return False
    return True


def _others_are_answered(port: int) -> None:
    for number in range(5):
        with _connected(port) as client:
            client.sendall(b"POST /else HTTP/1.1\r\nContent-Length: 1\r\n" + CLOSE + b"%d" % number)
            assert _bodies(client) == [b"/else%d" % number]


def _received(client: socket.socket, until: bytes) -> bytes:
    received = b""
    while until not in received:
        part = client.recv(65536)
        assert part, received
        received += part
    return received


def _everything_of(port: int, request: bytes) -> bytes:
    with _connected(port) as client:
        client.sendall(request)
        return _everything(client)


def _everything(client: socket.socket) -> bytes:
    with client.makefile("rb") as stream:
        return stream.read()


def _bodies(client: socket.socket) -> list[bytes]:
    """The body of each answer, up to the end of the connection."""
    answers = _everything(client).split(b"HTTP/1.1 200 OK\r\n")[1:]
    return [answer.partition(b"\r\n\r\n")[2] for answer in answers]


def _until_it_ends(client: socket.socket, say_more: Callable[[], None]) -> None:
    """Send byte after byte, until the server closes."""

    def has_ended() -> bool:
        try:
            say_more()
            return client.recv(1) == b""
        except TimeoutError:
            return False
        except (BrokenPipeError, ConnectionResetError):
            return True

    eventually(has_ended, "the server closes")


def _is_reset(client: socket.socket) -> bool:
    try:
        client.sendall(b"x")
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False
