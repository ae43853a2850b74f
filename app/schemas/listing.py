"""Lists of entities: which part of one is asked for, by query parameters or by JSON.

The schemas are made from the table of entities, so that what is documented is what is checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

from marshmallow import Schema, ValidationError, fields, post_load, pre_load

from app.bitrix.conditions import EMPTY, OPERATORS, Condition, Wanted, condition
from app.bitrix.entities import Entity
from app.bitrix.fields import MOST_OF_A_LIST, Field
from app.bitrix.kinds import EQUAL, ONE_OF, BadValue
from app.schemas.base import MAX_NAME_IN_DETAILS, MAX_NAMES_IN_DETAILS, StrictSchema, made_schema, pascal
from app.schemas.fields import NO_CONTROL_CHARACTERS, Whole
from app.schemas.json_value import holds_control_characters
from app.schemas.query import DEFAULT_LIMIT, Count

MAX_LIMIT = 5_000
MAX_OFFSET = 10**9
MOST_CONDITIONS = 100
MOST_VALUES = 500
"""In all conditions together: every page of a list repeats them."""

_BRACKETS = re.compile(r"(?:order\[([^\[\]]+)\]|filter\[([^\[\]]+)\](?:\[([^\[\]]+)\])?)")
_LIMIT = f"How many items to answer with; more than {MAX_LIMIT} count as {MAX_LIMIT}."
_OFFSET = "How many items to leave out at the beginning."
_SELECT = "The fields to show; `id` always is."
_ORDER = "By field, `asc` or `desc`; the first field decides first. Without it: by `id`."
_OPERATORS = ", ".join(f"`{name}`" for name in OPERATORS)
_FILTER = f"Conditions by field, which must all hold. Operators: {_OPERATORS}."
_SEVERAL = f"at most {MOST_OF_A_LIST} values"

Item = TypeVar("Item")
Triple = tuple[str, str, Any]
"""A field, an operator, and what is asked for."""


class Conditions(fields.Field[list[Condition]]):
    """Conditions on the fields of an entity, from JSON, or from query parameters (`text`) as triples."""

    def __init__(self, entity: Entity, *, text: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entity, self.text = entity, text
        several = f"{_SEVERAL} separated by commas" if text else f"a list of {_SEVERAL}"
        described = f"{_FILTER} `{ONE_OF}` takes {several}. {EMPTY}"
        self.metadata = {"type": "object", "additionalProperties": {}, "description": described}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[Condition]:
        if not isinstance(value, list if self.text else dict):
            raise ValidationError("Not conditions by field.")
        triples: list[Triple] = list(_triples(value)) if isinstance(value, dict) else value
        if len(triples) > MOST_CONDITIONS:
            raise ValidationError(f"More than {MOST_CONDITIONS} conditions.")
        found = _each(triples, self._condition)
        if len({(one.field.filter, one.operator) for one in found}) < len(found):
            raise ValidationError("Must not have a condition twice.")
        if sum(len(one.value) if one.operator == ONE_OF else 1 for one in found) > MOST_VALUES:
            raise ValidationError(f"More than {MOST_VALUES} values in all conditions together.")
        return found

    def _condition(self, asked: Triple) -> Condition:
        name, operator, value = asked
        if holds_control_characters(value):
            raise BadValue(NO_CONTROL_CHARACTERS)
        return condition(_known(self.entity, name), operator, value, text=self.text)


class Order(fields.Field[list[tuple[Field, bool]]]):
    """Fields with their directions."""

    def __init__(self, entity: Entity, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entity = entity
        directions = {"type": "string", "enum": ["asc", "desc"]}
        only_one = " Only one field." if entity.dialect.one_order else ""
        self.metadata = {
            "type": "object",
            "additionalProperties": directions,
            "description": f"{_ORDER}{only_one}",
        }

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[tuple[Field, bool]]:
        if not isinstance(value, dict):
            raise ValidationError("Not directions by field.")
        if self.entity.dialect.one_order and len(value) > 1:
            raise ValidationError("Only one field.")
        found = _each(value.items(), self._direction)
        if len({field.order for field, _ in found}) < len(found):
            raise ValidationError("Must not have a field twice.")
        return found

    def _direction(self, asked: tuple[str, Any]) -> tuple[Field, bool]:
        name, direction = asked
        field = _known(self.entity, name)
        if field.order is None:
            raise BadValue("There is no order by it.")
        if direction not in ("asc", "desc"):
            raise BadValue("Must be asc or desc.")
        return field, direction == "desc"


class Selection(fields.Field[list[Field]]):
    """Names of fields: a list, or separated by commas in a query parameter (`text`)."""

    def __init__(self, entity: Entity, *, text: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entity, self.text = entity, text
        names = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_OF_A_LIST}
        self.metadata = {**({"type": "string"} if text else names), "description": _SELECT}
        if text:
            self.metadata["description"] = f"{_SELECT[:-1]}. Names separated by commas."

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[Field]:
        names = _separated(value) if self.text else value
        if not isinstance(names, list) or not 1 <= len(names) <= MOST_OF_A_LIST:
            how = ", separated by commas" if self.text else ""
            raise ValidationError(f"Not a list of 1 to {MOST_OF_A_LIST} names{how}.")
        return _each([(name, None) for name in names], self._selected)

    def _selected(self, asked: tuple[Any, None]) -> Field:
        field = _known(self.entity, asked[0])
        if field.select is None:
            raise BadValue("It comes only with a single item.")
        return field


class ListQuery(StrictSchema):
    """Which part of a list, from query parameters. `filter[field][$operator]` and `order[field]` are folded
    into `filter` and `order`.
    """

    limit = Count(MAX_LIMIT, clamp=True, load_default=DEFAULT_LIMIT, metadata={"description": _LIMIT})
    offset = Count(
        MAX_OFFSET, clamp=False, minimum=0, load_default=0, metadata={"description": _OFFSET, "default": 0}
    )

    @pre_load
    def fold(self, data: Mapping[str, str], **_: Any) -> dict[str, Any]:
        """Return the parameters by name, those with brackets under the name before these."""
        plain: dict[str, Any] = {}
        conditions: list[Triple] = []
        order: dict[str, str] = {}
        for name, value in data.items():
            brackets = _BRACKETS.fullmatch(name)
            if brackets is None:
                plain[name] = value
            elif brackets[1] is not None:
                order[brackets[1]] = value
            else:
                conditions.append((brackets[2], brackets[3] or EQUAL, value))
        folded = {"filter": conditions or None, "order": order or None}
        return {**{name: value for name, value in folded.items() if value is not None}, **plain}


class Search(StrictSchema):
    """Which part of a list, as a JSON object."""

    limit = Whole(1, MAX_OFFSET, load_default=DEFAULT_LIMIT, metadata={"description": _LIMIT})
    offset = Whole(0, MAX_OFFSET, load_default=0, metadata={"description": _OFFSET, "default": 0})

    @post_load
    def clamp(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """More than the most counts as the most."""
        return {**data, "limit": min(data["limit"], MAX_LIMIT)}


class ListMeta(StrictSchema):
    """Which part of a list it is."""

    limit = fields.Integer(
        required=True, metadata={"minimum": 1, "description": "How many items the part has at most."}
    )
    offset = fields.Integer(
        required=True, metadata={"minimum": 0, "description": "How many items come before it."}
    )
    total = fields.Integer(
        required=True, metadata={"minimum": 0, "description": "How many items the whole list has."}
    )
    has_more = fields.Boolean(required=True, metadata={"description": "Whether items come after it."})


@cache
def list_query(entity: Entity) -> type[Schema]:
    """The query of `GET /v1/{entity}`."""
    return made_schema(f"List{pascal(entity.name)}", ListQuery, _members(entity, text=True))


@cache
def search(entity: Entity) -> type[Schema]:
    """The body of `POST /v1/{entity}/search`."""
    return made_schema(f"Search{pascal(entity.name)}", Search, _members(entity, text=False))


def wanted(loaded: Mapping[str, Any]) -> Wanted:
    """Return what a loaded query or search asks for."""
    return Wanted(
        conditions=loaded.get("filter", ()), order=loaded.get("order", ()), select=loaded.get("select")
    )


def _members(entity: Entity, *, text: bool) -> dict[str, fields.Field[Any]]:
    """Return what depends on the entity; `text`: as query parameters have it."""
    return {
        "filter": Conditions(entity, text=text),
        "order": Order(entity),
        "select": Selection(entity, text=text),
    }


def _known(entity: Entity, name: Any) -> Field:
    field = entity.field(name) if isinstance(name, str) else None
    if field is None:
        raise BadValue("There is no such field.")
    return field


def _triples(asked: Mapping[str, Any]) -> Iterator[Triple]:
    for name, value in asked.items():
        if isinstance(value, dict):
            yield from ((name, operator, inner) for operator, inner in value.items() or [("", None)])
        else:
            yield name, EQUAL, value


def _each(asked: Iterable[Any], take: Callable[[Any], Item]) -> list[Item]:
    """Take each thing that is asked for. Raises ValidationError, which names the fields of those refused."""
    found: list[Item] = []
    flaws: dict[str, list[str]] = {}
    for one in asked:
        try:
            found.append(take(one))
        except BadValue as flaw:
            if len(flaws) < MAX_NAMES_IN_DETAILS:
                flaws.setdefault(_told(one[0]), []).append(str(flaw))
    if flaws:
        raise ValidationError(flaws)
    return found


def _separated(text: str) -> list[str]:
    return text.split(",") if text else []


def _told(name: Any) -> str:
    """What a field is called in `details`, whatever was sent as its name."""
    if name == "":
        return "(no name)"
    return name if isinstance(name, str) and len(name) <= MAX_NAME_IN_DETAILS else "…"
