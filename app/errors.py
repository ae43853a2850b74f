"""Refusals: one table of codes, one exception, one envelope.

Every answer that refuses has the same JSON body, whoever refuses::

    {"success": false, "error": {"code", "message", "requestId", "hint"?, "retryAfter"?, "details"?}}

`ERRORS` names every code that the service can answer with, the gateway's included, with its HTTP status and
the message that is used when the place that refuses has nothing better to say. Raise `ApiError(code)`
anywhere in the application; `register` teaches a Flask application to turn it, and everything else that can
go wrong, into the envelope. The command line prints the message of the same exception.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, request
from peewee import InterfaceError, OperationalError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from gateway.denial import DENIALS, Denial

log = logging.getLogger(__name__)

DATABASE_RETRY_AFTER = 1
"""Seconds after which a caller may try again when the database was busy or away."""


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """What is fixed about one code: its HTTP status and its message in the absence of a better one."""

    status: int
    message: str


ERRORS: Mapping[str, ErrorKind] = {
    **{code: ErrorKind(status, message) for code, (status, message) in DENIALS.items()},
    # what the key may do
    "MANAGEMENT_KEY_NO_ENTITY_ACCESS": ErrorKind(403, "Management keys cannot call this endpoint."),
    "MANAGEMENT_KEY_REQUIRED": ErrorKind(403, "This endpoint needs a management key."),
    "KEY_TYPE_NOT_ALLOWED": ErrorKind(403, "Keys of this type cannot call this endpoint."),
    "ACCOUNT_RESTRICTED": ErrorKind(403, "The account is restricted: it may read but not change anything."),
    "MANAGEMENT_SCOPE_REQUIRED": ErrorKind(403, "The management key lacks the scope for this endpoint."),
    "SCOPE_DENIED": ErrorKind(403, "The key lacks the scope for this endpoint."),
    "INTEGRATION_REQUIRED": ErrorKind(403, "The key lacks the integration for this endpoint."),
    "OAUTH_REQUIRED": ErrorKind(401, "This endpoint takes an OAuth 2.1 access token, no API key."),
    # the request itself
    "VALIDATION_ERROR": ErrorKind(400, "The request is not valid."),
    "NOT_FOUND": ErrorKind(404, "There is no such endpoint."),
    "ENTITY_NOT_FOUND": ErrorKind(404, "There is no such object."),
    "METHOD_NOT_ALLOWED": ErrorKind(405, "The endpoint does not serve this method."),
    "PAYLOAD_TOO_LARGE": ErrorKind(413, "The request body is too large."),
    "UNSUPPORTED_MEDIA_TYPE": ErrorKind(
        415, "The request body must be JSON (Content-Type: application/json)."
    ),
    # keys and portals
    "MISSING_PORTAL_ID": ErrorKind(400, "portalId is required."),
    "PORTAL_NOT_LINKED": ErrorKind(400, "The portal is not linked to Bitrix24 or not active."),
    "KEY_ALREADY_ROTATED": ErrorKind(409, "The key has already been rotated."),
    "PREDECESSOR_IN_GRACE": ErrorKind(409, "The key that this one replaced is still in its grace period."),
    "KEY_NOT_ACTIVE": ErrorKind(409, "The key is revoked or expired."),
    "KEY_HAS_ACTIVE_SERVERS": ErrorKind(409, "The key has active servers: delete them first."),
    "IDEMPOTENCY_IN_PROGRESS": ErrorKind(
        409, "The first request with this Idempotency-Key is still running."
    ),
    "IDEMPOTENCY_KEY_REUSED": ErrorKind(422, "This Idempotency-Key was used for a different request."),
    # the portal's Bitrix24
    "BITRIX_UNAVAILABLE": ErrorKind(502, "The portal's Bitrix24 webhook did not answer."),
    "BITRIX_ACCESS_DENIED": ErrorKind(403, "Bitrix24 denied the call."),
    "BITRIX_ERROR": ErrorKind(422, "Bitrix24 refused the call."),
    "BATCH_LIMIT_EXCEEDED": ErrorKind(400, "A batch holds 1 to 50 calls."),
    # feedback tickets and servers
    "TICKET_ARCHIVED": ErrorKind(409, "The ticket is archived: its author cannot comment on it any more."),
    "TICKET_FULL": ErrorKind(409, "The ticket has no room for this comment."),
    "WRONG_KEY": ErrorKind(403, "The server belongs to another key."),
    # prompts, artifacts, memories
    "SLUG_TAKEN": ErrorKind(409, "Another artifact of the project has this slug."),
    "PRECONDITION_FAILED": ErrorKind(412, "The object is not any more what If-Match says."),
    # our own trouble
    "INTERNAL_ERROR": ErrorKind(500, "Something went wrong on our side."),
    "DATABASE_UNAVAILABLE": ErrorKind(503, "The database is not available right now."),
}

HTTP_STATUS_CODES = {
    400: "VALIDATION_ERROR",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
}
"""The code for an error that Flask or werkzeug raised; every status that is not here is a fault of ours."""


class ApiError(Exception):
    """A refusal with a code of `ERRORS`.

    `details` is the machine-readable part (for `VALIDATION_ERROR`: `{"field": ["why", …]}`), `hint` tells
    a person what to do, `retry_after` is in whole seconds and is sent as the `Retry-After` header too.
    """

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        details: Mapping[str, Any] | None = None,
        hint: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        kind = ERRORS[code]
        self.code = code
        self.status = kind.status
        self.message = message or kind.message
        self.details = details
        self.hint = hint
        self.retry_after = retry_after
        super().__init__(self.message)


def invalid(**fields: str) -> ApiError:
    """The `VALIDATION_ERROR` that names each bad field with one reason: `invalid(name="Too long.")`."""
    return ApiError("VALIDATION_ERROR", details={field: [reason] for field, reason in fields.items()})


def of_denial(denial: Denial) -> ApiError:
    """Return a refusal of the gateway's as the exception that answers alike."""
    return ApiError(
        denial.code, hint=denial.hint, retry_after=denial.retry_after, details=denial.details or None
    )


def integration_required(
    required: Iterable[str], held: Iterable[str], message: str | None = None
) -> ApiError:
    """The `INTEGRATION_REQUIRED` for a key that holds others than the required ones."""
    details = {"requiredIntegrations": sorted(required), "integrations": list(held)}
    return ApiError("INTEGRATION_REQUIRED", message, details=details)


def envelope_error(error: ApiError, request_id: str) -> dict[str, Any]:
    """The JSON body of a refusal."""
    return {"success": False, "error": {**told(error), "requestId": request_id}}


def told(error: ApiError) -> dict[str, Any]:
    """What a refusal says; members that say nothing are left out."""
    optional = {"hint": error.hint, "retryAfter": error.retry_after, "details": error.details}
    said = {name: value for name, value in optional.items() if value is not None}
    return {"code": error.code, "message": error.message, **said}


def error_response(error: ApiError) -> Response:
    """`error` as the answer to the current request."""
    request.environ["vibekeys.code"] = error.code  # for the record of usage
    body = json.dumps(envelope_error(error, request.environ["vibekeys.request_id"]), ensure_ascii=False)
    response = Response(body + "\n", error.status, content_type="application/json")
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.code in DENIALS:
        response.headers.extend(Denial(error.code).headers())
    return response


def register(app: Flask) -> None:
    """Make every refusal, expected or not, of `app` the envelope."""
    app.register_error_handler(ApiError, error_response)
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(OperationalError, _from_database)
    app.register_error_handler(InterfaceError, _from_database)
    app.register_error_handler(Exception, _from_bug)


def _from_http(error: HTTPException) -> Response:
    code = HTTP_STATUS_CODES.get(error.code or 500)
    if code is None:
        return _from_bug(error)
    response = error_response(ApiError(code))
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def _from_database(error: Exception) -> Response:
    log.error("database unavailable: %s", error)
    return error_response(ApiError("DATABASE_UNAVAILABLE", retry_after=DATABASE_RETRY_AFTER))


def _from_bug(error: Exception) -> Response:
    log_bug(error)
    return error_response(ApiError("INTERNAL_ERROR"))


def log_bug(error: Exception) -> None:
    """Log a fault of the program in the current request."""
    # A traceback names code, never the values of variables, so no raw key is in it; the message of an
    # exception may quote its input, which for this API can be a secret, so only its type is logged.
    request_id = request.environ["vibekeys.request_id"]
    log.error("unexpected %s, request %s", type(error).__name__, request_id, exc_info=_without_message(error))


def _without_message(error: BaseException) -> tuple[type[BaseException], BaseException, Any]:
    return RuntimeError, RuntimeError(type(error).__name__), error.__traceback__
