"""Pages that say why there is no other: nothing of the kind here, not allowed, not now, a fault of ours."""

from __future__ import annotations

from http import HTTPStatus

import structlog
from flask import Response, request
from peewee import InterfaceError, OperationalError
from werkzeug.exceptions import HTTPException, NotFound

from app.dashboard import sign_in, visitor
from app.dashboard.page import blueprint, here, is_htmx, render, to, url
from app.errors import DATABASE_RETRY_AFTER, ApiError, log_bug
from app.ledger import SignedOut

_TITLES = {
    403: "Not taken",
    404: "Nothing here",
    413: "Too large",
    503: "Not now",
}
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_NOT_FOUND = "There is no such page, or nothing that you may see."
_NOT_NOW = "The database is not available right now. Try again in a moment."
_BUG = "Something went wrong on our side. It was noted under the number below."

log = structlog.get_logger(__name__)


@blueprint.route("/dashboard", methods=_METHODS[1:], strict_slashes=False)
@blueprint.route("/dashboard/<path:unknown>", methods=_METHODS)
def unknown_page(unknown: str = "") -> Response:
    """Any path that is no page's, and a page asked for in another way than it takes."""
    raise NotFound


@blueprint.errorhandler(SignedOut)
def not_signed_in(_: SignedOut) -> Response:
    """Ask who follows a link to sign in, and tell who was signed in until now."""
    if is_htmx():
        target = url("/dashboard/sign-in", next=here())
        return Response(status=401, headers={"HX-Redirect": target})
    if request.method in ("GET", "HEAD"):
        return to("/dashboard/sign-in", next=here())
    return sign_in.show(here(), "You are not signed in any more. Nothing was changed.", status=401)


@blueprint.errorhandler(ApiError)
def refused(error: ApiError) -> Response:
    """Say what the service has against it."""
    if error.code == "ENTITY_NOT_FOUND":
        return _page(404, _NOT_FOUND)
    if error.code == "DATABASE_UNAVAILABLE":
        return _page(503, _NOT_NOW, retry_after=error.retry_after)
    return _page(
        error.status, " ".join(filter(None, (error.message, error.hint))), retry_after=error.retry_after
    )


@blueprint.errorhandler(HTTPException)
def refused_by_flask(error: HTTPException) -> Response:
    """Say what Flask, or the protection, has against it."""
    status = error.code or 500
    return _page(status, _NOT_FOUND if status == 404 else error.description or "")


@blueprint.errorhandler(OperationalError)
@blueprint.errorhandler(InterfaceError)
def without_database(error: Exception) -> Response:
    """A database that is locked for long, or gone."""
    log.error("database.unavailable", reason=str(error))
    return _page(503, _NOT_NOW, retry_after=DATABASE_RETRY_AFTER)


@blueprint.errorhandler(Exception)
def bug(error: Exception) -> Response:
    """A fault of the program."""
    log_bug(error)
    return _page(500, _BUG)


def _page(status: int, text: str, *, retry_after: int | None = None) -> Response:
    if status >= 500:
        visitor.forget()
    title = _TITLES.get(status, HTTPStatus(status).phrase)
    request_id = request.environ["vibekeys.request_id"] if status == 500 else None
    page = render("error.html", title=title, section="", status=status, text=text, request_id=request_id)
    if retry_after is not None:
        page.headers["Retry-After"] = str(retry_after)
    return page
