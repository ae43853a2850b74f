"""The JSON of an answer, within bounds, such as it can be written as JSON again.

To parse an answer takes many times the room of its bytes and keeps every other thread waiting, and who sends
it decides how often and how much. So large ones are parsed one after another, and what has very many lists
and maps in it, each of which takes 20 times its bytes, is not parsed at all.
"""

from __future__ import annotations

import json
import math
import re
import threading
from contextlib import nullcontext
from typing import Any

LARGE = 4 << 20
"""Bytes; of answers beyond that one is parsed at a time."""

MOST_LISTS_AND_MAPS = 500_000

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_MAY_HAVE_ONE = re.compile(rb"\\u[dD][89a-fA-F]")
_one_large = threading.Lock()


class TooLarge(ValueError):
    """More than this service takes in; the text says of what."""


def parsed(body: bytes) -> Any:
    """Return the JSON in `body`, None if it is none. Raises `TooLarge`."""
    if body.count(b"[") + body.count(b"{") > MOST_LISTS_AND_MAPS:
        raise TooLarge(f"the answer has more than {MOST_LISTS_AND_MAPS} lists and maps")
    with _one_large if len(body) > LARGE else nullcontext():
        return _parsed(body)


def _parsed(body: bytes) -> Any:
    try:
        # Given bytes, json would guess their encoding, and let pass what is no UTF-8.
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    return _repaired(value) if _MAY_HAVE_ONE.search(body) else value


def _repaired(value: Any) -> Any:
    """Return the value with question marks for halves of characters, which no JSON of ours could hold."""
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("?", value)
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            for name in [name for name in one if _LONE_SURROGATE.search(name)]:
                one[_LONE_SURROGATE.sub("?", name)] = one.pop(name)
        for place, inner in _members(one):
            if isinstance(inner, str):
                if _LONE_SURROGATE.search(inner):
                    one[place] = _LONE_SURROGATE.sub("?", inner)
            elif isinstance(inner, dict | list):
                waiting.append(inner)
    return value


def _members(value: Any) -> Any:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number in JSON")
