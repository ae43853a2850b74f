"""The guide: what `GET /v1/guide` tells a program that knows nothing else."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.bitrix.entities import ACTIONS
from app.schemas.base import StrictSchema
from gateway.keys import KEY_TYPES


def _key_types(description: str) -> fields.List[Any]:
    item = fields.String(metadata={"enum": list(KEY_TYPES)})
    return fields.List(item, required=True, metadata={"description": description})


class KeyTypeAnswer(StrictSchema):
    """A type of key."""

    type = fields.String(required=True, metadata={"enum": list(KEY_TYPES)})
    prefix = fields.String(required=True, metadata={"description": "What its raw keys begin with."})
    bound_to = fields.String(required=True)


class Authentication(StrictSchema):
    """How a key is sent."""

    headers = fields.List(
        fields.String(), required=True, metadata={"description": "Send one of these with every request."}
    )
    rule = fields.String(required=True)
    key_types = fields.List(fields.Nested(KeyTypeAnswer), required=True)


class ScopeAnswer(StrictSchema):
    """A scope or integration."""

    name = fields.String(required=True)
    meaning = fields.String(required=True)
    key_types = _key_types("The types of key that can have it.")
    held = fields.Boolean(required=True, metadata={"description": "Whether the calling key has it."})


class StepValue(StrictSchema):
    """`value` as it stands, or what the answer to `fromStep` has `at` a JSON pointer.

    If the pointer leads to a list, it is `member` of the first item that has all of `where`.
    """

    value = fields.Raw(
        allow_none=True,
        metadata={
            "type": ["string", "number", "boolean", "array", "object"],
            "items": {},
            "description": "What to send.",
        },
    )
    from_step = fields.Integer(metadata={"minimum": 1})
    at = fields.String(metadata={"description": "A JSON pointer (RFC 6901) into the body of that answer."})
    where = fields.Dict()
    member = fields.String()


class StepAnswer(StrictSchema):
    """One call of the quickstart."""

    step = fields.Integer(required=True, metadata={"minimum": 1})
    operation_id = fields.String(required=True)
    method = fields.String(required=True)
    path = fields.String(required=True)
    does = fields.String(required=True)
    key = fields.Nested(
        StepValue,
        required=True,
        allow_none=True,
        metadata={"description": "The key to send; null: your own."},
    )
    path_parameters = fields.Dict(
        values=fields.Nested(StepValue),
        required=True,
        metadata={"description": "What replaces the names in braces in `path`."},
    )
    query = fields.Dict(values=fields.Nested(StepValue), required=True)
    body = fields.Dict(
        values=fields.Nested(StepValue),
        required=True,
        allow_none=True,
        metadata={"description": "The members of the JSON body; null: no body."},
    )


class Quickstart(StrictSchema):
    """The first calls to make."""

    how = fields.String(required=True)
    steps = fields.List(fields.Nested(StepAnswer), required=True)


class ParameterAnswer(StrictSchema):
    """What an endpoint takes: a parameter of path, query or header, or a member of the JSON body."""

    name = fields.String(
        required=True,
        metadata={"description": "`calls[].id`: `id` of each object in the list `calls` of the body."},
    )
    in_ = fields.String(required=True, data_key="in", metadata={"enum": ["path", "query", "header", "body"]})
    required = fields.Boolean(required=True)
    type = fields.String(required=True, metadata={"description": "As `integer or null`, `array of string`."})
    description = fields.String()
    enum = fields.List(fields.String(), metadata={"description": "The values that it takes."})
    limits = fields.Dict(
        metadata={"description": "By their names in JSON Schema: `minLength`, `maximum`, `format` and so on."}
    )


class ExampleRequest(StrictSchema):
    """A request, ready to send but for the key."""

    method = fields.String(required=True)
    url = fields.String(required=True)
    headers = fields.Dict(values=fields.String(), required=True)
    body = fields.Dict(required=True, allow_none=True)


class ExampleAnswer(StrictSchema):
    """The answer to it."""

    status = fields.Integer(required=True)
    body = fields.Dict(required=True)


class GuideExample(StrictSchema):
    """One call of an endpoint."""

    request = fields.Nested(ExampleRequest, required=True)
    answer = fields.Nested(ExampleAnswer, required=True)


class EndpointAnswer(StrictSchema):
    """An endpoint: what it does, asks for, takes, answers and refuses with."""

    operation_id = fields.String(required=True)
    method = fields.String(required=True)
    path = fields.String(required=True)
    summary = fields.String(required=True)
    key_types = _key_types("The types of key that it serves.")
    management_scope = fields.String(
        required=True, allow_none=True, metadata={"description": "The scope that a management key needs."}
    )
    scope = fields.String(
        required=True, allow_none=True, metadata={"description": "The scope that a portal key needs."}
    )
    integrations = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "A personal key needs one of these; empty: none."},
    )
    parameters = fields.List(fields.Nested(ParameterAnswer), required=True)
    example = fields.Nested(GuideExample, required=True)
    errors = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "The codes that it can be refused with, beside `commonErrors`."},
    )


class EntityAction(StrictSchema):
    """Something that can be done with an entity."""

    action = fields.String(
        required=True, metadata={"enum": list(ACTIONS), "description": "What a call of a batch names it."}
    )
    operation_id = fields.String(required=True, metadata={"description": "The endpoint that does it."})


class EntityField(StrictSchema):
    """A field that every portal has."""

    name = fields.String(required=True)
    type = fields.String(
        required=True,
        metadata={"description": "As `integer` or `array of string`; `any`: as Bitrix24 has it."},
    )
    access = fields.String(
        required=True,
        metadata={
            "enum": ["write", "once", "read"],
            "description": "`once`: set when the item is made, and never again.",
        },
    )
    filter = fields.Boolean(required=True, metadata={"description": "Whether a list can be filtered by it."})
    order = fields.Boolean(required=True, metadata={"description": "Whether a list can be ordered by it."})
    required = fields.Boolean(metadata={"enum": [True], "description": "An item needs it to be made."})


class Operator(StrictSchema):
    """What a filter asks: `filter[field][operator]=value`, or in JSON `{"field": {"operator": value}}`."""

    name = fields.String(required=True)
    meaning = fields.String(required=True)
    types = fields.List(
        fields.String(), required=True, metadata={"description": "The types of the fields that it is for."}
    )


class EntityGuide(StrictSchema):
    """What a portal holds many of."""

    name = fields.String(required=True, metadata={"description": "What a call of a batch names it."})
    path = fields.String(required=True)
    scope = fields.String(required=True, metadata={"description": "The scope that a portal key needs."})
    actions = fields.List(fields.Nested(EntityAction), required=True)
    fields_ = fields.List(fields.Nested(EntityField), required=True, data_key="fields")


class CodeAnswer(StrictSchema):
    """A code of refusals."""

    status = fields.Integer(required=True)
    message = fields.String(required=True)


class GuideAnswer(StrictSchema):
    """All that there is to know of this API; of endpoints, what the calling key opens.

    A management key is told of every endpoint, also of those that serve other types of key.
    """

    base_url = fields.String(required=True, metadata={"description": "What paths are appended to."})
    authentication = fields.Nested(Authentication, required=True)
    conventions = fields.Dict(
        values=fields.String(), required=True, metadata={"description": "What holds for every endpoint."}
    )
    scopes = fields.List(
        fields.Nested(ScopeAnswer),
        required=True,
        metadata={"description": "What keys can be granted; for other than management keys: of their type."},
    )
    quickstart = fields.Nested(Quickstart, required=True)
    endpoints = fields.List(fields.Nested(EndpointAnswer), required=True)
    entities = fields.List(
        fields.Nested(EntityGuide),
        required=True,
        metadata={"description": "What the portal's Bitrix24 holds, as far as the calling key opens it."},
    )
    operators = fields.List(
        fields.Nested(Operator),
        required=True,
        metadata={"description": "Those of filters, for all entities."},
    )
    common_errors = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "The codes that every endpoint can be refused with."},
    )
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(CodeAnswer),
        required=True,
        metadata={"description": "Every code, with its status and what it means."},
    )
    batch = fields.Dict(
        values=fields.String(),
        metadata={
            "description": "Of `POST /v1/batch`, for who may call it: what each member of `data` holds, and "
            "`room`: how many calls, and how long lists, one request takes."
        },
    )
    feedback = fields.Dict(
        metadata={
            "description": "How to work with tickets: the team's part for management keys, the author's for "
            "portal keys."
        }
    )
