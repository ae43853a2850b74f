"""One connection: requests are read, calls go to the portal, and answers are written, whole or broken as
told."""

from __future__ import annotations

import itertools
import json
import socket
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from app.bitrix.sandbox import control, misbehaviour, php
from app.bitrix.sandbox.received import Received
from app.bitrix.sandbox.refusal import Refusal

if TYPE_CHECKING:
    from app.bitrix.sandbox.server import Sandbox

_LARGEST_BODY = 32 * 1_048_576
_numbers = itertools.count(1)


class Handler(BaseHTTPRequestHandler):
    """Serves `/rest` by the portal and `/sandbox` by `control`."""

    server: Sandbox
    protocol_version = "HTTP/1.1"
    # An answer that goes out in two packets waits for the caller's delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self._number = next(_numbers)
        self._received: Received | None = None
        self.connection.settimeout(self.server.idle_seconds)

    def do_GET(self) -> None:
        self._received = None
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _LARGEST_BODY:
            self.send_error(413)
            return
        body = self.rfile.read(int(length))
        path = urlsplit(self.path).path
        if path.startswith("/rest/"):
            self._call(path, body)
        else:
            status, value = control.serve(self.server, self.command, path, self.headers, body)
            self.send(status, json.dumps(value).encode(), "application/json")

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def log_message(self, *args: Any) -> None:
        """Nothing is logged: what was called is asked for at `/sandbox/calls`."""

    def send(self, status: int, body: bytes, content_type: str) -> None:
        """Write an answer."""
        self.write(self.head(status, {"Content-Type": content_type, "Content-Length": len(body)}) + body)

    def head(self, status: int, headers: dict[str, Any]) -> bytes:
        """Begin an answer: give the status line and the headers, up to the empty line."""
        if self._received is not None:
            self._received.status = status
        phrase, _ = self.responses.get(status, ("Unknown", ""))
        lines = [f"HTTP/1.1 {status} {phrase}", "Server: bitrix-sandbox"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if self.close_connection:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode()

    def write(self, data: bytes) -> None:
        """Send bytes at once."""
        self.wfile.write(data)
        self.wfile.flush()

    def pause(self, seconds: float) -> None:
        """Wait; raises ConnectionAbortedError when the sandbox stops meanwhile."""
        if self.server.stopping.wait(seconds):
            raise ConnectionAbortedError

    def hang_up(self) -> None:
        """Close the connection at once, whatever the caller was told."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _call(self, path: str, body: bytes) -> None:
        webhook, _, method = unquote(path.removeprefix("/rest/")).rstrip("/").rpartition("/")
        method = method.removesuffix(".json")
        params = self._params(body)

        def answer() -> tuple[int, bytes]:
            status, value = self._done(webhook, method, params)
            return status, json.dumps(value).encode()

        self._received = Received(method, params, self._number)
        self.server.note(self._received)
        misbehaviour.respond(self, self.server.faults.take(method), answer)

    def _params(self, body: bytes) -> dict[str, Any]:
        """Those of the query and of the body together."""
        params = php.from_query(urlsplit(self.path).query)
        if self.headers.get_content_type() == "application/json":
            return params | php.from_json(body)
        return params | php.from_query(body.decode(errors="replace"))

    def _done(self, webhook: str, method: str, params: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        try:
            return 200, self.server.portal.call(webhook, method, params, self._interfere)
        except Refusal as refusal:
            return refusal.status, refusal.body()

    def _interfere(self, method: str) -> None:
        fault = self.server.faults.take(method, "refuse")
        if fault is not None:
            raise misbehaviour.refusal(fault)
