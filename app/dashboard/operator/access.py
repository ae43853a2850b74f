"""How the owner of an account gets in: a new password, and the browsers that are signed in."""

from __future__ import annotations

from flask import Response

from app.dashboard.forms import Form
from app.dashboard.operator.accounts import PATH, account_of_path, show_account
from app.dashboard.page import notice, post, to
from app.dashboard.visitor import visitor
from app.errors import ApiError
from app.services import services


@post("/dashboard/operator/accounts/<id>/password", operator=True)
def set_password(id: str) -> Response:
    """Set a new password, which ends the account's sessions."""
    form, account = Form.from_request(), account_of_path(id)
    actor = visitor().actor(as_operator=True)
    try:
        services().accounts.update(actor, account.id, password=form.value("password"))
    except ApiError as error:
        return show_account(account, error.status, password_form=form.refused(error))
    notice("The password was set, and the sessions of the account were ended.")
    return to(f"{PATH}/{account.id}")


@post("/dashboard/operator/accounts/<id>/sessions/end", operator=True)
def end_sessions(id: str) -> Response:
    """Sign out all browsers of an account."""
    account = account_of_path(id)
    number = services().sessions.end_all(visitor().actor(as_operator=True), account.id)
    notice("1 session was ended." if number == 1 else f"{number} sessions were ended.")
    return to(f"{PATH}/{account.id}")
