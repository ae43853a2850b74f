"""The stand-in Bitrix24 of ``vibekeys run --demo``, a child of the supervisor.

Its port stays the same over restarts, because it is part of the webhook URL that the demo portal has stored.
"""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path

__all__ = ["answers", "arguments", "pick_port", "webhook_url"]

_HOST = "127.0.0.1"


def pick_port(state_dir: Path) -> int:
    """The port that it had here the last time, or if that is taken now, a free one, which is remembered."""
    remembered = state_dir / "bitrix-sandbox.port"
    try:
        port = int(remembered.read_text())
        with socket.create_server((_HOST, port)):
            return port
    except (OSError, ValueError, OverflowError):
        pass
    with socket.create_server((_HOST, 0)) as probe:
        free: int = probe.getsockname()[1]
    remembered.write_text(f"{free}\n")
    return free


def arguments(state_dir: Path, port: int) -> list[str]:
    """The command, without the program, that serves it."""
    data = state_dir / "bitrix-sandbox.json"
    return ["bitrix-sandbox", "--host", _HOST, "--port", str(port), "--data", str(data)]


def answers(port: int) -> bool:
    """Does it answer there?"""
    try:
        webhook_url(port)
    except (OSError, http.client.HTTPException, ValueError, LookupError):
        return False
    return True


def webhook_url(port: int) -> str:
    """Its incoming webhook, as it says itself; for when it ``answers``."""
    connection = http.client.HTTPConnection(_HOST, port, timeout=1.0)
    try:
        connection.request("GET", "/sandbox")
        return str(json.loads(connection.getresponse().read())["webhookUrl"])
    finally:
        connection.close()
