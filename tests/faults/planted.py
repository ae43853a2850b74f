"""Secrets planted in a running service, whatever it has left of them, and the search for them."""

from __future__ import annotations

import base64
import json
import re
import secrets
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import Result

from gateway.keys import SHOWN_AFTER_PREFIX, SHOWN_AT_END, mint, prefix_of
from tests.cli.terminal import Terminal

_PATIENCE = 30.0
_SHOWN_ONCE = re.compile(rb'"rawKey": ?"[^"]+"')
_ASKS_FOR_A_KEY = (b"POST /v1/keys ", b"POST /v1/keys/", b"POST /api/v1/api-keys ")
_MAKE_A_KEY = (("keys", "create"), ("keys", "rotate"))
_FRAGMENT = 16


@dataclass
class Haul:
    """What was planted, by the place where it was, and everything in which something of it could be left."""

    secrets: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    left: list[tuple[str, bytes]] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)
    """Every code that was answered."""

    def secret(self, name: str) -> str:
        """A new secret that is no key."""
        return self.secrets.setdefault(name, f"planted-{secrets.token_hex(16)}")

    def pasted(self, where: str, key_type: str = "api") -> str:
        """A raw key that nobody issued, for somebody to paste there."""
        return self.keys.setdefault(where, mint(key_type))

    def issued(self, name: str, raw_key: str) -> str:
        """A raw key that the service has made."""
        return self.keys.setdefault(name, raw_key)

    def leave(self, where: str, content: bytes, *, shows_a_key: bool = False) -> None:
        """Keep what was found there; the one answer that shows a raw key is kept without it."""
        self.left.append((where, _SHOWN_ONCE.sub(b"", content, count=1) if shows_a_key else content))

    def leave_folder(self, folder: Path) -> None:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                self.leave(str(path.relative_to(folder)), path.read_bytes())

    def found(self) -> dict[str, set[str]]:
        """The places where something is left of a secret, by the secret's name."""
        found: dict[str, set[str]] = {}
        for name, needle in self._needles():
            for where, content in self.left:
                if needle in content:
                    found.setdefault(name, set()).add(where)
        return found

    @property
    def size(self) -> int:
        return sum(len(content) for _, content in self.left)

    def _needles(self) -> Iterator[tuple[str, bytes]]:
        """Each secret as it is and in base64; of a key, any part that is not shown of it."""
        for name, value in (*self.secrets.items(), *self.keys.items()):
            yield name, base64.b64encode(value.encode())[:-4]
            if name in self.secrets:
                yield name, value.encode()
        for name, raw_key in self.keys.items():
            hidden = raw_key[len(prefix_of(raw_key) or "") + SHOWN_AFTER_PREFIX : -SHOWN_AT_END].encode()
            for start in (0, len(hidden) // 2, len(hidden) - _FRAGMENT):
                yield name, hidden[start : start + _FRAGMENT]


@dataclass(frozen=True)
class Reply:
    """What came back over HTTP."""

    status: int
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)["data"]

    @property
    def code(self) -> str:
        """The code of a refusal in the common envelope."""
        found = re.search(rb'"code": "([A-Z_]+)"', self.body)
        return found[1].decode() if found else ""


class Wire:
    """Sends requests as bytes, whatever they are, and leaves all answers in the haul."""

    def __init__(self, haul: Haul, port: int) -> None:
        self._haul, self._port = haul, port

    def ask(
        self,
        method: str,
        target: str,
        key: str | None = None,
        body: Any = None,
        headers: Mapping[str, str] = {},
    ) -> Reply:
        """Send one request; a body that is not bytes is sent as JSON."""
        given = {"Host": "localhost", "Connection": "close"}
        if key is not None:
            given["X-Api-Key"] = key
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if body is not None:
            given |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
        lines = [
            f"{method} {target} HTTP/1.1",
            *(f"{name}: {value}" for name, value in (given | headers).items()),
        ]
        return self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + content)

    def send(self, request: bytes) -> Reply:
        with socket.create_connection(("127.0.0.1", self._port), timeout=_PATIENCE) as connection:
            connection.sendall(request)
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        reply = Reply(int(head.split(b" ", 2)[1]) if head else 0, body)
        shows_a_key = reply.status == 201 and request.startswith(_ASKS_FOR_A_KEY)
        self._haul.leave(f"answer {len(self._haul.left)} of the service", answer, shows_a_key=shows_a_key)
        self._haul.codes.add(reply.code)
        return reply


class Operator(Terminal):
    """The command line of the same installation; what it prints is left in the haul."""

    def __init__(self, haul: Haul, database: Path, settings: Mapping[str, str]) -> None:
        super().__init__(database, **settings)
        self._haul = haul

    def type(self, *words: str, stdin: str | None = None) -> Result:
        result = super().type(*words, stdin=stdin)
        shows_a_key = result.exit_code == 0 and words[:2] in _MAKE_A_KEY
        self._haul.leave(f"vibekeys {' '.join(words[:2])}", result.output.encode(), shows_a_key=shows_a_key)
        return result

    def issue(self, name: str, key_type: str, owner: str, *options: str) -> tuple[str, str]:
        """The id and the raw key of a new key, which is also planted."""
        words = ("--type", key_type, "--owner", owner, "--name", name, *options)
        made = self.json("keys", "create", *words)
        return made["id"], self._haul.issued(name, made["rawKey"])
