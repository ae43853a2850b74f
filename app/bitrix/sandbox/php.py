"""PHP's arrays, as they show in the protocol: a list and a map are the same thing there.

What goes in may be JSON or a query with brackets; what comes out is a JSON list whenever the keys happen
to be 0, 1, 2, …, and so is every empty map.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

_NAME = re.compile(r"([^\[]+)((?:\[[^\]]*\]){0,64})")
"""A variable and its brackets; PHP reads 64 of them at most."""

_MOST_VARIABLES = 1_000
"""`max_input_vars`, unless somebody changed it."""


def pairs(array: Any) -> list[tuple[str, Any]]:
    """Keys and values of a PHP array, be it a list or a map here; of anything else none."""
    if isinstance(array, dict):
        return [(str(key), value) for key, value in array.items()]
    if isinstance(array, list):
        return [(str(place), value) for place, value in enumerate(array)]
    return []


def values(array: Any) -> list[Any]:
    """The values of a PHP array; anything else is taken for an array of one."""
    return [value for _, value in pairs(array)] if isinstance(array, (dict, list)) else [array]


def number(value: Any) -> int | None:
    """The whole number, from 0, that a value is or that a text spells; None if it is something else."""
    return int(value) if re.fullmatch("[0-9]{1,18}", str(value)) else None


def plain(value: float) -> int | float:
    """A number as PHP writes it into JSON, without a point if it is whole. Raises ValueError for infinity."""
    if not math.isfinite(value):
        raise ValueError("not a number")
    return int(value) if value.is_integer() else value


def encoded(array: dict[str, Any]) -> dict[str, Any] | list[Any]:
    """The map as PHP writes it into JSON: as a list, if its keys are 0, 1, 2, … or there are none."""
    if list(array) == [str(place) for place in range(len(array))]:
        return list(array.values())
    return array


def from_query(query: str) -> dict[str, Any]:
    """`a[b][]=1&a[c]=2` as `{"a": {"b": ["1"], "c": "2"}}`; all values are strings.

    What comes after the first 1,000 variables is dropped without a word.
    """
    found: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True)[:_MOST_VARIABLES]:
        if matched := _NAME.match(name):
            _put(found, [matched[1], *re.findall(r"\[([^\]]*)\]", matched[2])], value)
    return {name: _lists(value) for name, value in found.items()}


def from_json(text: bytes) -> dict[str, Any]:
    """The map that a body holds; like PHP, of a body that is something else nothing is read."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return dict(pairs(found))


def _put(array: dict[str, Any], path: list[str], value: str) -> None:
    *outer, last = path
    for key in outer:
        array = _inner(array, key or _next_key(array))
    array[last or _next_key(array)] = value


def _inner(array: dict[str, Any], key: str) -> dict[str, Any]:
    if not isinstance(array.get(key), dict):
        array[key] = {}
    inner: dict[str, Any] = array[key]
    return inner


def _next_key(array: Iterable[str]) -> str:
    return str(1 + max((int(key) for key in array if re.fullmatch("[0-9]{1,18}", key)), default=-1))


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return encoded({key: _lists(inner) for key, inner in value.items()})
