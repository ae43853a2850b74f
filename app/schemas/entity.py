"""Entities: what is written to one, and how it is shown.

The schemas are made from the table of entities, so that what is documented is what is checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, post_load, pre_load, validates_schema

from app.bitrix.conditions import OPERATORS
from app.bitrix.entities import Entity
from app.bitrix.fields import MOST_OF_A_LIST, Field
from app.bitrix.kinds import BadValue, Flag
from app.schemas.base import StrictSchema, made_schema, pascal
from app.schemas.fields import NO_CONTROL_CHARACTERS, SOMETHING_VISIBLE, is_invisible
from app.schemas.json_value import holds_control_characters

_ANYTHING = {"type": ["string", "number", "boolean", "array", "object"], "items": {}}


class Value(fields.Field[Any]):
    """What is written to a field."""

    def __init__(self, field: Field, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.field = field
        self.metadata = _written(_schema(field))
        if field.required and self.metadata["type"] == "string":
            self.metadata["minLength"] = 1
        if field.access == "once":
            self.metadata["description"] = "Set when the item is made, and never again."

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        try:
            given = self.field.given(value)
        except BadValue as flaw:
            raise ValidationError(str(flaw)) from None
        if self.field.required and isinstance(value, str) and is_invisible(value):
            raise ValidationError(SOMETHING_VISIBLE)
        return given


class Change(StrictSchema):
    """What is written to an item. Custom fields are known by their names, and taken as they are."""

    entity: Entity

    class Meta:
        unknown = INCLUDE

    @pre_load
    def spell(self, sent: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        """Return the fields of the table by their names here, also those that were named as Bitrix24 does."""
        members: dict[str, Any] = {}
        named: dict[str, str] = {}
        for name, value in sent.items():
            field = self.entity.field(name)
            if field is not None and named.setdefault(field.upstream, name) != name:
                raise ValidationError({name: [f"The same field as {named[field.upstream]}."]})
            members[field.name if field is not None and field.name in self.entity.fields else name] = value
        return members

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def check_members(self, data: Mapping[str, Any], sent: Mapping[str, Any], **_: Any) -> None:
        """Refuse fields that there are not, or that nobody may set, and texts that cannot be shown."""
        flaws = {name: [flaw] for name, value in sent.items() if (flaw := self._flaw(name, value))}
        if flaws:
            raise ValidationError(flaws)
        if not sent:
            raise ValidationError("At least one field is needed.")

    @post_load
    def take_custom(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Return everything as Bitrix24 takes it."""
        custom = {name: self.entity.field(name) for name in data.keys() - self.fields.keys()}
        return data | {name: field.given(data[name]) for name, field in custom.items() if field is not None}

    def _flaw(self, name: str, value: Any) -> str | None:
        field = self.entity.field(name)
        if field is None:
            return "Unknown field."
        if name not in self.fields and field.access != "write":
            return "Read only." if field.access == "read" else "Can be set only when the item is made."
        return NO_CONTROL_CHARACTERS if holds_control_characters(value) else None


class Shown(StrictSchema):
    """An item. Custom fields stand beside those that every portal has; what Bitrix24 leaves out is absent."""

    class Meta:
        unknown = INCLUDE


class FieldAnswer(StrictSchema):
    """A field of an entity, as the portal has it."""

    type = fields.String(
        required=True,
        metadata={
            "enum": ["any", "boolean", "date", "datetime", "integer", "number", "object", "string"],
            "description": "`any`: as Bitrix24 has it.",
        },
    )
    multiple = fields.Boolean(required=True, metadata={"description": "Whether it is a list."})
    access = fields.String(
        required=True,
        metadata={
            "enum": ["write", "once", "read"],
            "description": "`once`: set when the item is made, and never again.",
        },
    )
    required = fields.Boolean(required=True, metadata={"description": "Whether an item needs it to be made."})
    custom = fields.Boolean(required=True, metadata={"description": "Whether it is the portal's own."})
    operators = fields.List(
        fields.String(metadata={"enum": list(OPERATORS)}),
        required=True,
        metadata={"description": "What a filter may ask of it; empty: there is no filter by it."},
    )
    order = fields.Boolean(required=True, metadata={"description": "Whether a list can be ordered by it."})
    title = fields.String(
        required=True, allow_none=True, metadata={"description": "What it is called in Bitrix24."}
    )
    bitrix_type = fields.String(
        required=True, allow_none=True, metadata={"description": "Bitrix24's own type."}
    )
    values = fields.Dict(
        values=fields.String(allow_none=True),
        required=True,
        allow_none=True,
        metadata={"description": "The values that it takes, with their titles, where Bitrix24 tells them."},
    )


class FieldsAnswer(StrictSchema):
    """The fields of an entity, by name."""

    success = fields.Boolean(required=True, metadata={"enum": [True]})
    data = fields.Dict(keys=fields.String(), values=fields.Nested(FieldAnswer), required=True)


class DeletedItem(StrictSchema):
    """What is left to say of a deleted item."""

    id = fields.Integer(required=True, metadata={"minimum": 1})
    deleted = fields.Boolean(required=True, metadata={"enum": [True]})


@cache
def create(entity: Entity) -> type[Schema]:
    """The body of `POST /v1/{entity}`."""
    return _change("Create", entity, ("write", "once"), demanding=True)


@cache
def update(entity: Entity) -> type[Schema]:
    """The body of `PATCH /v1/{entity}/{id}`."""
    return _change("Update", entity, ("write",), demanding=False)


@cache
def shown(entity: Entity) -> type[Schema]:
    """An item as it is shown."""
    members = {
        name: fields.Raw(
            required=name == "id",
            allow_none=name != "id" and not field.many,
            metadata=_schema(field),
        )
        for name, field in entity.fields.items()
    }
    return made_schema(pascal(entity.one), Shown, members)


def _change(verb: str, entity: Entity, access: tuple[str, ...], *, demanding: bool) -> type[Schema]:
    members = {
        name: Value(field, required=demanding and field.required, allow_none=_can_be_empty(field))
        for name, field in entity.fields.items()
        if field.access in access
    }
    return made_schema(f"{verb}{pascal(entity.one)}", Change, {**members, "entity": entity})


def _can_be_empty(field: Field) -> bool:
    return not field.many and not field.required and not isinstance(field.kind, Flag)


def _schema(field: Field) -> dict[str, Any]:
    one = dict(field.kind.schema) or dict(_ANYTHING)
    return {"type": "array", "items": one, "maxItems": MOST_OF_A_LIST} if field.many else one


def _written(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of what is sent: of an object all members that can be, and no others."""
    if "items" in schema:
        return {**schema, "items": _written(schema["items"])}
    members = {name: facts for name, facts in schema.get("properties", {}).items() if "readOnly" not in facts}
    closed = {"properties": members, "required": list(members), "additionalProperties": False}
    return {**schema, **(closed if members else {})}
