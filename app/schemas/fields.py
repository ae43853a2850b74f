"""Strictly typed fields.

marshmallow's own are lenient where an API must not be: `Integer` takes 5.7, "5" and true, `String` takes NUL,
`DateTime` takes times without a zone. These take exactly what the contract names.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import ValidationError, fields

from app.instants import instant_in, iso
from app.schemas.base import camel
from gateway.address import parse_network
from gateway.keys import masked

NOT_FOR_TEXT = ("Cc", "Cs", "Zl", "Zp")
"""Unicode categories of control characters (NUL among them), lone surrogates, line and paragraph breaks."""
INVISIBLE = ("Cc", "Cf", "Zl", "Zp", "Zs")
"""Unicode categories of what leaves no mark by itself: control and format characters, separators."""
LINE_BREAKS_AND_TABS = frozenset("\n\r\t\u2028\u2029")

NO_CONTROL_CHARACTERS = "Must not contain control characters."
SOMETHING_VISIBLE = "Must have a visible character."

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Text(fields.String):
    """One line of `minimum` to `maximum` characters, none of them a control character, not all invisible,
    unless it may be empty.
    """

    allowed = frozenset[str]()

    def __init__(self, minimum: int, maximum: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.minimum, self.maximum = minimum, maximum
        self.metadata = {"minLength": minimum, "maxLength": maximum, **self.metadata}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        if not isinstance(value, str):
            raise ValidationError("Not a string.")
        if not self.minimum <= len(value) <= self.maximum:
            raise ValidationError(f"Must be {self.minimum} to {self.maximum} characters.")
        if has_control_characters(value, self.allowed):
            raise ValidationError(NO_CONTROL_CHARACTERS)
        if self.minimum and is_invisible(value):
            raise ValidationError(SOMETHING_VISIBLE)
        return value


class LongText(Text):
    """Like `Text`, of any number of lines."""

    allowed = LINE_BREAKS_AND_TABS


class Uuid(fields.String):
    """An id; its digits may come in capitals (RFC 9562), and are stored in small ones."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.metadata = {"format": "uuid", **self.metadata}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        found = uuid_in(value) if isinstance(value, str) else None
        if found is None:
            raise ValidationError("Not a UUID.")
        return found


class Whole(fields.Integer):
    """An integer from `minimum` to `maximum`; 5.0, "5" and true are none."""

    def __init__(self, minimum: int, maximum: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.minimum, self.maximum = minimum, maximum
        self.metadata = {"minimum": minimum, "maximum": maximum, **self.metadata}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        if type(value) is not int:  # bool is a subclass of int
            raise ValidationError("Not an integer.")
        if not self.minimum <= value <= self.maximum:
            raise ValidationError(f"Must be {self.minimum} to {self.maximum}.")
        return value


class Number(fields.Float):
    """A finite number from `minimum` on, whole or not."""

    def __init__(self, minimum: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.minimum = minimum
        self.metadata = {"minimum": minimum, **self.metadata}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> float:
        if type(value) not in (int, float):
            raise ValidationError("Not a number.")
        if (
            not self.minimum <= value <= 1e15
        ):  # float() of a larger int can overflow; NaN fails both comparisons
            raise ValidationError(f"Must be {self.minimum} or more.")
        return float(value)


class Choice(fields.String):
    """One of a few fixed strings."""

    def __init__(self, choices: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.choices = choices
        self.metadata = {"enum": list(choices), **self.metadata}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise ValidationError(f"Must be one of: {', '.join(self.choices)}.")
        return value


class Instant(fields.Field[int]):
    """A point in time: outside ISO-8601 with a zone, inside integer unix milliseconds."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.metadata = {"type": "string", "format": "date-time", **self.metadata}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        if not isinstance(value, str):
            raise ValidationError("Not an ISO-8601 time.")
        try:
            return instant_in(value)
        except ValueError as flaw:
            raise ValidationError(str(flaw)) from None

    def _serialize(self, value: int | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else iso(value)


class Items(fields.Field[list[str]]):
    """A list of `minimum` to `maximum` strings, each made right by `normalise`; repeats are dropped.

    `normalise` raises `ValueError` for what it refuses.
    """

    def __init__(
        self,
        normalise: Callable[[str], str],
        *,
        wanted: str,
        minimum: int = 0,
        maximum: int = 1000,
        enum: tuple[str, ...] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.normalise, self.wanted = normalise, wanted
        self.minimum, self.maximum = minimum, maximum
        items = {"type": "string", "enum": list(enum)} if enum else {"type": "string"}
        documented = {"type": "array", "items": items, "minItems": minimum, "maxItems": maximum}
        self.metadata = {**documented, **self.metadata}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[str]:
        if not isinstance(value, list):
            raise ValidationError("Not a list.")
        if not self.minimum <= len(value) <= self.maximum:
            raise ValidationError(f"Must have {self.minimum} to {self.maximum} items.")
        return list(dict.fromkeys(self._item(place, item) for place, item in enumerate(value)))

    def _item(self, place: int, item: Any) -> str:
        try:
            if isinstance(item, str):
                return self.normalise(item)
        except ValueError:
            pass
        raise ValidationError(f"Item {place}: not {self.wanted}.")


def has_control_characters(text: str, allowed: frozenset[str]) -> bool:
    """Tell whether the text holds others of `NOT_FOR_TEXT` than `allowed`."""
    return any(unicodedata.category(character) in NOT_FOR_TEXT for character in set(text) - allowed)


def is_invisible(text: str) -> bool:
    """Tell whether the text is empty, or leaves no mark where it is shown."""
    return all(unicodedata.category(character) in INVISIBLE for character in set(text))


def refuse_raw_key(value: Any) -> None:
    """Raise ValidationError if a raw key stands anywhere in `value`: what is stored is shown to others."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if masked(text) != text:
        raise ValidationError("Must not hold a raw key.")


def uuid_in(text: str) -> str | None:
    """Return `text` as ids are stored, if it is a UUID."""
    folded = text.lower()
    return folded if _UUID.fullmatch(folded) else None


def facts_shown(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts as they are shown: inside they have the names of columns, and times as numbers."""
    return {
        camel(name): iso(value) if name.endswith("_at") and value is not None else value
        for name, value in facts.items()
    }


def network(text: str) -> str:
    """An address or CIDR in its one normal form: host bits cleared, IPv4-mapped IPv6 as IPv4, a single
    address bare.

    Raises ValueError when it is neither, or names a network interface (`%eth0`).
    """
    if "%" in text or not text.isascii():
        raise ValueError(text)
    parsed = parse_network(text)
    whole = parsed.prefixlen == parsed.max_prefixlen
    return str(parsed.network_address) if whole else str(parsed)
