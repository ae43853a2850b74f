"""The form of a row of the registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ANY_TYPE = frozenset({"api", "authorization", "management", "personal"})
MANAGEMENT = frozenset({"management"})
PORTAL = frozenset({"api", "authorization"})
PERSONAL = frozenset({"personal"})

MAX_BYTES = 1024 * 1024
"""How large a request's body may be, where a route does not say otherwise."""

CHANGE_ERRORS = ("VALIDATION_ERROR", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE")
"""What every route that reads a body can answer."""
RAW_KEY_ERRORS = ("IDEMPOTENCY_IN_PROGRESS", "IDEMPOTENCY_KEY_REUSED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One call of a route and the answer to it, as the guide and the OpenAPI document show them.

    `path` and `query` are the parameters by name, `body` is the request's JSON, `answer` the whole JSON of
    the answer. Tests hold all of them against the schemas by which the route reads and answers.
    """

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    answer: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation. `path` is written as in OpenAPI, `{id}`.

    `types` are the types of key that it serves. Of the three grants, those that are set are asked for, each
    of the types that it concerns: `management_scope` of management keys, `scope` of portal keys,
    `integrations` (any one of them) of personal keys. `errors` are the codes that it can answer with beside
    those of every route.

    `path_notes` describes parameters of the path that are not simply the id of an item of the list above.
    `max_bytes` is how large a body may be. A `tagged` route answers with an `ETag`; the answer of one that
    `shows_secret` is not to be stored.
    """

    method: str
    path: str
    operation_id: str
    summary: str
    types: frozenset[str]
    management_scope: str | None = None
    scope: str | None = None
    integrations: frozenset[str] = frozenset()
    errors: tuple[str, ...] = ()
    path_notes: Mapping[str, str] = field(default_factory=dict)
    max_bytes: int = MAX_BYTES
    tagged: bool = False
    shows_secret: bool = False
    example: Example

    @property
    def grants(self) -> tuple[str, ...]:
        """The scopes and integrations that it asks for, as the OpenAPI document names them."""
        scopes = tuple(name for name in (self.management_scope, self.scope) if name is not None)
        return scopes + tuple(sorted(self.integrations))


def one(data: Mapping[str, Any]) -> dict[str, Any]:
    """An example's answer: the envelope of one object."""
    return {"success": True, "data": data}


def page(*items: Mapping[str, Any]) -> dict[str, Any]:
    """An example's answer: the envelope of a list that has one page."""
    return {
        "success": True,
        "data": list(items),
        "meta": {"page": 1, "limit": 50, "total": len(items), "hasMore": False},
    }
