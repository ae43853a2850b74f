"""The question why a request is refused, and the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, get_args

from marshmallow import ValidationError, fields, post_dump

from app.schemas.base import StrictSchema
from app.schemas.fields import Choice, Instant, Text
from gateway.address import parse_address

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PATH_LENGTH = 2048
Outcome = Literal["PASSED", "REFUSED", "NOT_REACHED", "NOT_APPLICABLE", "UNKNOWN"]

_EXAMPLE = "/v1/deals?limit=5"
# What a request line can't have, and the fragment, which no client sends.
_NOT_IN_A_PATH = re.compile(r"[\s#]")


class Address(fields.String):
    """An IPv4 or IPv6 address, as the gateway writes it: IPv4-mapped IPv6 as IPv4."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        address = parse_address(value) if isinstance(value, str) and "%" not in value else None
        if address is None:
            raise ValidationError("Not an IPv4 or IPv6 address.")
        return str(address)


class Path(Text):
    """A path as it stands in a URL, with its query if it has one."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        path = super()._deserialize(value, attr, data, **kwargs)
        if not path.startswith("/") or _NOT_IN_A_PATH.search(path):
            raise ValidationError(f"Must be a path as it stands in a URL, as {_EXAMPLE}.")
        return path


class ExplainKey(StrictSchema):
    """The body of `POST /v1/keys/{id}/explain`."""

    address = Address(required=True, metadata={"description": "Where the request comes from."})
    method = Choice(METHODS, load_default="GET")
    path = Path(
        1,
        PATH_LENGTH,
        required=True,
        metadata={"description": f"The path that is called, with or without a query, as {_EXAMPLE}."},
    )


class CheckAnswer(StrictSchema):
    """One check; from `code` on what the refusal says, as far as it does."""

    check = fields.String(required=True)
    verdict = fields.String(
        required=True,
        metadata={
            "enum": list(get_args(Outcome)),
            "description": "`NOT_REACHED`: an earlier check refuses. `NOT_APPLICABLE`: not asked of this key "
            "or path. `UNKNOWN`: nobody can tell, `message` says why.",
        },
    )
    code = fields.String()
    message = fields.String()
    hint = fields.String()
    retry_after = fields.Integer(metadata={"description": "Seconds."})
    details = fields.Dict()

    @post_dump
    def without_what_is_not_said(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Leave it out, as refusals do."""
        return {name: value for name, value in data.items() if value is not None}


class LimitNow(StrictSchema):
    """One limit that applies to the key, as it stands."""

    scope = fields.String(required=True, metadata={"enum": ["second", "key", "tier"]})
    limit = fields.Integer(required=True, metadata={"description": "Requests in the window."})
    window = fields.Integer(required=True, metadata={"description": "Seconds."})
    used = fields.Integer(required=True, allow_none=True)
    remaining = fields.Integer(required=True, allow_none=True)
    resets_at = Instant(required=True)


class ExplanationAnswer(StrictSchema):
    """What a request would be answered now, and by which check."""

    key_id = fields.String(required=True, metadata={"format": "uuid"})
    at = Instant(required=True)
    address = fields.String(required=True)
    method = fields.String(required=True, metadata={"enum": list(METHODS)})
    path = fields.String(
        required=True, metadata={"description": "A raw key in it is cut to its public beginning."}
    )
    route = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The endpoint that is called; null if it is none of the API."},
    )
    verdict = fields.String(
        required=True,
        metadata={"description": "`ALLOWED`, the code of the refusal, or `PUBLIC`: the path needs no key."},
    )
    status = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The refusal's HTTP status."}
    )
    checks = fields.List(
        fields.Nested(CheckAnswer),
        required=True,
        metadata={"description": "All checks, in the order in which they are made."},
    )
    limits = fields.List(fields.Nested(LimitNow), required=True)
    mode = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "enum": ["local", "open", "closed", "unknown", None],
            "description": "Null: Redis counts. Else what `REDIS_DOWN` says of limits while it is away; "
            "`unknown`: no service runs, so nobody can tell.",
        },
    )
