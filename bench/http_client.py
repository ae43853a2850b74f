"""A keep-alive HTTP/1.1 client that costs next to nothing, so that it is the server that is measured."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Sequence

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)


class Client:
    """One connection, one request at a time; a request with a `body`, which is JSON, is a POST.

    It is sent with a raw key, or with the cookie of a browser.
    """

    def __init__(
        self,
        address: tuple[str, int],
        path: str,
        raw_key: str = "",
        body: bytes | None = None,
        *,
        cookie: str = "",
    ) -> None:
        self._address = address
        head = f"Host: {address[0]}:{address[1]}\r\n"
        head += f"Cookie: {cookie}\r\n" if cookie else f"X-Api-Key: {raw_key}\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        method = "GET" if body is None else "POST"
        self._request = f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + (body or b"")

    def requests_per_second(self, seconds: float) -> float:
        """Send requests for so long over a new connection; return how many were answered a second."""
        with self._connected() as connection:
            self._exchange(connection)  # the first one of a connection is not like the others
            requests, began = 0, time.perf_counter()
            while (took := time.perf_counter() - began) < seconds:
                self._exchange(connection)
                requests += 1
        return requests / took

    def send(self, requests: int) -> None:
        """Send so many requests over a new connection."""
        with self._connected() as connection:
            for _ in range(requests):
                self._exchange(connection)

    def seconds_each(self, requests: int) -> list[float]:
        """Send so many requests over a new connection; return how long each took, but the first."""
        took = []
        with self._connected() as connection:
            for _ in range(requests + 1):
                began = time.perf_counter()
                self._exchange(connection)
                took.append(time.perf_counter() - began)
        return took[1:]

    @staticmethod
    def send_all(clients: Sequence[Client]) -> None:
        """Send the request of each, one after the other over one new connection."""
        with clients[0]._connected() as connection:
            for client in clients:
                client._exchange(connection)

    def _connected(self) -> socket.socket:
        connection = socket.create_connection(self._address, timeout=10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _exchange(self, connection: socket.socket) -> None:
        connection.sendall(self._request)
        answer = connection.recv(65536)
        while not _is_whole(answer):
            more = connection.recv(65536)
            if not more:
                raise RuntimeError(f"the connection ended within an answer: {answer[:500]!r}")
            answer += more
        if not answer.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 201 ")):
            raise RuntimeError(f"refused: {answer[:500]!r}")


def _is_whole(answer: bytes) -> bool:
    head = answer.find(b"\r\n\r\n")
    if head < 0:
        return False
    length = _LENGTH.search(answer, 0, head + 2)
    if length is None:
        raise RuntimeError(f"an answer without a length: {answer[:500]!r}")
    return len(answer) >= head + 4 + int(length[1])
