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

_CHUNK = 65_536


def respond(handler: Handler, fault: Fault | None, answer: Answer) -> int | None:
    """Answer a request, wrongly if there is a fault; return the status that was sent, None if none was."""
    if fault is None:
        return _answered(handler, answer)
    return _WAYS[fault.kind](handler, fault.options, answer)


def refusal(fault: Fault) -> Refusal:
    """What a fault of the kind `refuse` says."""
    options = fault.options
    return Refusal(options["status"], options["error"], options["description"])


def _answered(handler: Handler, answer: Answer) -> int:
    status, body = answer()
    handler.send(status, body)
    return status


def _delay(handler: Handler, options: dict[str, Any], answer: Answer) -> int:
    handler.pause(options["seconds"])
    return _answered(handler, answer)


def _refuse(handler: Handler, options: dict[str, Any], _answer: Answer) -> int:
    body = {"error": options["error"], "error_description": options["description"]}
    handler.send(options["status"], json.dumps(body).encode())
    return int(options["status"])


def _cut(handler: Handler, options: dict[str, Any], answer: Answer) -> int | None:
    where = options["where"]
    if where == "before":
        handler.hang_up()
        return None
    status, head, body = _parts(handler, answer)
    if where == "headers":
        handler.write(head[: len(head) // 2])
    elif where == "body":
        handler.write(head + body[: len(body) // 2])
    handler.hang_up()
    return None if where == "after" else status


def _slow(handler: Handler, options: dict[str, Any], answer: Answer) -> int:
    status, head, body = _parts(handler, answer)
    whole = head + body
    at_once = 0 if options["where"] == "headers" else len(head)
    handler.write(whole[:at_once])
    for byte in whole[at_once:]:
        handler.write(bytes([byte]))
        handler.pause(options["seconds"])
    return status


def _huge(handler: Handler, options: dict[str, Any], _answer: Answer) -> int:
    begin, end = b'{"result":"', b'"}'
    left = options["bytes"] - len(begin) - len(end)
    handler.write(handler.head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}))
    handler.write(_chunk(begin))
    while left > 0:
        handler.write(_chunk(b"x" * min(left, _CHUNK)))
        left -= _CHUNK
    handler.write(_chunk(end) + _chunk(b""))
    return 200


def _not_json(handler: Handler, options: dict[str, Any], _answer: Answer) -> int:
    handler.send(options["status"], options["text"].encode(), "text/html; charset=utf-8")
    return int(options["status"])


def _redirect(handler: Handler, options: dict[str, Any], _answer: Answer) -> int:
    headers = {"Location": options["location"], "Content-Length": 0}
    handler.write(handler.head(options["status"], headers))
    return int(options["status"])


def _close_idle(handler: Handler, _options: dict[str, Any], answer: Answer) -> int:
    status = _answered(handler, answer)
    handler.hang_up()
    return status


_WAYS: dict[Kind, Callable[[Handler, dict[str, Any], Answer], int | None]] = {
    "delay": _delay,
    "refuse": _refuse,
    "cut": _cut,
    "slow": _slow,
    "huge": _huge,
    "not_json": _not_json,
    "redirect": _redirect,
    "close_idle": _close_idle,
}


def _parts(handler: Handler, answer: Answer) -> tuple[int, bytes, bytes]:
    status, body = answer()
    headers = {"Content-Type": "application/json; charset=utf-8", "Content-Length": len(body)}
    return status, handler.head(status, headers), body


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"
