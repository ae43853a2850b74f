"""Who gets into the account: its password, and the browsers that are signed in."""

from __future__ import annotations

from flask import Response

from app.dashboard.account import show
from app.dashboard.forms import Form
from app.dashboard.page import notice, post, to
from app.dashboard.sign_in import BUSY, BUSY_SECONDS, too_often
from app.dashboard.visitor import visitor
from app.errors import ApiError, invalid
from app.services import services
from app.sign_in import TooBusy, TooManyFailures, WrongPassword

_PASSWORDS = Form()
"""What was typed is not shown again."""


@post("/dashboard/account/password")
def change_password() -> Response:
    """Set a new password, for who knows the present one; other sessions end."""
    form, person = Form.from_request(), visitor()
    try:
        if form.value("password") != form.value("again"):
            raise invalid(again="Not the same as the new password.")
        services().sign_in.confirm(person.account, form.value("current"), person.address)
        services().accounts.update(person.actor(), person.account_id, password=form.value("password"))
    except WrongPassword:
        return _refused(invalid(current="Not the present password."))
    except TooManyFailures as refused:
        return _refused_for_now(429, *too_often(refused.until))
    except TooBusy:
        return _refused_for_now(503, BUSY, BUSY_SECONDS)
    except ApiError as error:
        return _refused(error)
    notice("The password was changed. All other sessions were ended.")
    return to("/dashboard/account")


@post("/dashboard/account/sessions/<id>/end")
def end_session(id: str) -> Response:
    """Sign out another browser."""
    services().sessions.end(visitor().account_id, id, visitor().address)
    notice("The session was ended.")
    return to("/dashboard/account")


@post("/dashboard/account/sessions/end-others")
def end_others() -> Response:
    """Sign out all other browsers."""
    number = services().sessions.end_others(visitor().account_id, visitor().session.id, visitor().address)
    notice("1 session was ended." if number == 1 else f"{number} sessions were ended.")
    return to("/dashboard/account")


def _refused(error: ApiError) -> Response:
    return show(error.status, password_form=_PASSWORDS.refused(error))


def _refused_for_now(status: int, text: str, seconds: int) -> Response:
    page = show(status, password_form=Form(general=text))
    page.headers["Retry-After"] = str(seconds)
    return page
