"""What a caller looks for in a list: conditions on fields, their order, and the fields to show.

Bitrix24 takes a condition as a member of a map, an operator before the name of its field:
`{">=opportunity": 5}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.bitrix.fields import MOST_OF_A_LIST, Field
from app.bitrix.kinds import CONTAINS, EQUAL, NOT_EQUAL, ONE_OF, BadValue

OPERATORS: Mapping[str, str] = {
    EQUAL: "is the value; the same as no operator",
    NOT_EQUAL: "is another value",
    "$gt": "is greater, or later",
    "$gte": "is greater or the same",
    "$lt": "is less, or earlier",
    "$lte": "is less or the same",
    CONTAINS: "has the value somewhere within",
    ONE_OF: f"is one of at most {MOST_OF_A_LIST} values, in a URL separated by commas",
}
"""What each means, with the field as the subject."""

EMPTY = (
    "`null`, in a URL no value at all, stands for nothing: by `companyId` it finds what has no company, and "
    "so does 0. With `$ne` it finds what has one."
)
"""How a filter asks for what has no value."""

_PREFIXES: Mapping[str, str] = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<=", CONTAINS: "%", EQUAL: "="}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition. `value` is as Bitrix24 takes it, a list for `$in`."""

    field: Field
    operator: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A list that is asked for. `select` is None when nothing is said of it."""

    conditions: Sequence[Condition] = ()
    order: Sequence[tuple[Field, bool]] = ()
    """Fields, and whether from the greatest to the least."""
    select: Sequence[Field] | None = None

    @property
    def fields(self) -> list[Field]:
        """All fields that are named."""
        conditions = (condition.field for condition in self.conditions)
        return [*conditions, *(field for field, _ in self.order), *(self.select or ())]


def condition(field: Field, operator: str, value: Any, *, text: bool) -> Condition:
    """Return the condition that a caller asks for; `text` if the value comes from a query parameter.

    Raises `BadValue`.
    """
    if not field.operators:
        raise BadValue("There is no filter by it.")
    if operator not in field.operators:
        what = f"{operator[:20]} is none" if operator else "Needs one"
        raise BadValue(f"{what} of {', '.join(field.operators)}.")
    if operator in (EQUAL, NOT_EQUAL) and _is_empty(field, value, text):
        return Condition(field, operator, field.kind.empty)
    if operator != ONE_OF:
        return Condition(field, operator, _sought(field, value, text))
    values = value.split(",") if text else value
    if not isinstance(values, list) or not 1 <= len(values) <= MOST_OF_A_LIST:
        raise BadValue(f"Not a list of 1 to {MOST_OF_A_LIST} values.")
    return Condition(field, operator, [_sought(field, one, text) for one in values])


def upstream_filter(conditions: Iterable[Condition], *, not_equal: str, one_of: str) -> dict[str, Any]:
    """Return conditions as Bitrix24 takes them; methods differ in how they write two of the operators."""
    prefixes = {**_PREFIXES, NOT_EQUAL: not_equal, ONE_OF: one_of}
    return {f"{prefixes[one.operator]}{one.field.filter}": one.value for one in conditions}


def _is_empty(field: Field, value: Any, text: bool) -> bool:
    """Tell whether items without a value are asked for. A flag always has one; of lists nobody knows how."""
    asked = value is None or (text and value == "")
    return asked and field.kind.empty is not None and not field.many


def _sought(field: Field, value: Any, text: bool) -> Any:
    return field.kind.sought(field.kind.parsed(value) if text else value)
