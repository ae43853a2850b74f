"""The way out to a server that somebody names: one request at a time, to a checked address, bounded in time
and size.

A webhook's URL is a portal administrator's word for where our requests go, so the way there is narrow: the
host's addresses are looked up once, checked, and the connection goes to the one that was checked; redirects
are not followed, proxies of the environment not used; name look-up, connection, TLS and answer share one
deadline. The URL holds the portal's secret and is never part of a message.

Connections are kept open for a while and used again, each for the webhook that it was made for only, and
only if nothing followed the answer: what did would be taken for the answer to the next request. A request on
a kept connection that the server has closed is sent once more, on a new one, when nothing of it was sent;
whoever asked decides about the rest, for only they know whether a repeat is safe.

httpcore speaks HTTP here, on sockets of our own: its pool knows limits on single reads only, with which a
server that sends a byte a second holds a thread for ever, and does not tell whether anything was sent.
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpcore2

from app.bitrix.addresses import connect, is_public, look_up, seconds_left

MOST_KEPT = 32
"""Connections that a worker keeps open without using them."""
LONGEST_REST = 4.0
"""Seconds between two requests; many servers close after five, and a request should not meet the end."""
LONGEST_USE = 60.0
"""Seconds after which a host's address is looked up and checked anew."""
LONGEST_RETRY_AFTER = 3600
"""Seconds; no server has a say in more."""

_HEADERS = [
    (b"Accept", b"application/json"),
    (b"Accept-Encoding", b"identity"),
    (b"User-Agent", b"vibekeys"),
]
Headers = Sequence[tuple[bytes, bytes]]


class _Question(NamedTuple):
    """A request, but for the headers of all requests. `largest` is of its answer."""

    method: str
    path: str
    body: bytes | None
    largest: int
    headers: Headers


class NoAnswer(Exception):
    """There is no whole answer; the text says why in a few words, and holds no secret.

    `sent`: some of the request may have arrived. `broken`: the connection ended too soon, and another may
    do better.
    """

    def __init__(self, why: str, *, sent: bool, broken: bool = False) -> None:
        super().__init__(why)
        self.sent, self.broken = sent, broken


class Reply(NamedTuple):
    """An answer. `retry_after`: the seconds of its Retry-After (RFC 9110, 10.2.3), None if there are none."""

    status: int
    body: bytes
    retry_after: int | None


@dataclass(frozen=True, slots=True)
class Destination:
    """A webhook: its URL, and whether it may be plain http and lead to an address that is not public."""

    url: str = field(repr=False)
    allow_private: bool

    @property
    def host(self) -> str:
        """Return the host's name, which is no secret."""
        return urlsplit(self.url).hostname or ""


class Network:
    """The connections of one worker. Safe for threads, not for use after a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[_Connection] = []
        self._tls: ssl.SSLContext | None = None

    def post(
        self,
        to: Destination,
        path: str,
        body: bytes,
        *,
        deadline: float,
        largest: int,
        headers: Headers = (),
        content_type: bytes = b"application/json",
    ) -> Reply:
        """Send `body` to `path` below the destination, "" for itself; return the answer.

        `deadline` is monotonic, in seconds; an answer of more than `largest` bytes is cut off. `headers` are
        sent beside those of every request. Raises `NoAnswer`.
        """
        headers = [(b"Content-Type", content_type), *headers]
        return self._ask(to, _Question("POST", path, body, largest, headers), deadline)

    def get(self, to: Destination, *, deadline: float, largest: int, headers: Headers = ()) -> Reply:
        """Ask for what is at the destination; everything else is as with `post`."""
        return self._ask(to, _Question("GET", "", None, largest, headers), deadline)

    def close(self) -> None:
        """Close the connections that nobody uses just now."""
        with self._lock:
            kept, self._kept = self._kept, []
        for connection in kept:
            connection.http.close()

    def _ask(self, to: Destination, question: _Question, deadline: float) -> Reply:
        kept = self._take(to)
        if kept is not None:
            try:
                return self._exchange(kept, question, deadline)
            except NoAnswer as failure:
                if failure.sent:
                    raise
        return self._exchange(self._connect(to, deadline), question, deadline)

    def _exchange(self, connection: _Connection, question: _Question, deadline: float) -> Reply:
        stream = connection.stream
        stream.begin(deadline)
        # Never chained: what httpcore says may quote the request.
        try:
            answer = connection.ask(question)
        except (httpcore2.TimeoutException, TimeoutError):
            raise NoAnswer("no answer in time", sent=stream.sent) from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError):
            raise NoAnswer("the connection broke, or not HTTP", sent=stream.sent, broken=True) from None
        finally:
            self._keep_or_close(connection)
        if not stream.sent:
            raise NoAnswer("it answered before it was asked", sent=False)
        return answer

    def _take(self, to: Destination) -> _Connection | None:
        while (connection := self._pop(to)) is not None:
            if connection.is_usable():
                return connection
            connection.http.close()
        return None

    def _pop(self, to: Destination) -> _Connection | None:
        with self._lock:
            for place in reversed(range(len(self._kept))):
                if self._kept[place].to == to:
                    return self._kept.pop(place)
        return None

    def _keep_or_close(self, connection: _Connection) -> None:
        if not connection.is_at_rest():
            connection.http.close()
            return
        now = time.monotonic()
        connection.rest(now)
        with self._lock:
            self._kept.append(connection)
            keep = [kept for kept in self._kept if kept.usable_until > now][-MOST_KEPT:]
            surplus = [kept for kept in self._kept if kept not in keep]
            self._kept = keep
        for useless in surplus:
            useless.http.close()

    def _connect(self, to: Destination, deadline: float) -> _Connection:
        url = urlsplit(to.url)
        if url.scheme != "https" and not to.allow_private:
            raise NoAnswer("its webhook is not https", sent=False)
        try:
            stream = self._open(to, url.scheme == "https", url.port, deadline)
        except TimeoutError:
            raise NoAnswer("no connection in time", sent=False) from None
        except OSError:
            raise NoAnswer("no connection", sent=False) from None
        return _Connection(to, stream)

    def _open(self, to: Destination, tls: bool, port: int | None, deadline: float) -> _Stream:
        port = port or (443 if tls else 80)
        addresses = look_up(to.host, port, seconds_left(deadline))
        allowed = [address for address in addresses if to.allow_private or is_public(address)]
        if not allowed:
            raise NoAnswer("its host has no public address", sent=False)
        connection = connect(allowed, port, deadline)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls:
                connection.settimeout(seconds_left(deadline))
                connection = self._tls_context().wrap_socket(connection, server_hostname=to.host)
        except BaseException:
            connection.close()
            raise
        return _Stream(connection)

    def _tls_context(self) -> ssl.SSLContext:
        # Made once, for it reads every root certificate; at the first use, for many a worker needs none.
        with self._lock:
            if self._tls is None:
                self._tls = httpcore2.default_ssl_context()
                self._tls.set_alpn_protocols(["http/1.1"])
            return self._tls


class _Connection:
    """A connection, and whose it is."""

    def __init__(self, to: Destination, stream: _Stream) -> None:
        self.to, self.stream = to, stream
        self.http = httpcore2.HTTP11Connection(httpcore2.URL(to.url).origin, stream)
        # httpcore's own lacks the brackets of an IPv6 address.
        self._headers = [(b"Host", urlsplit(to.url).netloc.encode()), *_HEADERS]
        self._ends_at = self.usable_until = time.monotonic() + LONGEST_USE

    def rest(self, now: float) -> None:
        """Be kept, from now on."""
        self.usable_until = min(self._ends_at, now + LONGEST_REST)

    def is_at_rest(self) -> bool:
        """Tell whether all of the last request was sent, all of its answer read, and nothing beyond."""
        # httpcore keeps what it read beyond an answer, would begin the next with it, and tells nobody.
        beyond, _ = self.http._h11_state.trailing_data
        return self.http.is_idle() and self.stream.is_empty() and not beyond

    def is_usable(self) -> bool:
        """Tell whether it has not rested for too long, nor been closed, as far as one can see."""
        return time.monotonic() < self.usable_until and not self.http.has_expired()

    def ask(self, question: _Question) -> Reply:
        url = _url(f"{self.to.url}/{question.path}" if question.path else self.to.url)
        headers, content = [*self._headers, *question.headers], question.body
        with self.http.stream(question.method, url, headers=headers, content=content) as response:
            answer = bytearray()
            for chunk in response.iter_stream():
                answer += chunk
                if len(answer) > question.largest:
                    too_large = f"the answer is larger than {question.largest >> 10:,} KiB"
                    raise NoAnswer(too_large, sent=self.stream.sent)
            return Reply(response.status, bytes(answer), _retry_after(response.headers))


class _Stream(httpcore2.NetworkStream):
    """A socket on which nothing waits beyond the deadline, and that knows whether anything was sent."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._deadline = 0.0
        self._unsent = memoryview(b"")
        self.sent = False

    def begin(self, deadline: float) -> None:
        """Set out for the next request."""
        self._deadline, self._unsent, self.sent = deadline, memoryview(b""), False

    def is_empty(self) -> bool:
        """Tell whether all that was written has been sent."""
        return not self._unsent

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # Kept until the answer is read, so that the head and the body of a request go out together.
        self._unsent = memoryview(bytes(self._unsent) + buffer)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            # Who answers and closes before all was sent is heard all the same.
            with contextlib.suppress(ConnectionError):
                self._send()
            self._socket.settimeout(seconds_left(self._deadline))
            return self._socket.recv(max_bytes)
        except TimeoutError:
            raise
        except OSError:
            raise httpcore2.ReadError from None

    def _send(self) -> None:
        while self._unsent:
            self._socket.settimeout(seconds_left(self._deadline))
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
            self.sent = True

    def close(self) -> None:
        self._socket.close()

    def get_extra_info(self, info: str) -> Any:
        # All that httpcore asks for: an idle connection that has something to read has ended.
        return _is_readable(self._socket) if info == "is_readable" else None


def _url(url: str) -> httpcore2.URL:
    """Return the URL with all of its path: httpcore's own reading drops what stands behind a semicolon."""
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return httpcore2.URL(scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target=target)


def _retry_after(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    for name, value in headers:
        if name.lower() == b"retry-after" and re.fullmatch(rb"[0-9]{1,4}", value):
            return int(value) if int(value) <= LONGEST_RETRY_AFTER else None
    return None


def _is_readable(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))
