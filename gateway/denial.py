"""Every way in which the gateway says no: one table of codes, and the answer made from it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

# code: (status, message)
DENIALS: dict[str, tuple[int, str]] = {
    "KEY_IN_URL": (400, "An API key does not belong in a URL, where logs and histories keep it."),
    "AMBIGUOUS_CREDENTIALS": (400, "The request carries more than one API key."),
    "MISSING_API_KEY": (401, "An API key is required."),
    "INVALID_API_KEY": (401, "The API key is not valid."),
    "KEY_REVOKED": (401, "The API key has been revoked."),
    "KEY_EXPIRED": (401, "The API key has expired."),
    "KEY_ROTATED": (401, "The API key was rotated and its grace period is over."),
    "ACCOUNT_SUSPENDED": (403, "The account of this API key is suspended."),
    "PORTAL_INACTIVE": (403, "The portal of this API key is not active."),
    "NOT_PORTAL_MEMBER": (403, "The owner of this API key is not a member of its portal."),
    "IP_NOT_ALLOWED": (403, "The API key may not be used from this address."),
    "RATE_LIMITED": (429, "Too many requests."),
    "AUTH_ATTEMPTS_LIMITED": (429, "Too many requests with a wrong API key came from this address."),
    "GATEWAY_UNAVAILABLE": (503, "The request could not be judged right now."),
}
WRONG_KEY = frozenset({"INVALID_API_KEY", "AUTH_ATTEMPTS_LIMITED"})
"""The codes of requests with a key that is nobody's: those are counted by their address."""

_STATUS_LINES = {
    400: "400 Bad Request",
    401: "401 Unauthorized",
    403: "403 Forbidden",
    429: "429 Too Many Requests",
    503: "503 Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Denial:
    """One no: its code, and what helps the client to do better.

    `retry_after` is in whole seconds; `details` say in fields what `hint` says in words.
    """

    code: str
    hint: str | None = None
    retry_after: int | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The HTTP status code."""
        return DENIALS[self.code][0]

    @property
    def status_line(self) -> str:
        """The status as WSGI wants it."""
        return _STATUS_LINES[self.status]

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers that belong to the code itself (RFC 9110, RFC 6750)."""
        headers = []
        if self.status == 401:
            error = "" if self.code == "MISSING_API_KEY" else ', error="invalid_token"'
            headers.append(("WWW-Authenticate", f'Bearer realm="vibekeys"{error}'))
        if self.retry_after is not None:
            headers.append(("Retry-After", str(self.retry_after)))
        return headers

    def body(self, request_id: str) -> bytes:
        """Return the refusal as JSON."""
        error: dict[str, Any] = {
            "code": self.code,
            "message": DENIALS[self.code][1],
            "requestId": request_id,
        }
        if self.hint is not None:
            error["hint"] = self.hint
        if self.retry_after is not None:
            error["retryAfter"] = self.retry_after
        if self.details:
            error["details"] = self.details
        return json.dumps({"success": False, "error": error}).encode()


UNAVAILABLE = Denial("GATEWAY_UNAVAILABLE", retry_after=1)
"""Nobody can tell, or nobody is admitted, for now."""
