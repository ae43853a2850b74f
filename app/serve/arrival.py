"""The stream of one connection, received in parts as they come, and cut into whole requests.

A request is whole when a thread can answer it without waiting for its client.  gunicorn's own parser reads
the head, and decodes a chunked body; it waits for what it misses, so it gets each of them once it is here.
"""

from __future__ import annotations

import io
import re
import socket
from functools import cache
from typing import Any
from urllib.parse import unquote

from gunicorn.http.body import Body, ChunkedReader
from gunicorn.http.errors import LimitRequestHeaders, NoMoreData, ParseException
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

__all__ = ["Arrival", "BodyCutOff", "largest_body"]

_BEYOND = 1024
"""A body that is too large by so little is received all the same, and its connection goes on."""
_PART = 64 * 1024
_LARGEST_HEAD = 64 * 1024
_LARGEST_FRAMING = 64 * 1024
"""Of a chunked body: lengths, extensions, trailers.  Decoding a million chunks of one byte takes seconds."""
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]+")
_FRAMING_HEADERS = ("CONTENT-LENGTH", "TRANSFER-ENCODING")


def largest_body(path: str) -> int:
    """Return how many bytes of a body are received.  Of a larger one the application gets only the length."""
    decoded = unquote(path)
    return _BEYOND + max(size for beginning, size in _sizes() if decoded.startswith(beginning))


@cache
def _sizes() -> list[tuple[str, int]]:
    """Beginnings of paths, and how large a body may be there."""
    # Not with this module, which the master imports: its workers have what it has, even after a reload.
    from app.registry import ROUTES
    from app.registry.route import MAX_BYTES

    larger = {
        route.path.partition("/{")[0]: route.max_bytes for route in ROUTES if route.max_bytes > MAX_BYTES
    }
    # In a form each byte can become three, and the longest text of all is an artifact's.
    return [("", MAX_BYTES), *larger.items(), ("/dashboard/", 4 * MAX_BYTES)]


class BodyCutOff(ParseException):  # type: ignore[misc]
    """The client ended its side before the body was whole, or chunks do not end where they say."""


class Arrival:
    """The requests on one connection: `receive` until one is whole, then `take` it, and so on.

    `request` is the one that is coming, without its body, once its head has been read.
    """

    def __init__(self, settings: Any, address: Any) -> None:
        self._settings, self._address = settings, address
        self._received = bytearray()
        self._number = 0
        self._body: _SizedBody | _ChunkedBody
        self._expects_continue = False
        self.request: Any = None
        # gunicorn looks here for what came behind a request, and is to find nothing.
        self.unreader = IterUnreader(())

    def __len__(self) -> int:
        """How many bytes have come and are not yet taken."""
        return len(self._received)

    def receive(self, client: socket.socket) -> bool:
        """Take in what has come, without waiting; tell whether the request is whole.

        Raises ParseException if it is not a request, and OSError if the client is gone.
        """
        is_whole = self._is_whole() or (self._read_on(client) and self._is_whole())
        if self._expects_continue and not is_whole:
            self._expects_continue = False
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return is_whole

    def take(self) -> Any:
        """Return the request with its body in memory, and go on to the next one.

        Raises ParseException if the body is malformed.
        """
        request = self.request
        if self._body.is_too_large:
            _leave_body_out(request, self._body.length)
        else:
            request.body = io.BytesIO(self._body.take(request, self._received))
        self.request = None
        return request

    def _read_on(self, client: socket.socket) -> bool:
        try:
            part = client.recv(_PART)
        except BlockingIOError:
            return False
        if not part:
            raise BodyCutOff if self.request else NoMoreData
        self._received += part
        return True

    def _is_whole(self) -> bool:
        if self.request is None:
            end = _end_of_head(self._received)
            if end == 0:
                return False
            self._read_head(end)
        return self._body.is_here(self._received)

    def _read_head(self, end: int) -> None:
        head = IterUnreader([bytes(self._received[:end])])
        del self._received[:end]
        self._number += 1
        try:
            request = Request(self._settings, head, self._address, self._number)
        except NoMoreData:
            raise LimitRequestHeaders("a head without end") from None
        reader, largest = request.body.reader, largest_body(request.path)
        is_chunked = isinstance(reader, ChunkedReader)
        self._body = _ChunkedBody(largest) if is_chunked else _SizedBody(reader.length, largest)
        # gunicorn would answer it when a thread takes the request up, which is when the body has come.
        self._expects_continue = request._expected_100_continue and not self._body.is_too_large
        request._expected_100_continue = False
        self.request = request


class _SizedBody:
    """A body whose length is told in the head; 0 if nothing is told."""

    def __init__(self, length: int, largest: int) -> None:
        self.length = length
        self.is_too_large = length > largest

    def is_here(self, received: bytearray) -> bool:
        return self.is_too_large or len(received) >= self.length

    def take(self, _request: Any, received: bytearray) -> bytes:
        return _cut(received, self.length)


class _ChunkedBody:
    """A body in chunks (RFC 9112, section 7.1).  A malformed one counts as here: gunicorn will refuse it."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._chunk = 0  # where the first chunk begins that is not yet here
        self._end = 0  # 0 while it is not known
        self.length = 0  # of all chunks before that one
        self.is_too_large = False

    def is_here(self, received: bytearray) -> bool:
        while (line_end := received.find(b"\r\n", self._chunk)) >= 0:
            digits = _CHUNK_SIZE.match(received, self._chunk, line_end)
            if digits is None:
                return True
            size = int(digits[0], 16)
            if size == 0:
                return self._ends_behind(line_end, received) or self._is_overlong(received)
            following = line_end + size + 2 * len(b"\r\n")
            if self._exceeds(self.length + size, following):
                return True
            if len(received) < following:
                return False
            self.length += size
            self._chunk = following
        return self._is_overlong(received)

    def take(self, request: Any, received: bytearray) -> bytes:
        raw = _cut(received, self._end or len(received))
        # In small parts: gunicorn copies with each chunk all the rest of the part.
        parts = (raw[at : at + 8192] for at in range(0, len(raw), 8192))
        try:
            body: bytes = Body(ChunkedReader(request, IterUnreader(parts))).read()
        except NoMoreData:
            raise BodyCutOff from None
        return body

    def _ends_behind(self, line_end: int, received: bytearray) -> bool:
        """The last chunk is empty; trailers may follow, and an empty line."""
        at = received.find(b"\r\n\r\n", line_end)
        if at >= 0:
            self._end = at + len(b"\r\n\r\n")
        return at >= 0

    def _exceeds(self, length: int, end: int) -> bool:
        if length > self._largest or end - length > _LARGEST_FRAMING:
            self.is_too_large = True
            self.length = self._largest + 1
        return self.is_too_large

    def _is_overlong(self, received: bytearray) -> bool:
        """Tell of a line of a chunk's length, or of trailers, that are not here whether they are too long."""
        return len(received) - self._chunk > _LARGEST_FRAMING


class _AbsentBody(io.RawIOBase):
    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: Any) -> int:
        raise NoMoreData


def _end_of_head(received: bytearray) -> int:
    """Where the head ends, 0 if that has not come; what can be none ends here, for gunicorn to refuse it."""
    end = received.find(b"\r\n\r\n")
    if end >= 0:
        return end + len(b"\r\n\r\n")
    is_none = b"\n\n" in received or len(received) > _LARGEST_HEAD
    return len(received) if is_none else 0


def _cut(received: bytearray, length: int) -> bytes:
    part = bytes(received[:length])
    del received[:length]
    return part


def _leave_body_out(request: Any, length: int) -> None:
    request.headers = [header for header in request.headers if header[0] not in _FRAMING_HEADERS]
    request.headers.append(("CONTENT-LENGTH", str(length)))
    request.body = _AbsentBody()
    request.force_close()
