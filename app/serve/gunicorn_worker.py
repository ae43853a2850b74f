"""gunicorn's threaded worker, with threads for requests instead of for connections.

As it comes, a thread waits for what a new connection will say, and for the rest of what it has begun to say.
As many silent clients as there are threads (a browser opens connections ahead of use) stop the service for
seconds, as many halves of a request stop it for good.  Here the loop of the worker, which waits for all
connections at once, reads the head of a request, and a thread takes it up when it is whole.

Plain HTTP/1.1 only, which is what the settings beside this file ask for; TLS belongs to a proxy in front.
"""

from __future__ import annotations

import socket
import struct
import time
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.http import get_parser
from gunicorn.workers.gthread import ThreadWorker

__all__ = ["RequestWorker"]

_HEAD_SECONDS = 10.0
_HEAD_BYTES = 64 * 1024
_SILENCE_SECONDS = 10
"""How long a thread waits for the next part of a body, or for a client to take the next part of an answer."""


class RequestWorker(ThreadWorker):  # type: ignore[misc]
    """A worker that no number of slow or silent clients keeps from answering the others."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Idle clients keep one half of the places, so that there is always one for a new client.
        self.max_keepalived = self.worker_connections // 2

    def enqueue_req(self, conn: Any) -> None:
        """Called when a connection is new, or has something to read or left over: not yet a request."""
        if conn.parser is None:
            conn.parser = get_parser(self.cfg, conn.sock, conn.client)
            conn.data_ready = True  # so that the thread does not wait
            _limit_waiting(conn.sock)
        conn.sock.setblocking(False)
        if _head_is_here(conn):
            super().enqueue_req(conn)
            return
        conn.timeout = time.monotonic() + _HEAD_SECONDS
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def on_pending_socket_readable(self, conn: Any, client: socket.socket) -> None:
        """Called when more of a head has come."""
        if _head_is_here(conn):
            super().on_pending_socket_readable(conn, client)

    def _cap_keepalive(self, deadline: float) -> None:
        """Called when the worker is to end: whoever has not finished a head has until ``deadline``."""
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)


def _head_is_here(conn: Any) -> bool:
    """Read on without waiting; true if a thread can take over, and also if no head will ever come."""
    buffer = conn.parser.unreader.buf
    if b"\r\n\r\n" in buffer.getvalue():
        return True
    try:
        received = conn.sock.recv(_HEAD_BYTES)
    except BlockingIOError:
        return False
    except OSError:
        return True
    buffer.seek(0, 2)
    buffer.write(received)
    if buffer.tell() > _HEAD_BYTES:
        # The thread finds the end of the stream where the rest would be, and closes.
        conn.sock.shutdown(socket.SHUT_RD)
        return True
    return not received or b"\r\n\r\n" in buffer.getvalue()


def _limit_waiting(client: socket.socket) -> None:
    # By the kernel, since gunicorn takes Python's own time limit off for each request.
    seconds = struct.pack("@ll", _SILENCE_SECONDS, 0)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, seconds)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, seconds)
