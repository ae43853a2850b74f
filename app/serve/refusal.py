"""What is answered when no application answers: gunicorn cannot read the request, or the application failed.

The same envelope as all other refusals.  gunicorn's own messages quote what the client sent, which may be a
key, so neither the answer nor the log holds any of them.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors

from app.serve.arrival import BodyCutOff
from gateway.request import request_id_of

__all__ = ["NoRoom", "Refusal"]


class NoRoom(Exception):
    """As many large requests as there is memory for are on their way."""


_CHUNKS = (400, "The chunked body is malformed.")
_HEADER = (400, "A header is malformed, or contradicts another one.")
_REASONS: dict[type[Exception], tuple[int, str]] = {
    errors.InvalidRequestLine: (400, "The request line is malformed."),
    errors.InvalidRequestMethod: (400, "The method is malformed."),
    errors.InvalidHTTPVersion: (400, "The HTTP version is neither 1.0 nor 1.1."),
    errors.InvalidHeader: _HEADER,
    errors.InvalidHeaderName: _HEADER,
    errors.ObsoleteFolding: _HEADER,
    errors.UnsupportedTransferCoding: (400, "The transfer coding is not supported."),
    errors.InvalidChunkSize: _CHUNKS,
    errors.InvalidChunkExtension: _CHUNKS,
    errors.ChunkMissingTerminator: _CHUNKS,
    BodyCutOff: (400, "The request ended before its body was whole."),
    NoRoom: (413, "Too many large requests are on their way: try again later."),
    errors.LimitRequestLine: (414, "The request line is too long."),
    errors.ExpectationFailed: (417, "Expect may ask for 100-continue only."),
    errors.LimitRequestHeaders: (431, "The headers are too large."),
}
"""By the very type: gunicorn derives errors of the application from those of the client."""


class Refusal:
    """The answer to one exception; `request` is gunicorn's, if it came that far."""

    def __init__(self, error: Exception, request: Any) -> None:
        self.status, self._reason = _REASONS.get(type(error), (500, ""))
        own_id = dict(request.headers).get("X-REQUEST-ID", "") if request else ""
        self.request_id = request_id_of({"HTTP_X_REQUEST_ID": own_id})
        self._wants_body = not request or request.method != "HEAD"

    def answer(self) -> bytes:
        """Return status line, headers and body."""
        body = json.dumps({"success": False, "error": self._error()}).encode()
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            "Connection: close",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Cache-Control: no-store",
            f"X-Request-Id: {self.request_id}",
        ]
        if self.status == 413:
            lines.append("Retry-After: 1")
        return "\r\n".join([*lines, "", ""]).encode() + (body if self._wants_body else b"")

    def _error(self) -> dict[str, object]:
        if self.status == 500:
            return self._of("INTERNAL_ERROR", "Something went wrong on our side.")
        if self.status == 413:
            return {**self._of("PAYLOAD_TOO_LARGE", self._reason), "retryAfter": 1}
        details = {"_request": [self._reason]}
        return {**self._of("VALIDATION_ERROR", "The request is not valid."), "details": details}

    def _of(self, code: str, message: str) -> dict[str, object]:
        return {"code": code, "message": message, "requestId": self.request_id}
