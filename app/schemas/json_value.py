"""JSON of the caller's own making: any value within a size, whose texts can be shown to others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import ValidationError, fields

from app.schemas.fields import (
    LINE_BREAKS_AND_TABS,
    NO_CONTROL_CHARACTERS,
    has_control_characters,
    refuse_raw_key,
)


class JsonObject(fields.Dict):
    """Any JSON object of at most `maximum_bytes` when written as compact UTF-8."""

    def __init__(self, maximum_bytes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.maximum_bytes = maximum_bytes
        limit = f"An object of at most {maximum_bytes} bytes as JSON."
        self.metadata = {"description": limit, **self.metadata}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError("Not an object.")
        _check(value, self.maximum_bytes)
        return value


class JsonObjectOrText(fields.Field[Any]):
    """Like `JsonObject`, or a text of that size. No raw key is in a name: two that are cut could be one."""

    def __init__(self, maximum_bytes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.maximum_bytes = maximum_bytes
        limit = f"An object or a text, at most {maximum_bytes} bytes as JSON."
        self.metadata = {"type": ["object", "string"], "description": limit, **self.metadata}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> dict[str, Any] | str:
        if not isinstance(value, dict | str):
            raise ValidationError("Not an object or a string.")
        _check(value, self.maximum_bytes)
        refuse_raw_key(list(_names(value)))
        return value


def holds_control_characters(value: Any) -> bool:
    """Tell whether a name or a text anywhere in JSON holds others than line breaks and tabs."""
    return any(
        has_control_characters(text, LINE_BREAKS_AND_TABS) for text in (*_names(value), *_texts(value))
    )


def _check(value: Any, maximum_bytes: int) -> None:
    try:
        size = len(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode())
    except ValueError:
        raise ValidationError("Holds what JSON cannot carry.") from None
    if size > maximum_bytes:
        raise ValidationError(f"Must be at most {maximum_bytes} bytes as JSON.")
    if holds_control_characters(value):
        raise ValidationError(NO_CONTROL_CHARACTERS)


def _names(value: Any) -> Iterator[str]:
    """The names of all members, however deep."""
    if isinstance(value, dict):
        yield from value
    for member in _members(value):
        yield from _names(member)


def _texts(value: Any) -> Iterator[str]:
    """All texts that are no names, however deep."""
    if isinstance(value, str):
        yield value
    for member in _members(value):
        yield from _texts(member)


def _members(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value
