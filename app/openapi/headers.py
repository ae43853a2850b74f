"""The headers of answers: what each says, and which status has which.

Most are there in some cases only, which their descriptions tell; those that are `required` always are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.registry import Route
from app.registry.route import RAW_KEY_ERRORS

_ALWAYS = ("X-Request-Id",)
_OF_LIMITS = (
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "RateLimit-Policy",
    "RateLimit",
    "X-RateLimit-Mode",
)
_OF_GRACE = ("Deprecation", "Sunset", "X-Key-Grace-Ends-At")
_OF_STATUS: Mapping[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    409: ("Retry-After",),
    413: ("Retry-After",),
    429: ("Retry-After",),
    502: ("Retry-After",),
    503: ("Retry-After",),
}
_BEFORE_THE_KEY_IS_KNOWN = frozenset({401, 414, 417, 431})
_NOT_STORED = frozenset({400, 401, 403, 413, 414, 417, 429, 431, 500, 503})
"""Statuses that the gateway, or the server in front of it, can answer with."""


def response_headers(status: int, route: Route | None = None) -> dict[str, Any]:
    """Return the headers of the answers with `status`, as references; no route means a path without a key."""
    names = [*_ALWAYS, *_OF_STATUS.get(status, ())]
    if route is not None and status not in _BEFORE_THE_KEY_IS_KNOWN:
        names += [*_OF_LIMITS, *_OF_GRACE]
    succeeds = route if status < 300 else None
    shows_raw_key = succeeds is not None and set(RAW_KEY_ERRORS) <= set(succeeds.errors)
    if shows_raw_key:
        names.append("Idempotency-Replayed")
    if succeeds is not None and succeeds.tagged:
        names.append("ETag")
    if shows_raw_key or (succeeds is not None and succeeds.shows_secret) or status in _NOT_STORED:
        names.append("Cache-Control")
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _header(description: str, example: Any, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    typed = {"type": "integer" if isinstance(example, int) else "string", **schema}
    return {"description": description, "required": required, "schema": typed, "example": example}


COMPONENTS: Mapping[str, Mapping[str, Any]] = {
    "X-Request-Id": _header(
        "The request's id, also in the log and in `error.requestId`. Your own is kept if it is well formed.",
        "7f3c2a9e51d84b06a1c9e2f0d4b83a65",
        required=True,
        pattern="^[A-Za-z0-9._-]{1,64}$",
    ),
    "X-RateLimit-Limit": _header(
        "The quota of the window with the fewest requests remaining. Absent where no limit was reached.",
        10000,
        minimum=1,
    ),
    "X-RateLimit-Remaining": _header("What that window has left.", 9999, minimum=0),
    "X-RateLimit-Reset": _header("When that window ends, in unix seconds.", 1795687200),
    "RateLimit-Policy": _header(
        "All limits that apply: `q` requests in `w` seconds, of `second`, `key` and `tier`.",
        '"tier";q=10000;w=3600',
    ),
    "RateLimit": _header(
        "What each of them has left: `r` requests for the next `t` seconds.", '"tier";r=9999;t=1337'
    ),
    "X-RateLimit-Mode": _header(
        "There while Redis is away. `local`: this host counts; `open`: limits are not enforced.",
        "local",
        enum=["local", "open"],
    ),
    "Deprecation": _header(
        "When this key was rotated, on answers to a key in its grace (RFC 9745).",
        "@1795683600",
        pattern="^@[0-9]+$",
    ),
    "Sunset": _header("When this key's grace ends (RFC 8594).", "Fri, 27 Nov 2026 09:00:00 GMT"),
    "X-Key-Grace-Ends-At": _header("The same as ISO-8601.", "2026-11-27T09:00:00.000Z", format="date-time"),
    "Retry-After": _header("Whole seconds to wait, the same as `error.retryAfter`.", 17, minimum=1),
    "WWW-Authenticate": _header(
        "How to authenticate (RFC 6750).", 'Bearer realm="vibekeys", error="invalid_token"', required=True
    ),
    "Allow": _header("The methods that the path serves.", "GET, HEAD, POST", required=True),
    "Idempotency-Replayed": _header(
        "There when this answer was given before, to the same `Idempotency-Key`.", "true", enum=["true"]
    ),
    "ETag": _header(
        "The state that the answer shows; `If-Match` with it keeps a change from meeting another state.",
        '"0199a3f4-2b17-7c80-a4d9-51e0c7f3b871.3"',
        required=True,
    ),
    "Cache-Control": _header(
        "`no-store` on answers with a raw key or another secret, and on refusals of the gateway.", "no-store"
    ),
}
