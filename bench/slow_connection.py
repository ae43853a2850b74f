"""A connection on which every byte is under way for a while, in both directions: far, and not narrow.

``python -m bench.slow_connection DESCRIPTOR HOST PORT SECONDS``: of a listening socket, whose connections are
passed on to the address.
"""

from __future__ import annotations

import queue
import socket
import sys
import threading
import time
from contextlib import suppress


def serve(listener: socket.socket, address: tuple[str, int], seconds: float) -> None:
    """Pass on one connection after the other."""
    while True:
        near, _ = listener.accept()
        far = socket.create_connection(address)
        for one, other in ((near, far), (far, near)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            under_way: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
            threading.Thread(target=_take, args=(one, under_way, seconds), daemon=True).start()
            threading.Thread(target=_give, args=(other, under_way), daemon=True).start()


def _take(source: socket.socket, under_way: queue.SimpleQueue[tuple[float, bytes]], seconds: float) -> None:
    data = b"nothing yet"
    with suppress(OSError):
        while data:
            data = source.recv(1 << 20)
            under_way.put((time.monotonic() + seconds, data))


def _give(target: socket.socket, under_way: queue.SimpleQueue[tuple[float, bytes]]) -> None:
    with suppress(OSError):
        while True:
            due, data = under_way.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(data)


if __name__ == "__main__":
    descriptor, host, port, delay = sys.argv[1:]
    serve(socket.socket(fileno=int(descriptor)), (host, int(port)), float(delay))
