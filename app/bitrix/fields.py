"""Fields of an entity: their names here and there, what may be done with each, and the reading of tables.

Here every name is camelCase. Bitrix24 takes some names as UPPER_SNAKE, and a few fields are not called in a
filter, an order or a selection as they are in an answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.bitrix.kinds import KINDS, BadValue, Kind

Access = Literal["write", "once", "read"]
"""Who may set a field: whoever changes an item, only who makes it, or nobody."""

MOST_OF_A_LIST = 500
"""Values that a list field, or a condition with several values, takes."""

_CUSTOM = re.compile(r"uf[A-Z][A-Za-z0-9_]{0,60}|parentId[1-9][0-9]{0,9}")
_CUSTOM_OF_UPPER = re.compile(r"uf[A-Z][A-Za-z0-9_]{0,60}|UF_[A-Z0-9_]{1,60}")
_BEFORE_A_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z])(?=[0-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field. `filter`, `order` and `select` are its names there; None: it can't be used so."""

    name: str
    upstream: str
    kind: Kind
    many: bool = False
    access: Access = "write"
    required: bool = False
    """To make an item."""
    filter: str | None
    order: str | None
    select: str | None

    @property
    def operators(self) -> tuple[str, ...]:
        """What a filter may ask of it."""
        return self.kind.operators if self.filter is not None else ()

    def given(self, value: Any) -> Any:
        """Return as Bitrix24 takes it what came as JSON; null empties a field. Raises `BadValue`."""
        if not self.many:
            return "" if value is None else self.kind.given(value)
        if not isinstance(value, list) or len(value) > MOST_OF_A_LIST:
            raise BadValue(f"Not a list of at most {MOST_OF_A_LIST}.")
        return [self._one_given(place, item) for place, item in enumerate(value)]

    def shown(self, value: Any) -> Any:
        """Return as JSON what Bitrix24 gives."""
        if not self.many:
            return self.kind.shown(value)
        if isinstance(value, dict):
            value = list(value.values())
        return [self.kind.shown(item) for item in value] if isinstance(value, list) else []

    def _one_given(self, place: int, item: Any) -> Any:
        try:
            return self.kind.given(item)
        except BadValue as flaw:
            raise BadValue(f"{place}: {flaw}") from None


def is_custom(name: str, upper: bool) -> bool:
    """Tell whether a name has the form of a portal's own fields, or of those that point to a parent."""
    return (_CUSTOM_OF_UPPER if upper else _CUSTOM).fullmatch(name) is not None


def custom_field(name: str, upper: bool, kind: Kind) -> Field:
    """Return the field that a portal may have under such a name. Nothing is known of it but how to ask."""
    upstream = upper_snake(name) if upper else name
    return Field(
        name=camel(upstream) if upper else name,
        upstream=upstream,
        kind=kind,
        filter=upstream,
        order=upstream,
        select=upstream,
    )


def camel(name: str) -> str:
    """Return an UPPER_SNAKE name in camelCase."""
    first, *rest = name.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


def upper_snake(name: str) -> str:
    """Return a camelCase name as UPPER_SNAKE; one that is so already stays."""
    return name if name.isupper() else _BEFORE_A_WORD.sub("_", name).upper()


def table(*texts: str, upper: bool = False, usable: bool = True) -> Mapping[str, Field]:
    """Read fields from lines: a name, a kind, with `[]` if there are several values, and words.

    The words `once` and `read` are the access, `required` says so. `filter`, `order` and `select` say that
    the field can be used so, with `=` under which name there, with `=-` that it can't be. Of filters and
    orders that a line does not name `usable` decides. `upper`: names there are UPPER_SNAKE.
    """
    lines = (line.split() for text in texts for line in text.splitlines())
    return {line[0]: _field(line[0], line[1], line[2:], upper, usable) for line in lines if line}


def _field(name: str, kind: str, words: Sequence[str], upper: bool, usable: bool) -> Field:
    upstream = upper_snake(name) if upper else name
    uses: dict[str, str | None] = {"filter": upstream, "order": upstream} if usable else {}
    uses["select"] = upstream
    for use, _, called in (word.partition("=") for word in words if word not in ("read", "once", "required")):
        uses[use] = None if called == "-" else called or upstream
    return Field(
        name=name,
        upstream=upstream,
        kind=KINDS[kind.removesuffix("[]")],
        many=kind.endswith("[]"),
        access="read" if "read" in words else "once" if "once" in words else "write",
        required="required" in words,
        filter=uses.get("filter"),
        order=uses.get("order"),
        select=uses["select"],
    )
