"""What a call's result holds, in whichever of its forms PHP wrote it.

PHP has one type for lists and maps: an empty map arrives as `[]`, and a list from which something was taken
out as a map by its places. A call says which shape it waits for, so nothing of this is seen beyond here.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Any

from app.bitrix.failures import BitrixError, Kind
from app.bitrix.kinds import LARGEST

_NUMBER = re.compile(r"[0-9]{1,16}")


class Shape(Enum):
    """What is waited for."""

    ANYTHING = auto()
    ITEM = auto()  # one item, which has an id; empty if there is none
    ITEMS = auto()  # a list of them
    ONLY = auto()  # the one item of such a list
    MADE = auto()  # the item that a change made
    CHANGED = auto()  # the item as a change left it, or true: it was changed, and is not shown
    DELETED = auto()  # nothing, or true
    FIELDS = auto()  # a map


_MAY_BE_EMPTY = frozenset({Shape.ITEM, Shape.ITEMS, Shape.ONLY, Shape.FIELDS})


def shaped(value: Any, shape: Shape, under: str | None) -> Any:
    """Return what stands in a result, below the name `under` if there is one.

    Raises `BitrixError`: MISSING for an item that there is not, UNUSABLE for what has another shape.
    """
    if value in ([], {}) and shape in _MAY_BE_EMPTY:
        return _empty(shape)
    if under is not None and shape is not Shape.DELETED:
        if not isinstance(value, dict) or under not in value:
            raise _unusable(f"the result has no {under!r}")
        value = value[under]
    match shape:
        case Shape.ITEM | Shape.MADE:
            return _item(value)
        case Shape.ITEMS:
            return _items(value)
        case Shape.ONLY:
            return _items(value)[0]
        case Shape.CHANGED:
            return True if value is True else _item(value)
        case Shape.DELETED:
            return _deleted(value, under)
        case Shape.FIELDS:
            return _fields(value)
    return value


def whole(value: Any) -> int | None:
    """Return a number of items, which may be written as a text; None if it can be none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not _NUMBER.fullmatch(str(value)):
        return None
    return int(value) if int(value) <= LARGEST else None


def _empty(shape: Shape) -> Any:
    """Return what an empty result is."""
    if shape in (Shape.ITEM, Shape.ONLY):
        raise BitrixError(Kind.MISSING, "an empty result")
    return {} if shape is Shape.FIELDS else []


def _item(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not whole(value.get("id", value.get("ID"))):
        raise _unusable("the result holds no item with an id")
    return value


def _items(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        raise _unusable("the result is no list")
    return [_item(item) for item in value]


def _deleted(value: Any, under: str | None) -> Any:
    told = value.get(under, True) if isinstance(value, dict) else value
    if told is None or told is False:
        raise _unusable("the result does not say that it is deleted")
    return value


def _fields(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) and value != []:
        raise _unusable("the result is no map")
    return value or {}


def _unusable(why: str) -> BitrixError:
    return BitrixError(Kind.UNUSABLE, why)
