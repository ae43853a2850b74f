"""A service that does to its connections, every time, what a real one does at a rare moment."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO


class StandIn(socketserver.ThreadingTCPServer):
    """On each connection it answers so many requests; at the next one it hangs up, or says nothing."""

    allow_reuse_address = True

    def __init__(self, answered: int, hangs_up: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.answered, self.hangs_up = answered, hangs_up
        self.heads: list[str] = []
        """Of all requests that came, line by line as they were."""

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Connection(socketserver.StreamRequestHandler):
    server: StandIn

    def handle(self) -> None:
        for _ in range(self.server.answered):
            if not self._take_request():
                return
            self.wfile.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        if self._take_request() and not self.server.hangs_up:
            self.rfile.read(1)  # until the other side has lost its patience

    def _take_request(self) -> bool:
        request = read_request(self.rfile)
        self.server.heads += [request.partition(b"\r\n\r\n")[0].decode()] * bool(request)
        return bool(request)


def read_request(stream: BinaryIO) -> bytes:
    """The next request on a connection, as it is; nothing at the end of the connection."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return b""
        head += line
    length = re.search(rb"\r\nContent-Length: (\d+)", head)
    return head + stream.read(int(length[1]) if length else 0)


@contextmanager
def stand_in(*, answered: int, hangs_up: bool = True) -> Iterator[StandIn]:
    """Yield one that is serving."""
    with StandIn(answered, hangs_up) as service:
        serving = threading.Thread(target=service.serve_forever, args=(0.05,))
        serving.start()
        try:
            yield service
        finally:
            service.shutdown()
            serving.join()
