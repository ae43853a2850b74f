"""The schema that all others are: camelCase outside, snake_case inside, strict, and refusing with `ApiError`.

Loading raises `ApiError("VALIDATION_ERROR")` whose details name every bad field, so that neither the API
nor the command line has to know marshmallow's exception or the shapes that its messages can take.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NoReturn

from marshmallow import RAISE, Schema, ValidationError, fields

from app.errors import ApiError

WHOLE_BODY = "_body"
"""The name in `details` under which the request as a whole is blamed."""

MAX_NAMES_IN_DETAILS = 20
MAX_NAME_IN_DETAILS = 64


class StrictSchema(Schema):
    """A schema that refuses unknown members."""

    class Meta:
        unknown = RAISE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Name the field in camelCase outside."""
        field_obj.data_key = camel(field_obj.data_key or field_name)

    def handle_error(self, error: ValidationError, data: Any, *, many: bool, **kwargs: Any) -> NoReturn:
        """Refuse in the service's own words."""
        messages = error.messages if isinstance(error.messages, dict) else {WHOLE_BODY: error.messages}
        raise ApiError("VALIDATION_ERROR", details=bad_fields(messages)) from None


class Deleted(StrictSchema):
    """What is left to say of a deleted object."""

    id = fields.String(required=True, metadata={"format": "uuid"})
    deleted = fields.Boolean(required=True, metadata={"enum": [True]})


def camel(name: str) -> str:
    """Return a snake_case name in camelCase."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def pascal(name: str) -> str:
    """Return a camelCase name as classes and schemas are called."""
    return name[0].upper() + name[1:]


def made_schema(name: str, base: type[StrictSchema], members: Mapping[str, Any]) -> type[Schema]:
    """Return a schema like `base` with more members, known by its name as if it were written out."""
    made: type[Schema] = type(name, (base,), {"__doc__": base.__doc__, **members})
    return made


@cache
def loader(schema: type[Schema]) -> Schema:
    """Return an instance of a schema, the same for all threads: loading changes nothing in it.

    Making one copies all its fields, which takes longer than loading where these are many.
    """
    return schema()


def bad_fields(messages: Mapping[Any, Any]) -> dict[str, list[str]]:
    """`{"field": ["why", …]}` from whatever marshmallow nests under a field.

    The names are the caller's own and come back to it: long ones (which could be a pasted key) are not
    repeated, and only so many are listed.
    """
    found: dict[str, list[str]] = {}
    for name, reasons in messages.items():
        known = isinstance(name, str) and name != "_schema" and len(name) <= MAX_NAME_IN_DETAILS
        if len(found) < MAX_NAMES_IN_DETAILS:
            found.setdefault(name if known else WHOLE_BODY, []).extend(_flatten(reasons))
    return found


def _flatten(reasons: Any) -> list[str]:
    if isinstance(reasons, Mapping):
        return [f"{place}: {text}" for place, nested in reasons.items() for text in _flatten(nested)]
    if isinstance(reasons, list):
        return [text for reason in reasons for text in _flatten(reason)]
    return [str(reasons)]
