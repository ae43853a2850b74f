"""What stops a portal's keys, once its domain was typed: setting it inactive, and taking its webhook away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response

from app.dashboard.forms import Form
from app.dashboard.page import get, notice, post, render, to
from app.dashboard.portal_facts import administered
from app.dashboard.visitor import visitor
from app.errors import ApiError
from app.models import Portal
from app.services import services


@dataclass(frozen=True, slots=True)
class Ending:
    """One of the two: its path below the portal's, what it says, and what of the portal it sets."""

    path: str
    title: str
    meaning: str
    button: str
    done: str
    sets: Mapping[str, Any]


_DEACTIVATE = Ending(
    path="deactivate",
    title="Set this portal inactive",
    meaning="All keys of the portal, whoever owns them, are refused from this moment on, and no new ones can "
    "be made. Nothing is deleted: set active again, it is as before.",
    button="Set inactive",
    done="The portal is inactive: its keys are refused.",
    sets={"status": "INACTIVE"},
)
_REMOVE_WEBHOOK = Ending(
    path="webhook/remove",
    title="Remove the webhook",
    meaning="The portal's keys go on working, but read and write nothing in its Bitrix24 until there is "
    "another webhook. Bitrix24 itself still takes calls by this one: delete it there as well.",
    button="Remove webhook",
    done="The webhook was removed.",
    sets={"webhook_url": None},
)


@get("/dashboard/portals/<id>/deactivate")
def deactivate_form(id: str) -> Response:
    """Ask whether it is meant."""
    return _show(_DEACTIVATE, administered(id), Form())


@post("/dashboard/portals/<id>/deactivate")
def deactivate(id: str) -> Response:
    """Set a portal INACTIVE."""
    return _end(_DEACTIVATE, administered(id))


@post("/dashboard/portals/<id>/activate")
def activate(id: str) -> Response:
    """Set a portal ACTIVE again."""
    portal = administered(id)
    services().portals.update(visitor().actor(), portal.id, status="ACTIVE")
    notice("The portal is active: its keys work.")
    return to(f"/dashboard/portals/{portal.id}")


@get("/dashboard/portals/<id>/webhook/remove")
def remove_webhook_form(id: str) -> Response:
    """Ask whether it is meant."""
    return _show(_REMOVE_WEBHOOK, administered(id), Form())


@post("/dashboard/portals/<id>/webhook/remove")
def remove_webhook(id: str) -> Response:
    """Take a portal's webhook away."""
    return _end(_REMOVE_WEBHOOK, administered(id))


def _end(ending: Ending, portal: Portal) -> Response:
    form = Form.from_request()
    if form.value("confirm").strip().lower() != portal.domain:
        wrong = Form(form.values, {"confirm": ["This is not the portal's domain."]})
        return _show(ending, portal, wrong, 400)
    try:
        services().portals.update(visitor().actor(), portal.id, **ending.sets)
    except ApiError as error:
        return _show(ending, portal, form.refused(error), error.status)
    notice(ending.done)
    return to(f"/dashboard/portals/{portal.id}")


def _show(ending: Ending, portal: Portal, form: Form, status: int = 200) -> Response:
    return render(
        "portals/end.html",
        title=ending.title,
        section="portals",
        status=status,
        portal=portal,
        ending=ending,
        form=form,
    )
