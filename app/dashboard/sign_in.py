"""Signing in and out."""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil

from flask import Response, request

from app.dashboard import cookie, visitor
from app.dashboard.forms import Form
from app.dashboard.page import blueprint, get, own_path, post, render, to, url
from app.errors import ApiError
from app.services import services
from app.sign_in import TooBusy, TooManyFailures, WrongPassword

BUSY_SECONDS = 5
_WRONG = "There is no account with this e-mail and this password."
BUSY = "Many people sign in at this moment. Try again in a few seconds."


@blueprint.get("/")
def root() -> Response:
    """The address without a path leads to the dashboard."""
    return Response(status=303, headers={"Location": url("/dashboard")})


@get("/dashboard/sign-in", public=True)
def form() -> Response:
    """The form, for who is not signed in."""
    wanted = own_path(request.args.get("next", ""))
    return show(wanted) if visitor.find() is None else to(wanted)


@post("/dashboard/sign-in", public=True)
def sign_in() -> Response:
    """Let in who knows the password."""
    given = request.form
    wanted, address = own_path(given.get("next", "")), visitor.address()
    try:
        token = services().sign_in.by_password(
            given.get("email", ""), given.get("password", ""), address, request.user_agent.string
        )
    except WrongPassword:
        return show(wanted, _WRONG, status=400)
    except TooManyFailures as refused:
        return _show_later(wanted, refused.until)
    except TooBusy:
        page = show(wanted, BUSY, status=503)
        page.headers["Retry-After"] = str(BUSY_SECONDS)
        return page
    return let_in(token, wanted)


@post("/dashboard/sign-out", public=True)
def sign_out() -> Response:
    """End the session, in the database too."""
    _end_session(visitor.find())
    cookie.sign_out()
    return to("/dashboard/sign-in")


def let_in(token: str, wanted: str) -> Response:
    """Give the browser a session in place of the one that it had, and send it to `wanted`."""
    _end_session(visitor.find())
    cookie.sign_in(token)
    return to(wanted)


def show(wanted: str, refusal: str | None = None, *, status: int = 200) -> Response:
    """Return the page with the form; from it the visitor goes to `wanted`."""
    form = Form({"email": request.form.get("email", ""), "next": wanted}, general=refusal)
    provider = services().oidc
    host = None if provider is None else provider.host
    return render("sign_in.html", title="Sign in", section="", status=status, form=form, provider=host)


def _end_session(of: visitor.Visitor | None) -> None:
    if of is None:
        return
    try:
        services().sessions.end(of.account_id, of.session.id, of.address)
    except ApiError as error:
        if error.code != "ENTITY_NOT_FOUND":  # ended from elsewhere at this moment
            raise


def too_often(until: int) -> tuple[str, int]:
    """Return what is said after too many failures, and in how many seconds to try again."""
    seconds = max(1, ceil(until / 1000 - services().clock()))
    when = datetime.fromtimestamp(until / 1000, UTC).strftime("%H:%M")
    text = f"It failed too often from your network. Try again in {ceil(seconds / 60)} minutes, at {when} UTC."
    return text, seconds


def _show_later(wanted: str, until: int) -> Response:
    text, seconds = too_often(until)
    page = show(wanted, text, status=429)
    page.headers["Retry-After"] = str(seconds)
    return page
