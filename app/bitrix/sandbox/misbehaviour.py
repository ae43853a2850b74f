"""How each kind of fault is done to an answer; the kinds and their options are described in `faults`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.bitrix.sandbox.faults import Fault, Kind
from app.bitrix.sandbox.refusal import Refusal

if TYPE_CHECKING:
    from app.bitrix.sandbox.handler import Handler

Answer = Callable[[], tuple[int, bytes]]
"""Does the call, and gives the status and the body that are right."""
_Way = Callable[["Handler", dict[str, Any], Answer], None]

_CHUNK = 65_536
_JSON = "application/json; charset=utf-8"
_PAGE = "text/html; charset=utf-8"


def respond(handler: Handler, fault: Fault | None, answer: Answer) -> None:
    """Answer a request, wrongly if there is a fault."""
    if fault is None:
        handler.send(*answer(), _JSON)
    else:
        _WAYS[fault.kind](handler, fault.options, answer)


def refusal(fault: Fault) -> Refusal:
    """What a fault of the kind `refuse` says."""
    options = fault.options
    return Refusal(options["status"], options["error"], options["description"])


def _delay(handler: Handler, options: dict[str, Any], answer: Answer) -> None:
    handler.pause(options["seconds"])
    handler.send(*answer(), _JSON)


def _refuse(handler: Handler, options: dict[str, Any], _answer: Answer) -> None:
    body = {"error": options["error"], "error_description": options["description"]}
    handler.send(options["status"], json.dumps(body).encode(), _JSON)


def _cut(handler: Handler, options: dict[str, Any], answer: Answer) -> None:
    where = options["where"]
    if where != "before":
        status, body = answer()
        if where != "after":
            head = _head(handler, status, body)
            part = head[: len(head) // 2] if where == "headers" else head + body[: len(body) // 2]
            handler.write(part)
    handler.hang_up()


def _slow(handler: Handler, options: dict[str, Any], answer: Answer) -> None:
    status, body = answer()
    head = _head(handler, status, body)
    at_once, bytewise = (b"", head + body) if options["where"] == "headers" else (head, body)
    handler.write(at_once)
    for byte in bytewise:
        handler.write(bytes([byte]))
        handler.pause(options["seconds"])


def _huge(handler: Handler, options: dict[str, Any], _answer: Answer) -> None:
    begin, end = b'{"result":"', b'"}'
    left = options["bytes"] - len(begin) - len(end)
    handler.write(handler.head(200, {"Content-Type": _JSON, "Transfer-Encoding": "chunked"}))
    handler.write(_chunk(begin))
    while left > 0:
        handler.write(_chunk(b"x" * min(left, _CHUNK)))
        left -= _CHUNK
    handler.write(_chunk(end) + _chunk(b""))


def _not_json(handler: Handler, options: dict[str, Any], _answer: Answer) -> None:
    handler.send(options["status"], options["text"].encode(), _PAGE)


def _redirect(handler: Handler, options: dict[str, Any], _answer: Answer) -> None:
    headers = {"Location": options["location"], "Content-Length": 0}
    handler.write(handler.head(options["status"], headers))


def _close_idle(handler: Handler, _options: dict[str, Any], answer: Answer) -> None:
    handler.send(*answer(), _JSON)
    handler.hang_up()


_WAYS: dict[Kind, _Way] = {
    "delay": _delay,
    "refuse": _refuse,
    "cut": _cut,
    "slow": _slow,
    "huge": _huge,
    "not_json": _not_json,
    "redirect": _redirect,
    "close_idle": _close_idle,
}


def _head(handler: Handler, status: int, body: bytes) -> bytes:
    return handler.head(status, {"Content-Type": _JSON, "Content-Length": len(body)})


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"
