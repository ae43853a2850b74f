"""What an endpoint takes, field by field, with the limits in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_VALUES = 10
"""More values than these are not listed: they are scopes, which have a page of their own."""

_FORMATS = {"date-time": "An ISO-8601 time", "uuid": "A UUID"}
_RANGES = (
    ("minLength", "maxLength", "characters"),
    ("minItems", "maxItems", "items"),
    ("minimum", "maximum", ""),
)


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter, or one member of the body."""

    name: str
    place: str
    type: str
    required: bool
    notes: str


def fields_of(parameters: Sequence[Mapping[str, Any]]) -> list[Field]:
    """Return the rows for an endpoint's `parameters`, as the guide has them."""
    return [
        Field(
            parameter["name"],
            parameter["in"],
            parameter["type"],
            parameter["required"],
            " ".join(f"{note.rstrip('.')}." for note in _notes(parameter)),
        )
        for parameter in parameters
    ]


def _notes(parameter: Mapping[str, Any]) -> Iterator[str]:
    if "description" in parameter:
        yield parameter["description"]
    values = parameter.get("enum", ())
    if 0 < len(values) <= MOST_VALUES:
        yield "One of " + ", ".join(f"`{value}`" for value in values)
    elif values:
        yield "The names are on the page Scopes"
    limits = parameter.get("limits", {})
    if limits.get("format") in _FORMATS:
        yield _FORMATS[limits["format"]]
    for least, most, what in _RANGES:
        if least in limits or most in limits:
            yield _range(limits.get(least, 0), limits.get(most), what)
    if "default" in limits:
        yield f"Without it: {limits['default']}"


def _range(least: int, most: int | None, what: str) -> str:
    if most is None:
        return f"{least:,} or more {what}".rstrip()
    return f"{least:,} to {most:,} {what}".rstrip()
