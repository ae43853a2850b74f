"""Requests cut out of a stream are the same as gunicorn's own parser finds, however the stream is split."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import NoMoreData, ParseException
from gunicorn.http.parser import RequestParser

from app.serve.arrival import Arrival

SETTINGS = Config()
ADDRESS = ("192.0.2.1", 1)
Found = list[tuple[str, bytes]]


@pytest.mark.parametrize("seed", range(8))
def test_well_formed_and_damaged_streams_hold_the_same_requests_as_for_gunicorn(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(100):
        stream = b"".join(_request(dice, number) for number in range(dice.randint(1, 5)))
        damaged = _damaged(dice, stream) if dice.random() < 0.7 else stream
        assert _arrived(_parts(dice, damaged)) == _parsed(damaged), damaged


def _request(dice: random.Random, number: int) -> bytes:
    body = bytes(dice.choices(b"ab\r\n0;5", k=dice.choice([0, 1, 5, 30, 300])))
    start = dice.choice([b"", b"\r\n"]) + dice.choice([b"POST", b"HEAD"]) + b" /%d HTTP/1.1\r\n" % number
    framing = dice.choice(["none", "sized", "chunked"])
    if framing == "none":
        return start + b"Host: x\r\n\r\n"
    if framing == "sized":
        return start + b"Content-Length: %d\r\n\r\n" % len(body) + body
    return start + b"Transfer-Encoding: chunked\r\n\r\n" + _chunked(dice, body)


def _chunked(dice: random.Random, body: bytes) -> bytes:
    chunks = b""
    while body:
        size = dice.randint(1, len(body))
        chunks += b"%x%s\r\n%s\r\n" % (size, dice.choice([b"", b";a=b", b" ; x"]), body[:size])
        body = body[size:]
    trailers = dice.choice([b"", b"A: b\r\n", b"A: b\r\nC: d\r\n"])
    return chunks + dice.choice([b"0", b"00", b"0;q"]) + b"\r\n" + trailers + b"\r\n"


def _damaged(dice: random.Random, stream: bytes) -> bytes:
    at = dice.randrange(len(stream))
    put_in = bytes([dice.choice(b"\r\n0af;: 5\0")])
    return stream[:at] + dice.choice([b"", put_in]) + stream[at + dice.randint(0, 1) :]


def _parts(dice: random.Random, stream: bytes) -> Iterator[bytes]:
    while stream:
        size = dice.choice([1, 2, 7, 50, 1000])
        yield stream[:size]
        stream = stream[size:]


def _parsed(stream: bytes) -> Found:
    """The whole requests in the stream, as far as it makes sense."""
    found: Found = []
    try:
        for request in RequestParser(SETTINGS, iter([stream]), ADDRESS):
            length = getattr(request.body.reader, "length", 0)
            body = request.body.read()
            if len(body) < length:  # gunicorn does not mind
                break
            found.append((request.path, body))
    except (NoMoreData, ParseException):
        pass
    return found


def _arrived(parts: Iterator[bytes]) -> Found:
    found: Found = []
    arrival = Arrival(SETTINGS, ADDRESS)
    client, server = socket.socketpair()
    server.setblocking(False)
    with client, server:
        try:
            while True:
                _send_next(client, parts)
                while arrival.receive(server):
                    request = arrival.take()
                    found.append((request.path, request.body.read()))
                    if request.should_close():
                        return found
        except (NoMoreData, ParseException):
            return found


def _send_next(client: socket.socket, parts: Iterator[bytes]) -> None:
    part = next(parts, None)
    if part is None:
        client.shutdown(socket.SHUT_WR)
    else:
        client.sendall(part)
