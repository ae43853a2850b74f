"""Rotating a key: a new one with the same settings, and a grace in which the old one works too."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.dashboard.forms import Form
from app.dashboard.issued import show_issued
from app.dashboard.key_facts import home_of, key_of_path, shown
from app.dashboard.key_forms import KEEP, expiry_in, refused
from app.dashboard.page import get, notice, post, render, to
from app.dashboard.visitor import visitor
from app.errors import ApiError
from app.keyring import Issued
from app.models import Key
from app.schemas.key import RotateKey
from app.services import services
from app.visible_keys import every_key_of

_SHORTER_GRACES = (12.0, 4.0, 1.0)
_AT_ONCE = "0"


@get("/dashboard/keys/<id>/rotate")
def form(id: str) -> Response:
    """Ask how long the old key shall work on."""
    return _show(key_of_path(id), Form({"expiresAt": KEEP}))


@post("/dashboard/keys/<id>/rotate")
def rotate(id: str) -> Response:
    """Make the key's successor, and show its raw key."""
    key, form = key_of_path(id), Form.from_request()
    try:
        issued = _rotate(key, form)
    except ApiError as error:
        return _show(key, refused(form, error, key.type), error.status)
    return show_issued(issued)


@post("/dashboard/keys/<id>/end-grace")
def end_grace(id: str) -> Response:
    """Have a rotated key work no more from now on."""
    key, visible = key_of_path(id), every_key_of(visitor().account_id)
    if key.successor_id is None:
        raise ApiError("KEY_NOT_ACTIVE", "The key was not rotated, so it has no grace that could end.")
    services().keyring.change(visitor().actor(), visible, key.id, {"status": "REVOKED"})
    notice(f"The grace is over: the old key {key.key_prefix}…{key.key_suffix} works no more.")
    successor = visible.where(Key.id == key.successor_id).first() or key
    return to(f"/dashboard/keys/{successor.id}")


def _rotate(key: Key, form: Form) -> Issued:
    now = services().clock()
    body: dict[str, Any] = expiry_in(form, int(now * 1000))
    if form.value("graceHours"):
        body["graceHours"] = _hours(form.value("graceHours"))
    fields = RotateKey(services().config.rotation_grace_hours, now=now).load(body)
    visible = every_key_of(visitor().account_id)
    return services().keyring.rotate(visitor().actor(), visible, key.id, **fields)


def _hours(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text  # which the schema refuses by its own words


def _graces() -> list[tuple[str, str]]:
    """Return the graces to choose from: the setting's, which is the longest, shorter ones, and none."""
    longest = services().config.rotation_grace_hours
    shorter = [hours for hours in _SHORTER_GRACES if hours < longest]
    return [
        *([("", f"After {_in_words(longest)}")] if longest else []),
        *((f"{hours:g}", f"After {_in_words(hours)}") for hours in shorter),
        (_AT_ONCE, "At once"),
    ]


def _in_words(hours: float) -> str:
    number, unit = (hours, "hour") if hours >= 1 else (hours * 60, "minute")
    return f"{number:g} {unit}{'' if number == 1 else 's'}"


def _show(key: Key, form: Form, status: int = 200) -> Response:
    section, _ = home_of(key)
    return render(
        "keys/rotate.html",
        title=f"Rotate “{key.name}”",
        section=section,
        status=status,
        row=shown([key])[0],
        form=form,
        graces=_graces(),
    )
