"""Calls a sandbox as Bitrix24 is called, with nothing of the client that the service uses."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from app.bitrix.sandbox import Sandbox

JSON = {"Content-Type": "application/json"}
PATIENCE = 10.0


def connect(sandbox: Sandbox) -> http.client.HTTPConnection:
    """A connection that the caller closes."""
    parts = urlsplit(sandbox.url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)


def path(sandbox: Sandbox, method: str) -> str:
    """The path of a method under the webhook."""
    return f"{urlsplit(sandbox.webhook_url).path}/{method}"


def answer(sandbox: Sandbox, method: str, /, **params: Any) -> tuple[int, dict[str, Any]]:
    """The status and the whole body of the answer to one call."""
    return ask(sandbox, "POST", path(sandbox, f"{method}.json"), params)


def result(sandbox: Sandbox, method: str, /, **params: Any) -> Any:
    """The result of a call that is done."""
    status, body = answer(sandbox, method, **params)
    assert status == 200, body
    return body["result"]


def refusal(sandbox: Sandbox, method: str, /, **params: Any) -> tuple[int, str]:
    """The status and the code of a call that is refused; it has no result."""
    status, body = answer(sandbox, method, **params)
    assert body.keys() == {"error", "error_description"}, body
    return status, body["error"]


def ask(sandbox: Sandbox, verb: str, target: str, body: Any = None) -> tuple[int, Any]:
    """The status and the JSON that any path answers with."""
    connection = connect(sandbox)
    try:
        connection.request(verb, target, None if body is None else json.dumps(body), JSON)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()
