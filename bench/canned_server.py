"""A server that reads and answers the same bytes each time: what the client and the kernel alone cost.

``python -m bench.canned_server DESCRIPTOR`` of a listening socket.
"""

from __future__ import annotations

import socket
import sys
from contextlib import suppress

_BODY = b'{"hello":"world"}\n'
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_BODY) + _BODY
)


def serve(listener: socket.socket) -> None:
    """Answer one connection after the other."""
    while True:
        connection, _ = listener.accept()
        with connection, suppress(ConnectionError):
            while connection.recv(65536):
                connection.sendall(_ANSWER)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
