"""What Bitrix24's refusals mean, and what our callers are told.

An answer that has `error` is a refusal, whatever its HTTP status and whatever `error` holds but null: it
may be an empty string or a number in a string, and inside a batch there is no status at all. Codes are
documented at https://apidocs.bitrix24.com/error-codes.html; descriptions come in the portal's language, so
nothing is decided by them but what has no code.

=================================================== ============================= ==============
upstream                                            our answer                    a repeat
=================================================== ============================= ==============
`QUERY_LIMIT_EXCEEDED`, 429 with any body           429 RATE_LIMITED              after a pause
`OPERATION_TIME_LIMIT`                              429 RATE_LIMITED              by the caller
`insufficient_scope`, `ACCESS_DENIED` and their like 403 BITRIX_ACCESS_DENIED      no
`NOT_FOUND`, or no code and "Not found"             404 ENTITY_NOT_FOUND          no
any other refusal                                   422 BITRIX_ERROR              no
no connection, no whole answer                      502 BITRIX_UNAVAILABLE        of a read, once
too late, 3xx, 5xx, not JSON, too large             502 BITRIX_UNAVAILABLE        no
=================================================== ============================= ==============

A webhook that was deleted answers `INVALID_CREDENTIALS`, a refusal like any other: a repeat is of no use
before the portal's administrator gives a new URL, which the message says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from app.errors import ApiError, invalid
from gateway.keys import masked

TOO_MANY_REQUESTS = 429
TIME_LIMIT_RETRY_AFTER = 60
"""Seconds: the load of a method is counted in buckets of a minute each."""

_LONGEST_DESCRIPTION = 500
_DENIED = frozenset(
    {
        "insufficient_scope",
        "access_denied",
        "user_access_error",
        "allowed_only_intranet_user",
        "1048582",  # of tasks.task.delete: no access to the task, or no such task
    }
)
_MISSING = frozenset({"not_found", "error_not_found"})
_WEBHOOK_GONE = frozenset({"invalid_credentials", "no_auth_found", "expired_token"})
_FAILED = frozenset({"internal_server_error", "error_unexpected_answer"})
_NO_CODE = frozenset({"", "0"})


class Kind(Enum):
    """What went wrong, as far as it makes a difference to anybody."""

    UNREACHED = auto()  # nothing was sent
    BROKEN = auto()  # the connection ended before the whole answer was there
    UNUSABLE = auto()  # no answer in time, or one that is none
    FAILED = auto()  # a fault of the other side's own, which it tells
    TOO_FAST = auto()
    TOO_MUCH = auto()
    DENIED = auto()
    MISSING = auto()
    WEBHOOK_GONE = auto()
    REFUSED = auto()
    UNWRITABLE = auto()  # nothing was sent: a batch cannot hold the call
    TOO_LARGE = auto()  # nothing was sent: it cannot hold so much


_OUTCOME_UNKNOWN = frozenset({Kind.BROKEN, Kind.UNUSABLE, Kind.FAILED})


class BitrixError(Exception):
    """A call that did not succeed. Its texts hold no secret of ours."""

    def __init__(
        self, kind: Kind, text: str, code: str | None = None, retry_after: int | None = None
    ) -> None:
        """`text` is why there is no answer, or Bitrix24's own description with its `code`.

        `retry_after`: the seconds for which it asks to be left alone.
        """
        super().__init__(f"{kind.name}: {text}")
        self.kind, self.text, self.code, self.retry_after = kind, text, code, retry_after

    def as_api_error(self, host: str, *, write: bool) -> ApiError:
        """Return what the caller is told. `write`: the call may have changed something."""
        said = {"code": self.code, "description": self.text}
        match self.kind:
            case Kind.TOO_FAST:
                return rate_limited(self.retry_after or 1)
            case Kind.TOO_MUCH:
                wait = self.retry_after or TIME_LIMIT_RETRY_AFTER
                return rate_limited(wait, self._told("takes no more of these calls now"))
            case Kind.DENIED:
                return ApiError("BITRIX_ACCESS_DENIED", self._told("denied the call"), details=said)
            case Kind.MISSING:
                return ApiError("ENTITY_NOT_FOUND")
            case Kind.REFUSED:
                return ApiError("BITRIX_ERROR", self._told("refused the call"), details=said)
            case Kind.WEBHOOK_GONE:
                message = "Bitrix24 does not know the portal's webhook: its URL has to be given again."
                return ApiError("BITRIX_ERROR", message, details=said)
            case Kind.UNWRITABLE:
                return invalid(params=f"{self.text} Send the call alone.")
            case Kind.TOO_LARGE:
                return invalid(calls=self.text)
        unknown = write and self.kind in _OUTCOME_UNKNOWN
        message = f"The webhook of {host} cannot be used: {self.text or self.code or 'it failed'}."
        return ApiError("BITRIX_UNAVAILABLE", message, details={"outcome": "unknown"} if unknown else None)

    def _told(self, deed: str) -> str:
        return f"Bitrix24 {deed}: {self.text or self.code or 'it does not say why'}"


def rate_limited(retry_after: int, message: str | None = None, *, scope: str = "portal") -> ApiError:
    """Return the 429 for calls that there is no room for at this moment; `retry_after` in seconds.

    `scope` says for whose: those of the portal, or of all `portals`.
    """
    return ApiError(
        "RATE_LIMITED",
        message or "The portal takes no more calls at this moment.",
        details={"scope": scope},
        retry_after=retry_after,
    )


def refusal(
    answer: Mapping[str, Any], status: int, secret: str, retry_after: int | None = None
) -> BitrixError:
    """Return the meaning of an answer that has `error`, or of an entry of a batch's errors.

    `status` is the HTTP status, 400 inside a batch. `secret` is taken out of code and description.
    """
    code = _text(answer.get("error"))
    description = _readable(_text(answer.get("error_description")), secret)
    kind = _kind(code.lower(), description, status)
    return BitrixError(kind, description, _readable(code, secret), retry_after)


def _kind(code: str, description: str, status: int) -> Kind:
    if code == "operation_time_limit":
        return Kind.TOO_MUCH
    if code == "query_limit_exceeded" or status == TOO_MANY_REQUESTS:
        return Kind.TOO_FAST
    if code in _DENIED or (code == "invalid_credentials" and status == 403):
        return Kind.DENIED
    if code in _MISSING or (code in _NO_CODE and description.lower().rstrip(".") == "not found"):
        return Kind.MISSING
    if status >= 500 or code in _FAILED:
        return Kind.FAILED
    return Kind.WEBHOOK_GONE if code in _WEBHOOK_GONE else Kind.REFUSED


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _readable(text: str, secret: str) -> str:
    """Return the text in one bounded line, without the webhook's secret and without raw keys."""
    # Before anything is cut off: of a secret on the edge the beginning would be left.
    without = re.sub(re.escape(secret), "***", text, flags=re.IGNORECASE)
    line = " ".join(masked(without).split())
    return line if len(line) <= _LONGEST_DESCRIPTION else f"{line[:_LONGEST_DESCRIPTION]}…"
