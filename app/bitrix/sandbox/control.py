"""The control path: how a program tells the sandbox what to be like, and asks what it was called.

========================== ===================================================================================
GET    /sandbox            `webhookUrl`, `scopes`, `limits`, `idleSeconds`, the faults that wait
PATCH  /sandbox            changes `scopes`, `limits` (`enabled`, `rate`, `burst`), `idleSeconds`
POST   /sandbox/faults     adds a fault: `kind`, its options, `method` (any), `times` (1; null: for ever)
DELETE /sandbox/faults     clears them
POST   /sandbox/work       `method`, `seconds`: counts as time that the method has worked
POST   /sandbox/disconnect closes every connection, this one too, without an answer
GET    /sandbox/calls      the newest calls: `method`, `params`, `connection`, `status`
DELETE /sandbox/calls      begins a new list of them
DELETE /sandbox/data       back to the data that a new portal holds
========================== ===================================================================================

A body is JSON and says so in its Content-Type, which no foreign web page can make a browser send.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from email.message import Message
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.bitrix.sandbox.server import Sandbox

_Body = dict[str, Any]


def serve(sandbox: Sandbox, verb: str, path: str, headers: Message, body: bytes) -> tuple[int, Any]:
    """Do what a request to the control path asks for; return the status and what to answer."""
    action = _ACTIONS.get((verb, path.rstrip("/")))
    if action is None:
        return 404, {"error": "There is no such path or method."}
    try:
        return 200, action(sandbox, _read(headers, body))
    except (KeyError, TypeError, ValueError) as error:
        return 400, {"error": f"{error}"}


def _read(headers: Message, body: bytes) -> _Body:
    if not body:
        return {}
    if headers.get_content_type() != "application/json":
        raise ValueError("the body must be application/json")
    given = json.loads(body)
    if not isinstance(given, dict):
        raise ValueError("the body must be an object")
    return given


def _state(sandbox: Sandbox, _body: _Body) -> Any:
    limits = sandbox.portal.limits
    return {
        "webhookUrl": sandbox.webhook_url,
        "scopes": sorted(sandbox.portal.scopes),
        "limits": {"enabled": limits.enabled, "rate": limits.rate, "burst": limits.burst},
        "idleSeconds": sandbox.idle_seconds,
        "faults": [dataclasses.asdict(fault) for fault in sandbox.faults.waiting],
    }


def _change(sandbox: Sandbox, body: _Body) -> Any:
    if "scopes" in body:
        sandbox.portal.scopes = frozenset(str(scope) for scope in body["scopes"])
    given, limits = body.get("limits", {}), sandbox.portal.limits
    limits.enabled = bool(given.get("enabled", limits.enabled))
    limits.rate, limits.burst = float(given.get("rate", limits.rate)), float(given.get("burst", limits.burst))
    sandbox.idle_seconds = float(body.get("idleSeconds", sandbox.idle_seconds))
    return _state(sandbox, body)


def _add_fault(sandbox: Sandbox, body: _Body) -> Any:
    sandbox.faults.add(**body)
    return _state(sandbox, body)


def _clear_faults(sandbox: Sandbox, body: _Body) -> Any:
    sandbox.faults.clear()
    return _state(sandbox, body)


def _work(sandbox: Sandbox, body: _Body) -> Any:
    sandbox.portal.limits.worked(str(body["method"]), float(body["seconds"]))
    return _state(sandbox, body)


def _disconnect(sandbox: Sandbox, body: _Body) -> Any:
    sandbox.close_connections()
    return _state(sandbox, body)


def _calls(sandbox: Sandbox, _body: _Body) -> Any:
    return [dataclasses.asdict(call) for call in sandbox.calls]


def _forget_calls(sandbox: Sandbox, _body: _Body) -> Any:
    sandbox.forget_calls()
    return []


def _reset_data(sandbox: Sandbox, body: _Body) -> Any:
    sandbox.portal.reset()
    return _state(sandbox, body)


_ACTIONS: dict[tuple[str, str], Callable[[Sandbox, _Body], Any]] = {
    ("GET", "/sandbox"): _state,
    ("PATCH", "/sandbox"): _change,
    ("POST", "/sandbox/faults"): _add_fault,
    ("DELETE", "/sandbox/faults"): _clear_faults,
    ("POST", "/sandbox/work"): _work,
    ("POST", "/sandbox/disconnect"): _disconnect,
    ("GET", "/sandbox/calls"): _calls,
    ("DELETE", "/sandbox/calls"): _forget_calls,
    ("DELETE", "/sandbox/data"): _reset_data,
}
