"""The portal over HTTP/1.1, with connections that are kept, and with every fault that it is told to have."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any

from app.bitrix.sandbox import seed
from app.bitrix.sandbox.faults import Faults
from app.bitrix.sandbox.handler import Handler
from app.bitrix.sandbox.portal import Portal
from app.bitrix.sandbox.received import Received
from app.bitrix.sandbox.store import Store

_MOST_CALLS = 10_000


class Sandbox(ThreadingHTTPServer):
    """One portal on one port. `portal`, `faults` and `calls` may be used from any thread."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        deals: int = 120,
        data: Path | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Listen; port 0 takes a free one. `deals` is how many there are at first.

        Raises OSError, and `StoreError` for a bad data file.
        """
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.faults = Faults()
        self.stopping = threading.Event()
        self.idle_seconds = 60.0
        """How long a new connection is kept without a request."""
        self._calls: deque[Received] = deque(maxlen=_MOST_CALLS)
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        # First of all: what is refused here must not have made a file.
        super().__init__((host, port), Handler)
        try:
            self.portal = Portal(Store(seed.tables(deals), data), wall_clock)
        except BaseException:
            self.server_close()
            raise

    @property
    def url(self) -> str:
        """Where it listens, without a trailing slash."""
        host, port = self.socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def webhook_url(self) -> str:
        """The incoming webhook, without a trailing slash."""
        return f"{self.url}/rest/{self.portal.webhook}"

    @property
    def calls(self) -> list[Received]:
        """The newest calls of `/rest`, the oldest of them first; a call is there before it is answered."""
        with self._lock:
            return list(self._calls)

    def forget_calls(self) -> None:
        """Begin a new list of calls."""
        with self._lock:
            self._calls.clear()

    def note(self, call: Received) -> None:
        """Add to the list of calls."""
        with self._lock:
            self._calls.append(call)

    def close_connections(self) -> None:
        """Close every open connection, whatever is under way on it."""
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """End `serve_forever` and all that is under way, close the port, keep the data. Raises OSError."""
        self.stopping.set()
        self.shutdown()
        self.close_connections()
        self.server_close()
        self.portal.close()

    def server_bind(self) -> None:
        # Not http.server's, which looks up the name of the host, and may wait long for it.
        TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A caller that gave up is what this server is for; anything else is a fault of its own.
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


@contextmanager
def running(sandbox: Sandbox | None = None) -> Iterator[Sandbox]:
    """Serve in a thread for as long as this lasts."""
    served = sandbox or Sandbox()
    thread = threading.Thread(target=served.serve_forever, args=(0.005,))
    thread.start()
    try:
        yield served
    finally:
        served.stop()
        thread.join()
