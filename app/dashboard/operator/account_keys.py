"""The keys of an account: what they are, revoking all of them, and who works at the feedback desk."""

from __future__ import annotations

from flask import Response

from app.dashboard.forms import Form
from app.dashboard.key_table import show, table_of_keys
from app.dashboard.operator.accounts import PATH, SECTION, account_of_path
from app.dashboard.page import get, notice, post, render, to
from app.dashboard.visitor import visitor
from app.errors import ApiError
from app.models import Account, Key
from app.schemas.fields import uuid_in
from app.scopes import INTEGRATIONS, MANAGEMENT_SCOPES, PORTAL_SCOPES
from app.services import services
from gateway.keys import KEY_TYPES

FEEDBACK_SCOPE = "vibe:mgmt:feedback"
_OPENS = (*INTEGRATIONS, *MANAGEMENT_SCOPES, *PORTAL_SCOPES)


@get("/dashboard/operator/accounts/<id>/keys", operator=True)
def listed(id: str) -> Response:
    """The keys that the account owns."""
    account = account_of_path(id)
    return show(
        table_of_keys(Key.select().where(Key.owner == account), _OPENS, KEY_TYPES),
        "operator/keys.html",
        "operator/_keys.html",
        title=f"Keys of {account.email}",
        section=SECTION,
        account=account,
        opens=_OPENS,
        types=[(name, name.capitalize()) for name in KEY_TYPES],
        feedback_scope=FEEDBACK_SCOPE,
    )


@post("/dashboard/operator/accounts/<id>/keys/<key_id>/feedback", operator=True)
def set_feedback_scope(id: str, key_id: str) -> Response:
    """Grant the scope of the feedback desk to a management key, or withdraw it."""
    account, granted = account_of_path(id), bool(Form.from_request().value("grant"))
    of_account = Key.select().where(Key.owner == account, Key.type == "management")
    key = of_account.where(Key.id == uuid_in(key_id)).first()
    if key is None:
        raise ApiError("ENTITY_NOT_FOUND")
    scopes = [scope for scope in key.scopes if scope != FEEDBACK_SCOPE]
    if granted:
        scopes.append(FEEDBACK_SCOPE)
    # Only as it was read: its owner may just be changing the same scopes.
    as_read = of_account.where(Key.revision == key.revision)
    services().keyring.change(visitor().actor(as_operator=True), as_read, key.id, {"scopes": scopes})
    notice(f"The key “{key.name}” {'now opens' if granted else 'no longer opens'} the feedback desk.")
    return to(f"{PATH}/{account.id}/keys")


@get("/dashboard/operator/accounts/<id>/revoke-keys", operator=True)
def revoke_form(id: str) -> Response:
    """Ask whether it is meant."""
    return _show_revoke(account_of_path(id), Form())


@post("/dashboard/operator/accounts/<id>/revoke-keys", operator=True)
def revoke_all(id: str) -> Response:
    """Revoke every key of the account, once its e-mail was typed."""
    form, account = Form.from_request(), account_of_path(id)
    if form.value("confirm").strip().lower() != account.email:
        return _show_revoke(account, Form(form.values, {"confirm": ["This is not its e-mail."]}), 400)
    try:
        number = services().keyring.revoke_all(visitor().actor(as_operator=True), account)
    except ApiError as error:
        return _show_revoke(account, form.refused(error), error.status)
    notice("1 key was revoked." if number == 1 else f"{number:,} keys were revoked.")
    return to(f"{PATH}/{account.id}/keys")


def _show_revoke(account: Account, form: Form, status: int = 200) -> Response:
    return render(
        "operator/revoke_keys.html",
        title="Revoke all keys",
        section=SECTION,
        status=status,
        account=account,
        form=form,
        number=Key.select().where(Key.owner == account, ~Key.revoked).count(),
    )
