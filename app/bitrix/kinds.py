"""Kinds of values: how a caller writes one, how Bitrix24 does, and what may be asked of it in a filter.

Outside, numbers are numbers, flags true and false, times ISO-8601 in UTC. Bitrix24 writes numbers as texts
here and as numbers there, flags as the letters Y and N, times with its portal's offset, and nothing as null,
as an empty text, or as an empty list.

https://apidocs.bitrix24.com/api-reference/data-types.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from app.instants import instant_in, iso

LARGEST = 2**53 - 1
"""The largest whole number that every reader of JSON has exactly."""

_WHOLE = re.compile(r"-?[0-9]{1,16}")
_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_ANY_DECIMAL = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,2})?")
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

    empty: ClassVar[Any] = ""
    """What a filter looks for to find items without a value; None: every item has one."""

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

    # Bitrix24 has 0 for nothing in some fields and null in others; a filter by 0 finds both.
    empty = 0

    def given(self, value: Any) -> int:
        if type(value) is not int or abs(value) > LARGEST:
            raise BadValue("Not an integer.")
        return value

    def parsed(self, text: str) -> int:
        if not _WHOLE.fullmatch(text):
            raise BadValue("Not an integer.")
        return int(text)

    def _shown(self, value: Any) -> Any:
        if isinstance(value, str) and _WHOLE.fullmatch(value) and abs(int(value)) <= LARGEST:
            return int(value)
        return _exact(value)


class Number(_Scalar):
    """Sums of money and the like."""

    empty = 0

    def given(self, value: Any) -> float:
        if type(value) not in (int, float) or not abs(value) < 1e15:
            raise BadValue("Not a number.")
        return float(value) if isinstance(value, float) else int(value)

    def parsed(self, text: str) -> float:
        if not _DECIMAL.fullmatch(text):
            raise BadValue("Not a number.")
        return float(text) if "." in text else int(text)

    def _shown(self, value: Any) -> Any:
        if not isinstance(value, str) or not _ANY_DECIMAL.fullmatch(value):
            return _exact(value)
        exact = Decimal(value)
        if exact == exact.to_integral_value() and abs(exact) <= LARGEST:
            return int(exact)
        number = float(exact)
        # repr is what JSON will have: a sum is not to change by a cent on its way.
        return number if Decimal(repr(number)) == exact else value


class Flag(_Scalar):
    """True and false; Y and N there."""

    empty = None

    def given(self, value: Any) -> Any:
        if not isinstance(value, bool):
            raise BadValue("Not true or false.")
        return _letter(value)

    def parsed(self, text: str) -> bool:
        if text not in ("true", "false"):
            raise BadValue("Not true or false.")
        return text == "true"

    def _shown(self, value: Any) -> Any:
        if value in (True, "Y", "y", "1", "true"):
            return True
        return False if value in (False, "N", "n", "0", "false") else value


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
        return str(value) if type(value) in (int, float) else value or None


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


def _exact(value: Any) -> Any:
    """Return a whole number that not every reader of JSON has exactly as a text."""
    return str(value) if isinstance(value, int) and abs(value) > LARGEST else value


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
