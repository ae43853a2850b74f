"""The form of a row of the registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

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
    the answer. Tests hold all of them against the schemas by which the route reads and answers. A parameter
    of the query that is an object is written in brackets: `{"filter": {"id": "5"}}` is `filter[id]=5`.
    """

    path: Mapping[str, str | int] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    answer: Mapping[str, Any]

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of the query as they are sent."""
        return dict(_in_brackets(self.query))


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation. `path` is written as in OpenAPI, `{id}`.

    `types` are the types of key that it serves. Of the three grants, those that are set are asked for, each
    of the types that it concerns: `management_scope` of management keys, `scope` of portal keys,
    `integrations` (any one of them) of personal keys. `errors` are the codes that it can answer with beside
    those of every route. `reads`: it changes nothing, although its method might; what a batch changes is
    judged call by call. Where management keys call it in another way than others, `example` is theirs, and
    `other_example` the others', with the same path and query.

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
    reads: bool = False
    path_notes: Mapping[str, str] = field(default_factory=dict)
    max_bytes: int = MAX_BYTES
    tagged: bool = False
    shows_secret: bool = False
    example: Example
    other_example: Example | None = None

    @property
    def changes(self) -> bool:
        """Whether a call may change something, so that a restricted account can't make it."""
        return self.method != "GET" and not self.reads

    @property
    def grants(self) -> tuple[str, ...]:
        """All scopes and integrations that it asks for, of keys of any type."""
        scopes = tuple(name for name in (self.management_scope, self.scope) if name is not None)
        return scopes + tuple(sorted(self.integrations))

    def asked_of(self, key_type: str) -> tuple[str, ...]:
        """Return the grants of which a key of this type needs one; none if it needs none."""
        if key_type == "personal":
            return tuple(sorted(self.integrations))
        scope = self.management_scope if key_type == "management" else self.scope
        return () if scope is None else (scope,)

    def example_for(self, key_type: str) -> Example:
        """Return how keys of this type call it."""
        other = None if key_type == "management" else self.other_example
        return other or self.example

    def example_url(self, host: str) -> str:
        """Return the address on `host` that the example calls."""
        query = f"?{urlencode(self.example.parameters)}" if self.example.query else ""
        return host + self.path.format_map(self.example.path) + query


def _in_brackets(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            nested = {f"{name}[{inner}]": one for inner, one in value.items()}
            yield from _in_brackets(nested)
        else:
            yield name, str(value)


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


def part(*items: Mapping[str, Any], limit: int) -> dict[str, Any]:
    """An example's answer: the envelope of a portal's list that has no more items."""
    return {
        "success": True,
        "data": list(items),
        "meta": {"limit": limit, "offset": 0, "total": len(items), "hasMore": False},
    }
