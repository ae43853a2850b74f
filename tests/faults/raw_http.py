"""Requests as bytes, from well-formed to noise, and the answers that come back on a socket."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

PATIENCE = 20.0

_METHODS = [b"GET", b"POST", b"PATCH", b"DELETE", b"HEAD", b"PUT", b"OPTIONS", b"TRACE", b"CONNECT", b"get"]
_QUERIES = [
    b"",
    b"?page=2&limit=3",
    b"?",
    b"?page=1&page=1",
    b"?portalId=%00",
    b"?a[]=%f0%28&=",
    b"?%zz",
    b"#x",
    b"?page=" + b"9" * 8200,
]
_ODD_VERSIONS = [b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.9", b"http/1.1", b""]
_HEADERS = [
    b"Host: keys.example.test",
    b"Connection: close",
    b"Expect: 100-continue",
    b"Idempotency-Key: 1",
    b"X-Request-Id: r-1",
    b"X-Forwarded-For: 127.0.0.1, ::1%lo, \xc3\xa9",
]
_ODD_HEADERS = [
    b"Host: a\r\nHost: b",
    b"Connection: keep-alive, upgrade\r\nUpgrade: websocket",
    b"Expect: the worst",
    b"Content-Type: application/json; charset=utf-16",
    b"Content-Type: \xff\xfe",
    b"Content-Encoding: gzip",
    b"Content-Length: 0",
    b"Content-Length: 5\r\nContent-Length: 6",
    b"Content-Length: -1",
    b"Content-Length: 99999999999999999999",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked\r\nContent-Length: 3",
    b"Idempotency-Key: \x7f\xff",
    b"X-Request-Id: " + b"r" * 65,
    b"SCRIPT_NAME: /v1",
    b"X-Api-Key: vibe_api_\xe2\x82\xac",
    b"Authorization: Bearer ",
    b"Authorization: Basic eDp5",
    b"X-Folded: a\r\n b",
    b"X-Long: " + b"x" * 9000,
    b" X-Space: a",
    b"X-Space : a",
    b": a",
    b"X-Nul: a\0b",
]
_VALUES = [
    b"null",
    b"[]",
    b'{"name": 1e400}',
    b'{"name": NaN}',
    b'{"name": "\\ud800"}',
    b'{"name": "\\u0000"}',
    b'{"name": "\xff"}',
    b'{"rateLimit": 1' + b"0" * 200 + b"}",
    b'{"metadata": ' + b'{"a":' * 40 + b"1" + b"}" * 41,
    b"[" * 3000,
    b'{"text": "x", "status": "RESOLVED"}',
    b'{"category": "BUG", "title": "t", "description": "d", "context": {"\\ud800": 1}}',
    b'\xef\xbb\xbf{"name": "x"}',
    b'{"name": "x"',
    b"",
]
_CHUNKS = [
    b'5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n',
    b"0\r\nX-Trailer: a\r\n\r\n",
    b"-1\r\nx\r\n0\r\n\r\n",
    b"ffffffffffffffff\r\nx",
    b"2\r\nabc\r\n0\r\n\r\n",
    b"1;a=b\r\nx\r\n0\r\n",
    b"1\nx\n0\n\n",
]


class Call(NamedTuple):
    """What a request asks; `rest` is what stands behind the headers that every request may have."""

    method: bytes
    target: bytes
    rest: bytes


def streams(calls: Sequence[Call], keys: Sequence[bytes]) -> SearchStrategy[bytes]:
    """What is sent on one connection: `calls` with `keys`, as they stand or damaged; odd requests; noise."""
    fine = _connection(
        st.sampled_from(calls),
        st.just(b"HTTP/1.1"),
        st.sampled_from([b"X-Api-Key: %s" % key for key in keys]),
        st.lists(st.sampled_from(_HEADERS), max_size=2, unique=True),
    )
    paths = sorted({call.target.partition(b"?")[0] for call in calls})
    odd = _connection(
        st.builds(
            Call,
            st.sampled_from(_METHODS) | st.binary(min_size=1, max_size=8),
            st.builds(
                bytes.__add__,
                st.sampled_from(paths) | st.binary(max_size=40).map(lambda raw: b"/v1/" + raw),
                st.sampled_from(_QUERIES),
            ),
            st.sampled_from([*map(sized, _VALUES), *map(_chunked, _CHUNKS)])
            | st.binary(max_size=60).map(sized),
        ),
        st.sampled_from([b"HTTP/1.1", *_ODD_VERSIONS]),
        st.sampled_from([b"Authorization: bearer %s" % key for key in keys]),
        st.lists(st.sampled_from([*_HEADERS, *_ODD_HEADERS]) | st.binary(max_size=30), max_size=2),
    )
    damages = st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 3), st.binary(max_size=3)), min_size=1, max_size=3
    )
    return st.one_of(fine, odd, odd, st.builds(_damaged, fine, damages), st.binary())


def _connection(*parts: SearchStrategy[Any]) -> SearchStrategy[bytes]:
    return st.lists(st.builds(_assembled, *parts), min_size=1, max_size=3).map(b"".join)


def _assembled(call: Call, version: bytes, key: bytes, headers: list[bytes]) -> bytes:
    return b"\r\n".join((b" ".join((call.method, call.target, version)), key, *headers, call.rest))


def sized(body: bytes) -> bytes:
    """The rest of a request with this body."""
    return b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def _chunked(body: bytes) -> bytes:
    return b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + body


def _damaged(stream: bytes, damages: list[tuple[float, int, bytes]]) -> bytes:
    for place, lost, put_in in damages:
        at = int(place * len(stream))
        stream = stream[:at] + put_in + stream[at + lost :]
    return stream


class RawAnswer(NamedTuple):
    """One answer of a connection."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def exchange(port: int, stream: bytes) -> bytes:
    """Send all of `stream`, say that nothing follows, and return all that comes until the server hangs up.

    Raises OSError if it does not, or if it resets the connection.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(stream)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def answers_in(received: bytes, *, to: bytes) -> Iterator[RawAnswer]:
    """Cut what was received into answers; one `to` a HEAD has no body. Raises ValueError if it is no HTTP."""
    while received:
        head, end, received = received.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        found = re.fullmatch(r"HTTP/1\.\d (\d{3}) [\x20-\x7e]+", line)
        if found is None or not end:
            raise ValueError(f"no head of an answer: {head[:200]!r}")
        if found[1] == "100":
            continue
        headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
        if len(headers) != len(lines):
            raise ValueError(f"a header comes twice: {head!r}")
        length = int(headers["content-length"])
        is_bare = b"HEAD " in to and (not received or received.startswith(b"HTTP/1."))
        body, received = (b"", received) if is_bare else (received[:length], received[length:])
        if not is_bare and len(body) != length:
            raise ValueError(f"a body of {len(body)} bytes in place of {length}")
        yield RawAnswer(int(found[1]), headers, body)
