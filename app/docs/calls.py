"""A call of a route as people read it: the command, ready to paste into a shell, and the answer.

In a command the key and the ids are variables (`$API_KEY`, `$PORTAL_ID`) that the reader sets once. So it
works as it stands, and no history of commands ever holds the key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from app.registry import Route
from app.registry.examples import KEY_ID, PORTAL_ID, SERVER_ID, TICKET_ID

VARIABLES: Mapping[str, str] = {
    PORTAL_ID: "PORTAL_ID",
    KEY_ID: "KEY_ID",
    TICKET_ID: "TICKET_ID",
    SERVER_ID: "SERVER_ID",
}
"""The variable that holds, in a command, the id that the examples speak of."""

KEY_HEADERS = ("X-Api-Key: $API_KEY", "Authorization: Bearer $API_KEY")
"""The two ways to send the key in a command."""

_EXPANDED = re.compile(r'[\\"$`]')
_EXPANDED_IN_HERE_DOCUMENT = re.compile(r"[\\$`]")


def curl(
    route: Route,
    host: str,
    *,
    path: Mapping[str, str] | None = None,
    query: Mapping[str, Any] | None = None,
    body: Mapping[str, Any] | None = None,
    key_header: str = KEY_HEADERS[0],
) -> str:
    """Return the command that calls `route` on `host` as its example does, or with another query or body.

    `path` names the variables of the shell that stand for its parameters.
    """
    in_path = {name: _value(str(value)) for name, value in route.example.path.items()}
    in_path |= {name: f"${variable}" for name, variable in (path or {}).items()}
    query = route.example.parameters if query is None else query
    body = route.example.body if body is None else body
    lines = [f'curl "{_address(route.path.format_map(in_path), host, query)}"', f'-H "{key_header}"']
    if route.method != "GET":
        lines.insert(1, f"-X {route.method}")
    if body is not None:
        lines += ['-H "Content-Type: application/json"', f"--data-binary @- <<JSON\n{_in_shell(body)}\nJSON"]
    return " \\\n  ".join(lines)


def indented(value: Any) -> str:
    """Return JSON for people to read."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def _address(path: str, host: str, query: Mapping[str, Any]) -> str:
    pairs = "&".join(f"{quote(name)}={_value(str(value))}" for name, value in query.items())
    return _EXPANDED.sub(r"\\\g<0>", host) + path + (f"?{pairs}" if pairs else "")


def _value(value: str) -> str:
    return f"${VARIABLES[value]}" if value in VARIABLES else quote(value, safe=":,")


def _in_shell(body: Mapping[str, Any]) -> str:
    text = _EXPANDED_IN_HERE_DOCUMENT.sub(r"\\\g<0>", indented(body))
    for example_id, variable in VARIABLES.items():
        text = text.replace(example_id, f"${variable}")
    return text
