"""Parameters of a call as a query string, the only form that `batch` takes.

Maps and lists are written as PHP reads them: `filter[>=id]=5&select[0]=id`. There are no types in it, so
true is 1 and false is 0. Null and an empty list or map can't be written: as a parameter they are left out,
which is what Bitrix24 takes them for, and as a field's value they become an empty text, which empties it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote

REFERENCE = "$result["
"""In a batch this stands for another call's result, so no value of a caller may hold it."""


def query_string(params: Mapping[str, Any]) -> str:
    """Return the parameters in one line."""
    pairs = (pair for name, value in params.items() if _says_something(value) for pair in _pairs(name, value))
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)


def has_reference(value: Any) -> bool:
    """Tell whether a value somewhere holds what a batch would replace."""
    if isinstance(value, Mapping):
        return any(has_reference(item) for pair in value.items() for item in pair)
    if isinstance(value, list | tuple):
        return any(has_reference(item) for item in value)
    return isinstance(value, str) and REFERENCE in value


def _says_something(value: Any) -> bool:
    return value is not None and value not in ([], {}, ())


def _pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _pairs(f"{name}[{key}]", item)
    elif isinstance(value, list | tuple) and value:
        for place, item in enumerate(value):
            yield from _pairs(f"{name}[{place}]", item)
    else:
        yield name, _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    return str(value) if isinstance(value, str | int) else ""
