"""A client that sends requests without waiting for each answer, and knows which of them were answered."""

from __future__ import annotations

import random
import re
import socket
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_PATIENCE = 30.0
PATHS = (*["/v1/nothing"] * 15, "/v1/me")
"""What is not served costs the least, and counts like everything else that is let in."""
AT_ONCE = 16


class Pipeline(threading.Thread):
    """Sends `requests` requests with random keys, some at once, and begins anew when a connection breaks.

    `answered` has the requests by key and status; `unanswered` those by key whose connection broke first.
    """

    def __init__(self, port: int, raw_keys: Sequence[str], requests: int, seed: str) -> None:
        super().__init__()
        self._port, self._raw_keys, self._requests = port, raw_keys, requests
        self._choice = random.Random(seed)
        self.answered, self.unanswered = Counter[tuple[str, int]](), Counter[str]()

    @property
    def done(self) -> int:
        return self.answered.total()

    def run(self) -> None:
        while self.done < self._requests:
            with (
                suppress(OSError),
                socket.create_connection(("127.0.0.1", self._port), _PATIENCE) as connection,
            ):
                while self.done < self._requests:
                    self._exchange(connection, min(AT_ONCE, self._requests - self.done))

    def _exchange(self, connection: socket.socket, requests: int) -> None:
        keys = self._choice.choices(self._raw_keys, k=requests)
        waiting = list(reversed(keys))
        try:
            connection.sendall(b"".join(map(self._request, keys)))
            received = b""
            while waiting:
                more = connection.recv(65536)
                if not more:
                    raise ConnectionResetError
                received += more
                while waiting and (end := _end_of_answer(received)):
                    self.answered[waiting.pop(), int(received[9:12])] += 1
                    received = received[end:]
        finally:
            self.unanswered.update(waiting)

    def _request(self, raw_key: str) -> bytes:
        path = self._choice.choice(PATHS)
        return (
            f"GET {path} HTTP/1.1\r\nHost: a\r\nX-Api-Key: {raw_key}\r\nUser-Agent: curl/8\r\n\r\n".encode()
        )


def _end_of_answer(received: bytes) -> int:
    """Where the first answer ends; 0 if it has not come whole."""
    head = received.find(b"\r\n\r\n")
    length = _LENGTH.search(received, 0, head + 2) if head >= 0 else None
    end = head + 4 + int(length[1]) if length is not None else 0
    return end if end <= len(received) else 0
