"""Revoking and deleting a key, once its name was typed. Whatever uses the key is refused from then on."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response

from app import servers
from app.dashboard.forms import Form
from app.dashboard.key_facts import home_of, key_of_path, shown
from app.dashboard.page import get, notice, post, render, to
from app.dashboard.visitor import visitor
from app.errors import ApiError
from app.models import Key
from app.services import services
from app.visible_keys import every_key_of


@dataclass(frozen=True, slots=True)
class Ending:
    """One of the two, in words."""

    verb: str
    done: str
    meaning: str


_REVOKE = Ending("Revoke", "revoked", "You can activate it again later.")
_DELETE = Ending("Delete", "deleted", "It can never work again. What was counted of it stays.")


@get("/dashboard/keys/<id>/revoke")
def revoke_form(id: str) -> Response:
    """Ask whether it is meant."""
    return _show(_REVOKE, key_of_path(id), Form())


@post("/dashboard/keys/<id>/revoke")
def revoke(id: str) -> Response:
    """Revoke a key."""
    key = key_of_path(id)
    refusal = _end(_REVOKE, key)
    return refusal or to(f"/dashboard/keys/{key.id}")


@get("/dashboard/keys/<id>/delete")
def delete_form(id: str) -> Response:
    """Ask whether it is meant, or say why it can't be done."""
    return _show(_DELETE, key_of_path(id), Form())


@post("/dashboard/keys/<id>/delete")
def delete(id: str) -> Response:
    """Delete a key."""
    key = key_of_path(id)
    refusal = _end(_DELETE, key)
    return refusal or to(home_of(key)[1])


def _end(ending: Ending, key: Key) -> Response | None:
    """End the key if its name was typed, and return the page that says why it was not."""
    form = Form.from_request()
    if _folded(form.value("confirm")) != _folded(key.name):
        return _show(ending, key, Form(form.values, {"confirm": ["This is not the key's name."]}), 400)
    keyring, actor, visible = services().keyring, visitor().actor(), every_key_of(visitor().account_id)
    try:
        if ending is _REVOKE:
            keyring.change(actor, visible, key.id, {"status": "REVOKED"})
        else:
            keyring.delete(actor, visible, key.id)
    except ApiError as error:
        return _show(ending, key, form.refused(error), error.status)
    notice(f"The key “{key.name}” was {ending.done}.")
    return None


def _folded(name: str) -> str:
    # Browsers show any white space as one blank, and so it is typed.
    return " ".join(name.split())


def _obstacle(ending: Ending, key: Key) -> ApiError | None:
    if ending is _DELETE:
        try:
            servers.check_deletable(key)
        except ApiError as error:
            return error
    return None


def _show(ending: Ending, key: Key, form: Form, status: int = 200) -> Response:
    section, _ = home_of(key)
    return render(
        "keys/end.html",
        title=f"{ending.verb} “{key.name}”",
        section=section,
        status=status,
        row=shown([key])[0],
        ending=ending,
        obstacle=_obstacle(ending, key),
        form=form,
    )
