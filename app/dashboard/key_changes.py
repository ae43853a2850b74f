"""Changing the settings of a key, and letting a revoked one work again. Both are in force at once."""

from __future__ import annotations

from flask import Response

from app.dashboard.forms import Form
from app.dashboard.key_facts import home_of, key_of_path
from app.dashboard.key_forms import body_of, form_of, openings_of, refused, settings_of
from app.dashboard.openings import granting
from app.dashboard.page import get, notice, post, render, to
from app.dashboard.visitor import visitor
from app.errors import ApiError
from app.models import Key
from app.schemas.key import CHANGES
from app.services import services
from app.visible_keys import every_key_of

_CHANGED = (
    "The key was changed elsewhere since you opened this page, and what you typed is not saved. "
    "Save once more to replace that change, or open the page again to see it."
)
_DIGITS_OF_REVISION = 15


@get("/dashboard/keys/<id>/change")
def form(id: str) -> Response:
    """The settings of a key, to be changed."""
    key = key_of_path(id)
    return _show(key, form_of(key))


@post("/dashboard/keys/<id>/change")
def change(id: str) -> Response:
    """Change a key, if nobody else has done so since the form was made."""
    key, form = key_of_path(id), Form.from_request()
    try:
        _change(key, form)
    except ApiError as error:
        if error.code == "ENTITY_NOT_FOUND":
            return _show_changed_elsewhere(id, form)
        return _show(key, refused(form, error, key.type), error.status)
    notice(f"The key “{form.value('name')}” was changed.")
    return to(f"/dashboard/keys/{key.id}")


@post("/dashboard/keys/<id>/activate")
def activate(id: str) -> Response:
    """Let a revoked key work again."""
    key = key_of_path(id)
    visible = every_key_of(visitor().account_id)
    services().keyring.change(visitor().actor(), visible, key.id, {"status": "ACTIVE"})
    notice(f"The key “{key.name}” is active again.")
    return to(f"/dashboard/keys/{key.id}")


def _change(key: Key, form: Form) -> None:
    now = services().clock()
    body = body_of(form, key.type, int(now * 1000))
    fields = CHANGES[key.type](now=now, partial=True).load(body)
    seen = every_key_of(visitor().account_id).where(Key.revision == _revision(form))
    services().keyring.change(granting(fields[openings_of(key.type)]), seen, key.id, fields)


def _revision(form: Form) -> int:
    seen = form.value("revision")
    return int(seen) if seen.isdecimal() and len(seen) <= _DIGITS_OF_REVISION else -1


def _show_changed_elsewhere(id: str, form: Form) -> Response:
    key = key_of_path(id)  # not found any more, if that is the change
    values = {**form.values, "revision": str(key.revision)}
    return _show(key, Form(values, general=_CHANGED), 409)


def _show(key: Key, form: Form, status: int = 200) -> Response:
    section, _ = home_of(key)
    return render(
        "keys/change.html",
        title=f"Change “{key.name}”",
        section=section,
        status=status,
        key=key,
        settings=settings_of(form, key.type, key),
    )
