"""The envelopes of answers, as schemas: of one object, of a page of a list, of a refusal."""

from __future__ import annotations

from functools import cache

from marshmallow import Schema, fields

from app.errors import ERRORS
from app.schemas.base import StrictSchema
from app.schemas.listing import ListMeta


class ErrorBody(StrictSchema):
    """Why a request was refused."""

    code = fields.String(
        required=True,
        metadata={"enum": sorted(ERRORS), "description": "What programs look at: a code keeps its meaning."},
    )
    message = fields.String(
        required=True, metadata={"description": "For people; it may be reworded at any time."}
    )
    request_id = fields.String(
        required=True, metadata={"description": "The same as in `X-Request-Id`; quote it in a report."}
    )
    hint = fields.String(metadata={"description": "What to do about it."})
    retry_after = fields.Integer(
        metadata={"minimum": 1, "description": "Seconds, the same as in `Retry-After`."}
    )
    details = fields.Dict(
        metadata={
            "description": "What is wrong, for programs. Of `VALIDATION_ERROR` a list of reasons by field; "
            "`_body` is the body as a whole, `_request` the request as HTTP."
        }
    )


class ErrorAnswer(StrictSchema):
    """The answer to every refused request."""

    success = fields.Boolean(required=True, metadata={"enum": [False]})
    error = fields.Nested(ErrorBody, required=True)


class PageMeta(StrictSchema):
    """Where in a list a page stands."""

    page = fields.Integer(required=True, metadata={"minimum": 1})
    limit = fields.Integer(
        required=True, metadata={"minimum": 1, "description": "How many items a page has at most."}
    )
    total = fields.Integer(
        required=True, metadata={"minimum": 0, "description": "How many items all pages have together."}
    )
    has_more = fields.Boolean(required=True, metadata={"description": "Whether another page follows."})


@cache
def answer_of(data: type[Schema]) -> type[Schema]:
    """The envelope of a success around `data`."""
    return StrictSchema.from_dict(
        {
            "success": fields.Boolean(required=True, metadata={"enum": [True]}),
            "data": fields.Nested(data, required=True),
        },
        name=f"{data.__name__}Envelope",
    )


def page_of(item: type[Schema]) -> type[Schema]:
    """The envelope of a page of a list of `item`."""
    return _list(item, PageMeta, "Page")


def part_of(item: type[Schema]) -> type[Schema]:
    """The envelope of a part of a portal's list of `item`."""
    return _list(item, ListMeta, "List")


@cache
def _list(item: type[Schema], meta: type[Schema], name: str) -> type[Schema]:
    return StrictSchema.from_dict(
        {
            "success": fields.Boolean(required=True, metadata={"enum": [True]}),
            "data": fields.List(fields.Nested(item), required=True),
            "meta": fields.Nested(meta, required=True),
        },
        name=f"{item.__name__}{name}",
    )
