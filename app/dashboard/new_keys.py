"""New keys: for tools, for management, and of a portal."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.dashboard.forms import Form
from app.dashboard.issued import show_issued
from app.dashboard.key_forms import NEVER, body_of, openings_of, refused, settings_of
from app.dashboard.openings import granting
from app.dashboard.page import get, post, render
from app.dashboard.visitor import visitor
from app.errors import ApiError
from app.keyring import Issued
from app.models import Portal
from app.portals import check_linked
from app.schemas.fields import uuid_in
from app.schemas.key import SETTINGS, CreatePersonalKey, KeySettings
from app.services import services
from app.visible_portals import portals_of

_SCHEMAS: dict[str, type[KeySettings]] = {**SETTINGS, "personal": CreatePersonalKey}
_SECTIONS = {"api": "portals", "management": "management-keys", "personal": "keys"}
_TITLES = {
    "api": "Create portal key",
    "management": "Create management key",
    "personal": "Create New API Key",
}


@get("/dashboard/keys/new")
def personal() -> Response:
    """The form of an API key."""
    return _show("personal")


@post("/dashboard/keys/new")
def create_personal() -> Response:
    """Make an API key."""
    return _create("personal")


@get("/dashboard/management-keys/new")
def management() -> Response:
    """The form of a management key."""
    return _show("management")


@post("/dashboard/management-keys/new")
def create_management() -> Response:
    """Make a management key."""
    return _create("management")


@get("/dashboard/portals/<id>/keys/new")
def of_portal(id: str) -> Response:
    """The form of a portal's key."""
    return _show("api", _portal(id))


@post("/dashboard/portals/<id>/keys/new")
def create_of_portal(id: str) -> Response:
    """Make a key of a portal whose webhook answers."""
    return _create("api", _portal(id))


def _create(key_type: str, portal: Portal | None = None) -> Response:
    form = Form.from_request()
    try:
        issued = _issue(form, key_type, portal)
    except ApiError as error:
        return _show(key_type, portal, refused(form, error, key_type), error.status)
    return show_issued(issued)


def _issue(form: Form, key_type: str, portal: Portal | None) -> Issued:
    if portal is not None:
        check_linked(portal)
    now = services().clock()
    fields: dict[str, Any] = _SCHEMAS[key_type](now=now).load(body_of(form, key_type, int(now * 1000)))
    if portal is not None:
        services().ledger.check(visitor().actor())
        services().prober.probe(portal)
    actor = granting(fields[openings_of(key_type)])
    return services().keyring.issue(actor, type=key_type, owner=visitor().account, portal=portal, **fields)


def _portal(id: str) -> Portal:
    portal: Portal | None = portals_of(visitor().account_id).where(Portal.id == uuid_in(id)).first()
    if portal is None:
        raise ApiError("ENTITY_NOT_FOUND")
    return portal


def _show(
    key_type: str, portal: Portal | None = None, form: Form | None = None, status: int = 200
) -> Response:
    form = form or Form({"expiresAt": NEVER})
    section = _SECTIONS[key_type]
    return render(
        "keys/new.html",
        title=_TITLES[key_type],
        section=section,
        status=status,
        portal=portal,
        back=f"/dashboard/{section}/{portal.id}" if portal else f"/dashboard/{section}",
        settings=settings_of(form, key_type),
    )
