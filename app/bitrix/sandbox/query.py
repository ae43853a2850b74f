"""Filters, order and pages of the list methods, over rows that are maps.

A filter is a map of conditions that must all hold, `{"prefix" + field: value}`; a map inside it with
`logic` is a group of its own. A value that is a list means one of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from app.bitrix.sandbox.clock import read
from app.bitrix.sandbox.php import number, pairs, values
from app.bitrix.sandbox.store import Row

PAGE = 50

Kind = Literal["number", "time", "flag", "text"]
"""How the values of a field are compared."""
Kinds = Callable[[str], Kind | None]
"""Tells the kind of a field; None: there is no filter and no order by it."""

_CONDITION = re.compile(r"(!=%|!%=|=%|%=|!%|!@|!=|>=|<=|[%@!=><])?(.*)", re.DOTALL)
_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    ">": lambda left, right: bool(left > right),
    ">=": lambda left, right: bool(left >= right),
    "<": lambda left, right: bool(left < right),
    "<=": lambda left, right: bool(left <= right),
}


class BadField(Exception):
    """There is no filter or order by this field."""


class BadValue(Exception):
    """The field cannot be compared with what was given; the argument is the field."""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a list, how many there are in all, and where the next page starts."""

    rows: list[Row]
    total: int
    next: int | None


def parts(condition: str) -> tuple[str, str]:
    """The operator and the field of a condition's key; without a prefix it is `=`."""
    matched = _CONDITION.fullmatch(condition)
    assert matched is not None
    return matched[1] or "=", matched[2]


def matching(rows: Iterable[Row], conditions: Any, kinds: Kinds) -> list[Row]:
    """The rows that a filter lets through. Raises `BadField`, `BadValue`."""
    test = _all_of(conditions, kinds)
    return [row for row in rows if test(row)]


def ordered(rows: Sequence[Row], order: Sequence[tuple[str, bool]], kinds: Kinds, last: str) -> list[Row]:
    """The rows by (field, descending) in turn, then by the field `last`. Raises `BadField`."""
    found = list(rows)
    for field, descending in reversed([*order, (last, False)]):
        key = _sort_key(field, _kind(field, kinds))
        found.sort(key=key, reverse=descending)
    return found


def page(rows: Sequence[Row], start: Any) -> Page:
    """The page that `start` lies in. -1: the first, uncounted, as `total` 0 says."""
    if str(start) == "-1":
        return Page(list(rows[:PAGE]), 0, None)
    begin = (number(start) or 0) // PAGE * PAGE
    end = begin + PAGE
    return Page(list(rows[begin:end]), len(rows), end if end < len(rows) else None)


def _all_of(conditions: Any, kinds: Kinds) -> Callable[[Row], bool]:
    tests = [_test(key, value, kinds) for key, value in pairs(conditions) if key.lower() != "logic"]
    logic = {key.lower(): value for key, value in pairs(conditions)}.get("logic", "AND")
    combine = any if str(logic).upper() == "OR" else all
    return lambda row: combine(test(row) for test in tests)


def _test(key: str, value: Any, kinds: Kinds) -> Callable[[Row], bool]:
    if key.isdecimal() and isinstance(value, (dict, list)):
        return _all_of(value, kinds)
    operator, field = parts(key)
    kind = _kind(field, kinds)
    holds = _holds(operator, field, kind, value)
    return lambda row: holds(row.get(field))


def _kind(field: str, kinds: Kinds) -> Kind:
    kind = kinds(field)
    if kind is None:
        raise BadField(field)
    return kind


def _holds(operator: str, field: str, kind: Kind, value: Any) -> Callable[[Any], bool]:
    """The condition as a function of a row's value, which may be a list itself: then of one of them."""
    if operator.startswith("!"):
        positive = _holds(operator[1:] or "=", field, kind, value)
        return lambda found: not positive(found)
    if "%" in operator:
        pattern = _like(str(value), anywhere=operator == "%")
        return lambda found: any(fnmatchcase(str(each or "").lower(), pattern) for each in values(found))
    wanted = [_comparable(field, kind, each) for each in values(value)]
    if operator in _ORDERED:
        compare = _ORDERED[operator]
        return lambda found: any(
            mine is not None and each is not None and compare(mine, each)
            for mine in _comparables(field, kind, found)
            for each in wanted
        )
    # Of numbers 0 and nothing are alike, to whoever looks for one of them.
    nothing = 0.0 if kind == "number" else None
    alike = {nothing if each is None else each for each in wanted}
    return lambda found: any(
        (nothing if mine is None else mine) in alike for mine in _comparables(field, kind, found) or [None]
    )


def _like(text: str, *, anywhere: bool) -> str:
    """SQL's pattern as one of fnmatch; of its signs only % is one here."""
    quoted = re.sub(r"([*?\[])", r"[\1]", text.lower())
    return f"*{quoted}*" if anywhere else quoted.replace("%", "*")


def _comparables(field: str, kind: Kind, found: Any) -> list[Any]:
    return [_comparable(field, kind, each) for each in values(found)]


def _comparable(field: str, kind: Kind, value: Any) -> Any:
    """Raises `BadValue`; nothing and the empty text are the same, and are None."""
    if value is None or value == "":
        return None
    if kind == "flag":
        return value in (True, "Y", "y", "true", "1")
    try:
        if kind == "number":
            return float(value)
        if kind == "time":
            return read(str(value)).timestamp()
    except (TypeError, ValueError, OverflowError):
        raise BadValue(field) from None
    return str(value).lower()


def _sort_key(field: str, kind: Kind) -> Callable[[Mapping[str, Any]], Any]:
    def key(row: Mapping[str, Any]) -> tuple[bool, Any]:
        found = next(iter(_comparables(field, kind, row.get(field))), None)
        return (found is not None, found if found is not None else 0)

    return key
