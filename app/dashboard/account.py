"""The account: what it is allowed, and what it sets for itself.

Where alerts are sent is a secret of the receiver's: the page shows the host alone, and takes a new address
without showing the old one. The secret by which calls are signed is shown in the one answer that set it.
"""

from __future__ import annotations

from typing import Any

from flask import Response

from app.accounts import SHORTEST_PASSWORD
from app.dashboard.forms import Form
from app.dashboard.page import get, notice, post, render, to
from app.dashboard.visitor import visitor
from app.errors import ApiError
from app.models import Preferences
from app.preferences import DAYS, of_account, zones
from app.quota import quota_of_account
from app.schemas.own_account import ChangeOwnAccount
from app.services import services

_NO_FORM = Form()
_SUGGESTED_HOURS = {"days": [], "from": "09:00", "to": "18:00"}


@get("/dashboard/account")
def account() -> Response:
    """All of it."""
    return show()


@post("/dashboard/account/preferences")
def set_preferences() -> Response:
    """Set time zone and business hours."""
    form = Form.from_request()
    try:
        _change({"timezone": form.value("timezone").strip(), "businessHours": _business_hours(form)})
    except ApiError as error:
        return show(error.status, preferences_form=form.refused(error))
    notice("Time zone and business hours were saved.")
    return to("/dashboard/account")


@post("/dashboard/account/webhook")
def set_webhook() -> Response:
    """Set where alerts are posted, and show the secret."""
    form = Form.from_request()
    try:
        secret = _change({"alertWebhookUrl": form.value("alertWebhookUrl").strip()})
    except ApiError as error:
        return show(error.status, webhook_form=form.refused(error))
    return show(secret=secret)


@post("/dashboard/account/webhook/remove")
def remove_webhook() -> Response:
    """Post alerts nowhere."""
    _change({"alertWebhookUrl": None})
    notice("Alerts are posted nowhere any more.")
    return to("/dashboard/account")


def show(
    status: int = 200,
    *,
    preferences_form: Form | None = None,
    webhook_form: Form = _NO_FORM,
    password_form: Form = _NO_FORM,
    secret: str | None = None,
) -> Response:
    """Return the page, with forms as they were refused, or with the new `secret` of the webhook."""
    person = visitor()
    preferences = of_account(person.account_id)
    return render(
        "account/account.html",
        title="Account",
        section="account",
        status=status,
        quota=quota_of_account(services(), person.account),
        preferences_form=preferences_form or _form_of(preferences),
        webhook_form=webhook_form,
        password_form=password_form,
        webhook=services().preferences.shown_webhook(preferences),
        secret=secret,
        days=DAYS,
        shortest_password=SHORTEST_PASSWORD,
        zones=zones(),
        sessions=services().sessions.of(person.account_id),
    )


def _change(body: dict[str, Any]) -> str | None:
    """Change what is given; return the secret of a new webhook."""
    fields = ChangeOwnAccount(partial=True).load(body)
    _, webhook = services().preferences.change(visitor().actor(), visitor().account_id, **fields)
    return None if webhook is None else webhook.secret


def _business_hours(form: Form) -> dict[str, Any] | None:
    days = form.all("days")
    if not days:
        return None
    return {"days": days, "from": form.value("opens").strip(), "to": form.value("closes").strip()}


def _form_of(preferences: Preferences) -> Form:
    hours = preferences.business_hours or _SUGGESTED_HOURS
    return Form(
        {
            "timezone": preferences.timezone,
            "days": hours["days"],
            "opens": hours["from"],
            "closes": hours["to"],
        }
    )
