"""Kinds of values: how a caller writes one, how Bitrix24 does, and what may be asked of it in a filter.

Outside, numbers are numbers, flags true and false, times ISO-8601 in UTC. Bitrix24 writes numbers as texts
here and as numbers there, flags as the letters Y and N, times with its portal's offset, and nothing as null,
as an empty text, or as an empty list.

https://apidocs.bitrix24.com/api-reference/data-types.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.instants import instant_in, iso

LARGEST = 2**53 - 1
"""The largest whole number that every reader of JSON has exactly."""

_WHOLE = re.compile(r"-?[0-9]{1,16}")
_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

EQUAL, NOT_EQUAL, CONTAINS, ONE_OF = "$eq", "$ne", "$contains", "$in"
RANGE = ("$gt", "$gte", "$lt", "$lte")


class BadValue(ValueError):
    """Not a value of the kind; the text says what is wanted."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Values of whose form nothing is known, as those of custom fields: they pass as they are."""

    name: str
    schema: Mapping[str, Any]
    """The JSON schema of a value that is not null."""
    operators: tuple[str, ...]
    """Those of a filter."""

    def given(self, value: Any) -> Any:
        """Return as Bitrix24 takes it what came as JSON, and is not null. Raises `BadValue`."""
        return value

    def sought(self, value: Any) -> Any:
        """Return as a filter takes it what came as JSON. Raises `BadValue`."""
        if isinstance(value, dict | list) or value is None:
            raise BadValue("Not a single value.")
        # Filters of custom flags take 1 and 0, although their values are written otherwise.
        return int(value) if isinstance(value, bool) else value

    def parsed(self, text: str) -> Any:
        """Return as JSON has it what came as a query parameter. Raises `BadValue`."""
        if "\0" in text:
            raise BadValue("Must not contain NUL.")
        return text

    def shown(self, value: Any) -> Any:
        """Return as JSON what Bitrix24 gives."""
        return value


class Lettered(Kind):
    """The same, where a flag is written as a letter."""

    def given(self, value: Any) -> Any:
        return _letter(value) if isinstance(value, bool) else value


class _Scalar(Kind):
    def sought(self, value: Any) -> Any:
        return self.given(value)

    def shown(self, value: Any) -> Any:
        # What is empty in any way is nothing; 0 and false are not.
        return self._shown(value) if value or value == 0 else None

    def _shown(self, value: Any) -> Any:
        return value


class Whole(_Scalar):
    """Whole numbers, the numbers of things among them."""

    def given(self, value: Any) -> int:
        if type(value) is not int or abs(value) > LARGEST:
            raise BadValue("Not an integer.")
        return value

    def parsed(self, text: str) -> int:
        if not _WHOLE.fullmatch(text):
            raise BadValue("Not an integer.")
        return int(text)

    def _shown(self, value: Any) -> Any:
        return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value


class Number(_Scalar):
    """Sums of money and the like."""

    def given(self, value: Any) -> float:
        if type(value) not in (int, float) or not abs(value) < 1e15:
            raise BadValue("Not a number.")
        return float(value) if isinstance(value, float) else int(value)

    def parsed(self, text: str) -> float:
        if not _DECIMAL.fullmatch(text):
            raise BadValue("Not a number.")
        return float(text) if "." in text else int(text)

    def _shown(self, value: Any) -> Any:
        try:
            number = float(value)
        except (TypeError, ValueError):
            return value
        if not math.isfinite(number):
            return value
        return value if isinstance(value, int | float) else int(number) if number.is_integer() else number


class Flag(_Scalar):
    """True and false; Y and N there."""

    def given(self, value: Any) -> Any:
        if not isinstance(value, bool):
            raise BadValue("Not true or false.")
        return _letter(value)

    def parsed(self, text: str) -> bool:
        if text not in ("true", "false"):
            raise BadValue("Not true or false.")
        return text == "true"

    def _shown(self, value: Any) -> bool:
        return value in (True, "Y", "y", "1", "true")


class Boolean(Flag):
    """True and false, there as well."""

    def given(self, value: Any) -> bool:
        super().given(value)
        return bool(value)


class Text(_Scalar):
    """Texts, and the codes of stages, sources, currencies."""

    def given(self, value: Any) -> str:
        if not isinstance(value, str):
            raise BadValue("Not a string.")
        return value

    def shown(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


class Day(_Scalar):
    """Days, which have no time and no zone. Bitrix24 gives them with the midnight of its portal."""

    def given(self, value: Any) -> str:
        try:
            if isinstance(value, str) and _DAY.fullmatch(value):
                return date.fromisoformat(value).isoformat()
        except ValueError:
            pass
        raise BadValue("Not a date such as 2026-11-26.")

    def _shown(self, value: Any) -> Any:
        return value[:10] if isinstance(value, str) and _DAY.match(value) else value


class Moment(_Scalar):
    """Points in time. Bitrix24 has whole seconds."""

    def given(self, value: Any) -> str:
        try:
            seconds = instant_in(value) // 1000 if isinstance(value, str) else None
        except ValueError as flaw:
            raise BadValue(str(flaw)) from None
        if seconds is None:
            raise BadValue("Not an ISO-8601 time.")
        return f"{iso(seconds * 1000)[:19]}+00:00"

    def _shown(self, value: Any) -> Any:
        try:
            return iso(instant_in(value))
        except (AttributeError, ValueError):
            return value


class Thing(Kind):
    """What has members of its own: people, groups. It is only shown, and `id` in it is a number."""

    def shown(self, value: Any) -> Any:
        return _thing(value) if value else {}


class Ways(Kind):
    """Ways to reach somebody: a list of phones, addresses and so on. Writing adds to it."""

    def given(self, value: Any) -> Any:
        members = self.schema["properties"]
        if not isinstance(value, dict) or value.keys() != members.keys() - {"id"}:
            raise BadValue("Not an object with typeId, valueType and value.")
        if not all(isinstance(text, str) for text in value.values()):
            raise BadValue("typeId, valueType and value are not all strings.")
        if value["typeId"] not in members["typeId"]["enum"]:
            raise BadValue(f"typeId is none of {', '.join(members['typeId']['enum'])}.")
        return value

    def shown(self, value: Any) -> Any:
        return _thing(value)


def _letter(flag: bool) -> str:
    return "Y" if flag else "N"


def _thing(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: WHOLE.shown(inner) if name == "id" else _thing(inner) for name, inner in value.items()}


_ORDERED = (EQUAL, NOT_EQUAL, *RANGE, ONE_OF)
_OF_TEXT = (*_ORDERED, CONTAINS)
_WAY = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "typeId": {"type": "string", "enum": ["PHONE", "EMAIL", "WEB", "IM", "LINK"]},
        "valueType": {"type": "string", "description": "`WORK`, `HOME`, `MOBILE` and so on."},
        "value": {"type": "string"},
    },
}

ANY = Kind("any", {}, _OF_TEXT)
LETTERED = Lettered("any", {}, _OF_TEXT)
WHOLE = Whole("integer", {"type": "integer"}, _ORDERED)
KINDS: Mapping[str, Kind] = {
    "any": ANY,
    "integer": WHOLE,
    "number": Number("number", {"type": "number"}, _ORDERED),
    "flag": Flag("boolean", {"type": "boolean"}, (EQUAL, NOT_EQUAL)),
    "boolean": Boolean("boolean", {"type": "boolean"}, (EQUAL, NOT_EQUAL)),
    "string": Text("string", {"type": "string"}, _OF_TEXT),
    "date": Day("date", {"type": "string", "format": "date"}, _ORDERED),
    "datetime": Moment("datetime", {"type": "string", "format": "date-time"}, _ORDERED),
    "object": Thing("object", {"type": "object"}, ()),
    "ways": Ways("object", _WAY, ()),
}
"""By their names in the tables of fields."""
