"""Lists of Structured Field Values (RFC 9651), as far as RateLimit fields use them, parsed strictly."""

from __future__ import annotations

import re

Item = tuple[str, dict[str, int]]

_STRING = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_KEY = re.compile(r"[a-z*][a-z0-9_\-.*]*")
_INTEGER = re.compile(r"-?[0-9]{1,15}(?![0-9.])")
_BETWEEN = re.compile(r"[ \t]*,[ \t]*")


def parse_list(text: str) -> list[Item]:
    """Return the strings of a list, each with its integer parameters (RFC 9651, section 4.2.1).

    Raises ValueError where the text is not such a list.
    """
    items: list[Item] = []
    at = 0
    while True:
        name, at = _take(_STRING, text, at)
        parameters: dict[str, int] = {}
        while text.startswith(";", at):
            at = len(text) - len(text[at + 1 :].lstrip(" "))
            key, at = _take(_KEY, text, at)
            if not text.startswith("=", at):
                raise ValueError(f"a parameter without a value at {at}: {text!r}")
            value, at = _take(_INTEGER, text, at + 1)
            parameters[key] = int(value)
        items.append((name[1:-1], parameters))
        if at == len(text):
            return items
        _, at = _take(_BETWEEN, text, at)


def _take(what: re.Pattern[str], text: str, at: int) -> tuple[str, int]:
    found = what.match(text, at)
    if found is None:
        raise ValueError(f"nothing of that form at {at}: {text!r}")
    return found[0], found.end()
