"""Batches: up to 50 calls of entities in one request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields

from app.bitrix.client import MOST_IN_A_BATCH
from app.bitrix.entities import ACTIONS, ENTITIES
from app.bitrix.kinds import LARGEST
from app.errors import ERRORS, ApiError
from app.schemas.base import StrictSchema
from app.schemas.fields import Choice, Text, Whole
from app.schemas.listing import ListMeta

ID_LENGTH = 64


class Calls(fields.List[Any]):
    """The calls as they came: what is wrong with one does not concern the others."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[Any]:
        if not isinstance(value, list):
            raise ValidationError("Not a list.")
        if not 1 <= len(value) <= MOST_IN_A_BATCH:
            raise ApiError("BATCH_LIMIT_EXCEEDED", details={"calls": len(value), "limit": MOST_IN_A_BATCH})
        return value


class BatchCall(StrictSchema):
    """One call."""

    id = Text(
        1,
        ID_LENGTH,
        metadata={
            "description": "What its result is called, each id once. Without it: its place in `calls`, "
            'counted from 0, as a text: `"0"`.'
        },
    )
    entity = Choice(tuple(ENTITIES), required=True)
    action = Choice(ACTIONS, required=True)
    entity_id = Whole(
        1,
        LARGEST,
        metadata={"description": "The item: `get`, `update` and `delete` need it, no other action takes it."},
    )
    params = fields.Dict(
        metadata={
            "description": "For `create` and `update` the fields; for `list` and `search`, which are the "
            "same, what the body of a search has; for the others nothing."
        }
    )


class Batch(StrictSchema):
    """The body of `POST /v1/batch`."""

    calls = Calls(
        fields.Nested(BatchCall),
        required=True,
        metadata={
            "minItems": 1,
            "maxItems": MOST_IN_A_BATCH,
            "description": "The calls. One that is refused stops none of the others.",
        },
    )


class CallRefusal(StrictSchema):
    """Why a call was refused, as its own answer would have said it."""

    code = fields.String(required=True, metadata={"enum": sorted(ERRORS)})
    message = fields.String(required=True)
    hint = fields.String()
    retry_after = fields.Integer(metadata={"minimum": 1})
    details = fields.Dict()


class BatchAnswer(StrictSchema):
    """What became of each call, by its id: it is in `results` or in `errors`."""

    results = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={"description": "By the ids of calls that were done: `data` of the call's own answer."},
    )
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(CallRefusal),
        required=True,
        metadata={
            "description": "By the ids of the other calls: `code`, `message` and what else the `error` of "
            "the call's own answer has."
        },
    )
    meta = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(ListMeta),
        required=True,
        metadata={
            "description": "By the ids of lists in `results`: `limit`, `offset`, `total` and `hasMore`."
        },
    )
