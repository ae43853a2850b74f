"""`Idempotency-Key` on the calls that make a raw key: who may not have heard the answer gets it again.

Also who cannot call any more, since the call whose answer was lost has ended the calling key, or its time is
over since: the gateway asks `kept_answer` before it refuses a key for that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from app.api.answers import success_body
from app.auth import Principal, check, principal
from app.errors import ApiError
from app.idempotency import IdempotencyStore, Replay, Run, fingerprint
from app.json_body import read_optional_object
from app.keyring import Issued
from app.services import services
from gateway.authorize import Refused

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

HEADER = "Idempotency-Key"
_IN_ENVIRON = "HTTP_IDEMPOTENCY_KEY"
_VISIBLE = re.compile(r"[\x21-\x7e]{1,255}")

IDEMPOTENCY_PARAMETER = {
    "in": "header",
    "name": HEADER,
    "description": "A repeat with the same value gets the same answer again, for 24 hours.",
    "example": "8e6c1f0a-5d3b-4a52-9b7e-1f2d3c4b5a69",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}

Render = Callable[[Issued], Any]
Keep = Callable[[Issued], None]


def answer_with_raw_key(body: dict[str, Any], issue: Callable[[Keep], Issued], render: Render) -> Response:
    """Answer 201 with what `issue` makes, or with what it made for the same request before.

    `issue` is handed a function to call last inside its transaction, which makes the answer by `render` (its
    `data`) and keeps it. Raises `ApiError`: what `issue` raises, VALIDATION_ERROR for a malformed header,
    and IDEMPOTENCY_KEY_REUSED or IDEMPOTENCY_IN_PROGRESS.
    """
    store = services().idempotency
    run = _begin(store, body)
    if isinstance(run, Replay):
        return _replayed(run)
    answers: list[bytes] = []

    def keep(issued: Issued) -> None:
        answers.append(success_body(render(issued)))
        if run is not None:
            store.finish(run, 201, answers[0])

    try:
        issue(keep)
    except BaseException:
        if run is not None:
            store.abandon(run)  # a refused call may be tried again, at once
        raise
    return _raw_key_response(answers[0])


def kept_answer(app: Flask, environ: WSGIEnvironment, refused: Refused) -> Response | None:
    """Return the answer that `refused`'s key was given before its time was over, if the request of `environ`
    asks for it again, in a way that would be answered were the key still in force.

    Raises `SourceError` if the database cannot be read.
    """
    if _IN_ENVIRON not in environ or refused.snapshot is None or refused.raw_key is None:
        return None
    key, account = refused.snapshot
    caller = Principal(key, account, environ["vibekeys.client_address"], (), refused.raw_key)
    with app.request_context(environ):
        try:
            check(caller)
            kept = services().idempotency.recall(
                caller.raw_key, _idempotency_key(), lambda: _fingerprint(read_optional_object())
            )
        except (ApiError, HTTPException):  # the router has its own refusals
            return None
        return None if kept is None else _replayed(kept)


def _begin(store: IdempotencyStore, body: dict[str, Any]) -> Replay | Run | None:
    """What is known of a call with this `Idempotency-Key`; None for one without."""
    if _IN_ENVIRON not in request.environ:
        return None
    return store.begin(principal().raw_key, _idempotency_key(), _fingerprint(body))


def _idempotency_key() -> str:
    given: str = request.environ[_IN_ENVIRON]
    if not _VISIBLE.fullmatch(given):
        raise ApiError("VALIDATION_ERROR", details={HEADER: ["Must be 1 to 255 visible ASCII characters."]})
    return given


def _fingerprint(body: dict[str, Any]) -> bytes:
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return fingerprint(request.method, request.full_path, canonical.encode())


def _replayed(kept: Replay) -> Response:
    response = _raw_key_response(kept.body, kept.status)
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _raw_key_response(body: bytes, status: int = 201) -> Response:
    response = Response(body, status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
