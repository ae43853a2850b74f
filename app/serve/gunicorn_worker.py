"""gunicorn's threaded worker, with threads that never wait for a client.

As it comes, a thread waits for what a new connection will say, for the rest of what it has begun to say, and
for the client to take the answer; and the loop of the worker waits for clients to hang up.  As many clients
as there are threads, slow or silent, stop the service.

Here the loop, which waits for all connections at once, receives requests whole, head and body; sends on what
a client did not take of its answer at once; and sees to it that connections end.  A thread gets a request
that is in memory, and writes its answer to memory if need be.

Plain HTTP/1.1 only, which is what the settings beside this file ask for; TLS belongs to a proxy in front.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any
from weakref import WeakKeyDictionary

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from app.serve.arrival import Arrival
from app.serve.refusal import NoRoom, Refusal

__all__ = ["RequestWorker"]

_SMALL = 64 * 1024
_DISCARDED_AT_ONCE = 64 * 1024


class RequestWorker(ThreadWorker):  # type: ignore[misc]
    """A worker that no number of slow or silent clients keeps from answering the others."""

    patience = 10.0
    """Seconds for a request to come whole, for a client to take a part of the answer, for it to hang up."""

    large_memory = 64 * 1024 * 1024
    """How many bytes are held in memory of those requests that have more than 64 KiB."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Idle clients keep one half of the places, so that there is always one for a new client.
        self.max_keepalived = self.worker_connections // 2
        # sendfile(2) would wait for the client.
        self.cfg.set("sendfile", False)
        # Weak: gunicorn closes connections whose time is up without a word to anybody.
        self._large: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    def enqueue_req(self, conn: Any) -> None:
        """Called when a connection is new, or has something to read or left over: not yet a request."""
        if conn.parser is None:
            conn.sock = _Client(conn.sock)
            conn.parser = Arrival(self.cfg, conn.client)
        go_on = self._receive(conn) or partial(self._wait, EVENT_READ, self._on_readable)
        go_on(conn)

    def handle(self, conn: Any) -> bool:
        """Answer a whole request; true if the connection may serve another one.  Runs in a thread."""
        request = conn.parser.request
        try:
            return bool(self.handle_request(conn.parser.take(), conn))
        except StopIteration:  # the application failed in the middle of its answer: gunicorn has closed
            conn.sock.unsent.clear()
        except OSError as error:  # never of the client; the answer may have been written, so none is added
            self.log.error("unexpected %s", type(error).__name__, exc_info=_without_message(error))
        except Exception as error:
            self.handle_error(request, conn.sock, conn.client, error)
        return False

    def finish_request(self, conn: Any, future: Future[bool]) -> None:
        """Called in the loop when a thread has done with a request."""
        self._large.pop(conn, None)
        if not future.result():
            self._leave(conn)
        elif len(conn.parser):
            self._once_sent(self.enqueue_req, conn)
        else:
            self._once_sent(partial(super().finish_request, fs=future), conn)

    def handle_error(self, request: Any, client: Any, address: Any, error: Exception) -> None:
        """Answer what is no request, or what the application failed at."""
        refusal = Refusal(error, request)
        name = type(error).__name__
        peer = address[0] if address else "a unix socket"
        said = "%d to %s: %s, request %s", refusal.status, peer, name, refusal.request_id
        if refusal.status == 500:
            self.log.error(*said, exc_info=_without_message(error))
        else:
            self.log.warning(*said)
        client.sendall(refusal.answer())

    def _receive(self, conn: Any) -> Callable[[Any], None] | None:
        """Take in what has come; return what is to be done now, None to wait for more."""
        try:
            is_whole = conn.parser.receive(conn.sock)
            self._keep_memory_bounded(conn)
        except OSError:
            return self._close
        except Exception as error:
            return partial(self._refuse, error)
        return super().enqueue_req if is_whole else None

    def _keep_memory_bounded(self, conn: Any) -> None:
        held = len(conn.parser)
        if held > _SMALL and held > self._large.get(conn, 0):
            self._large[conn] = held
            if sum(self._large.values()) > self.large_memory:
                raise NoRoom

    def _refuse(self, error: Exception, conn: Any) -> None:
        self.handle_error(conn.parser.request, conn.sock, conn.client, error)
        self._leave(conn)

    def _leave(self, conn: Any) -> None:
        """End a connection as RFC 9112, section 9.6 wants it.

        If it were closed while the client sends, the kernel would take back what the client has not yet read.
        """
        self._once_sent(self._hang_up, conn)

    def _hang_up(self, conn: Any) -> None:
        self._large.pop(conn, None)
        conn.parser = None
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(conn)
        else:
            self._wait(EVENT_READ, self._discard, conn)

    def _close(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()

    def _once_sent(self, go_on: Callable[[Any], None], conn: Any) -> None:
        if conn.sock.unsent:
            self._wait(EVENT_WRITE, partial(self._on_writable, go_on), conn)
        else:
            go_on(conn)

    def _wait(self, event: int, callback: Callable[[Any, Any], None], conn: Any) -> None:
        # gunicorn closes what is first in the queue once its time is up, so all have the same.
        conn.timeout = time.monotonic() + (self.patience if self.alive else STOP_KEEPALIVE_LINGER)
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, event, partial(callback, conn))

    def _stop_waiting(self, conn: Any) -> None:
        self.pending_conns.remove(conn)
        self.poller.unregister(conn.sock)

    def _on_readable(self, conn: Any, _client: Any) -> None:
        go_on = self._receive(conn)
        if go_on is not None:
            self._stop_waiting(conn)
            go_on(conn)

    def _on_writable(self, go_on: Callable[[Any], None], conn: Any, client: _Client) -> None:
        self._stop_waiting(conn)
        try:
            client.send_on()
        except OSError:
            self._close(conn)
        else:
            self._once_sent(go_on, conn)

    def _discard(self, conn: Any, client: _Client) -> None:
        try:
            is_open = client.recv(_DISCARDED_AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            is_open = b""
        if not is_open:
            self._stop_waiting(conn)
            self._close(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """Called when the worker is to end: whoever has not finished a request has until ``deadline``."""
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)


def _without_message(error: BaseException) -> tuple[type[BaseException], BaseException, Any]:
    """As `exc_info` for a log line: a message may quote what the client sent, which may be a key."""
    return RuntimeError, RuntimeError(type(error).__name__), error.__traceback__


class _Client(socket.socket):
    """A socket that takes whatever is written; `unsent` is what the client did not take at once."""

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(fileno=accepted.detach())
        self.setblocking(False)
        self.unsent = bytearray()

    def sendall(self, data: Any, _flags: int = 0) -> None:
        """Send or keep; never raises: that a client is gone is found by the loop, when it sends the rest."""
        is_first = not self.unsent
        self.unsent += data
        if is_first:
            with suppress(OSError):
                self.send_on()

    def send_on(self) -> None:
        with suppress(BlockingIOError):
            del self.unsent[: self.send(self.unsent)]
