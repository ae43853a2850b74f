"""A server on a real socket that reads whole HTTP requests, and then does as it is told."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

SECRET = "s3cr3t"

Behave = Callable[[socket.socket, bytes], object]
"""Is given the connection and the request that came on it."""


class RawServer:
    """Takes connections; `requests` has what each of them was sent, in the order in which they were made."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.behave: Behave = answer(b'{"result": {}}')
        self.requests: list[list[bytes]] = []
        self.stopping = threading.Event()
        self._tls: ssl.SSLContext | None = None
        self._listener = socket.create_server((host, port))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://{host}:{self.port}/rest/1/{SECRET}"
        self._threads = [threading.Thread(target=self._serve)]
        self._connections: list[socket.socket] = []
        self._threads[0].start()

    @property
    def all_requests(self) -> list[bytes]:
        return [request for requests in self.requests for request in requests]

    def use_tls(self, certificate: Path) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)

    def close_connections(self) -> None:
        """End all that there are, properly, and return when that is done."""
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.close_connections()
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                requests: list[bytes] = []
                self.requests.append(requests)
                thread = threading.Thread(target=self._talk, args=(connection, requests))
                self._threads.append(thread)
                thread.start()

    def _talk(self, connection: socket.socket, requests: list[bytes]) -> None:
        with contextlib.suppress(OSError), connection:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._connections.append(connection)
            with connection:
                while connection.fileno() >= 0 and (request := _whole_request(connection)):
                    requests.append(request)
                    self.behave(connection, request)


def _whole_request(connection: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        if not (part := connection.recv(65_536)):
            return b""
        request += part
    length = int(re.findall(rb"content-length: (\d+)", request.lower())[0])
    missing = length - len(request.partition(b"\r\n\r\n")[2])
    while missing > 0 and (part := connection.recv(65_536)):
        request += part
        missing -= len(part)
    return request


def answer(body: bytes, status: str = "200 OK", headers: str = "") -> Behave:
    """Answer, and go on."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode()
    return lambda connection, _: connection.sendall(head + body)


def raw(data: bytes) -> Behave:
    """Send these bytes and close."""

    def behave(connection: socket.socket, _: bytes) -> None:
        connection.sendall(data)
        connection.close()

    return behave


def reset(connection: socket.socket, _: bytes = b"") -> None:
    """Close so that the other side gets an error instead of an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def drip(server: RawServer, head: bytes) -> Behave:
    """Send `head`, and then a byte now and then, for ever."""

    def behave(connection: socket.socket, _: bytes) -> None:
        connection.sendall(head)
        while not server.stopping.wait(0.02):
            connection.sendall(b"x")

    return behave


@contextmanager
def raw_server(host: str = "127.0.0.1", port: int = 0) -> Iterator[RawServer]:
    """Serve for as long as this lasts."""
    server = RawServer(host, port)
    try:
        yield server
    finally:
        server.close()
