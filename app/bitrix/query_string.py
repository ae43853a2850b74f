"""Parameters of calls as query strings, the only form that `batch` takes.

Maps and lists are written as PHP reads them: `filter[>=id]=5&select[0]=id`. There are no types in it, so
true is 1 and false is 0. Null can't be written: as a parameter it is left out, which is what Bitrix24 takes
it for, and as a field's value it becomes an empty text, which empties it.

What PHP would read otherwise, or not at all, is refused instead: it drops all variables beyond its
`max_input_vars` (1,000) without a word, so that a filter would lose conditions, and takes brackets in a key
for its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any
from urllib.parse import quote

LARGEST_BATCH = 1 << 20
"""Bytes of all commands of a batch."""

MOST_VARIABLES = 900
"""In one command; a value in a list or a map is one."""

REFERENCE = "$result["
"""In a batch this stands for another call's result, so no value of a caller may hold it."""

_DEEPEST = 60
"""PHP drops what is nested in more than 64 levels."""


class Unwritable(ValueError):
    """A call that cannot be in a batch; the text says why."""


class BatchTooLarge(ValueError):
    """The calls take more than `LARGEST_BATCH`."""


class Writer:
    """Writes the calls of one batch. What several of them share, as pages of a list do, is written once."""

    def __init__(self) -> None:
        self._room = LARGEST_BATCH
        self._written: dict[int, tuple[Mapping[str, Any], str]] = {}

    def command(self, method: str, params: Mapping[str, Any], start: int | None = None) -> str:
        """Return a call as a batch has it. `start` is where the page of a list begins.

        Raises `Unwritable`, `BatchTooLarge`.
        """
        _, shared = self._written.get(id(params), (None, None))
        if shared is None:
            shared = query_string(params)
            # With the parameters, whose id another object may have once they are gone.
            self._written[id(params)] = params, shared
        own = [] if start is None else [f"start={start}"]
        command = f"{method}?{'&'.join([*own, shared] if shared else own)}"
        self._room -= len(command)
        if self._room < 0:
            raise BatchTooLarge
        return command


def query_string(params: Mapping[str, Any]) -> str:
    """Return the parameters in one line. Raises `Unwritable`, `BatchTooLarge`."""
    said = {name: value for name, value in params.items() if value is not None and value not in ([], {}, ())}
    written: list[str] = []
    room = LARGEST_BATCH
    for name, value in islice(_pairs(said), MOST_VARIABLES + 1):
        written.append(f"{quote(name, safe='')}={quote(value, safe='')}")
        room -= len(written[-1])
        if room < 0:
            raise BatchTooLarge
    if len(written) > MOST_VARIABLES:
        raise Unwritable(f"It has more than {MOST_VARIABLES} values.")
    return "&".join(written)


def _pairs(params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in params.items():
        yield from _nested(name, value, 0)


def _nested(name: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if not isinstance(value, Mapping | list | tuple):
        yield name, _scalar(value)
        return
    members = value.items() if isinstance(value, Mapping) else enumerate(value)
    if not value:
        raise Unwritable("A batch cannot hold an empty list or object.")
    if depth == _DEEPEST:
        raise Unwritable(f"A batch cannot hold more than {_DEEPEST} levels of lists and objects.")
    for key, item in members:
        if key == "" or (isinstance(key, str) and ("[" in key or "]" in key)):
            raise Unwritable("A batch cannot hold names that are empty or have a bracket in them.")
        yield from _nested(f"{name}[{key}]", item, depth + 1)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    text = str(value) if isinstance(value, str | int) else ""
    if REFERENCE in text:
        raise Unwritable(f"A value in a batch cannot hold {REFERENCE!r}: Bitrix24 would replace it.")
    return text
