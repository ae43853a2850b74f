"""The members of a portal: everyone sees them, an ADMIN adds and removes them and says who else is ADMIN."""

from __future__ import annotations

from flask import Response
from peewee import ModelSelect

from app.dashboard.forms import Form
from app.dashboard.page import get, notice, post, render, to
from app.dashboard.portal_facts import Seen, administered, portal_of_path
from app.dashboard.tables import Asked, Table
from app.dashboard.visitor import visitor
from app.errors import ApiError
from app.keyring import status_is
from app.models import Account, Key, Membership, Portal
from app.models.portal import ROLES
from app.paging import page_of_rows
from app.schemas.fields import uuid_in
from app.services import services


@get("/dashboard/portals/<id>/members")
def listed(id: str) -> Response:
    """The members, by e-mail."""
    return _show(portal_of_path(id), Form({"role": "MEMBER"}))


@post("/dashboard/portals/<id>/members")
def add(id: str) -> Response:
    """Make an account a member."""
    portal, form = administered(id), Form.from_request()
    email = form.value("email")
    try:
        services().portals.add_member(visitor().actor(), portal.id, email, form.value("role"))
    except ApiError as error:
        return _show(portal_of_path(id), form.refused(error), error.status)
    notice(f"{email.strip()} is a member now.")
    return to(f"/dashboard/portals/{portal.id}/members")


@post("/dashboard/portals/<id>/members/<account_id>/role")
def change_role(id: str, account_id: str) -> Response:
    """Make a member ADMIN, or MEMBER."""
    portal, role = administered(id), Form.from_request().value("role")
    account = _member(portal, account_id)
    try:
        services().portals.change_role(visitor().actor(), portal.id, account.id, role)
    except ApiError as error:
        return _show(portal_of_path(id), _refusal(error), error.status)
    notice(f"{account.email} is {role} now.")
    return to(f"/dashboard/portals/{portal.id}/members")


@get("/dashboard/portals/<id>/members/<account_id>/remove")
def remove_form(id: str, account_id: str) -> Response:
    """Ask whether it is meant."""
    portal = administered(id)
    return _show_removal(portal, _member(portal, account_id), Form())


@post("/dashboard/portals/<id>/members/<account_id>/remove")
def remove(id: str, account_id: str) -> Response:
    """End a membership, once its e-mail was typed."""
    portal, form = administered(id), Form.from_request()
    account = _member(portal, account_id)
    if form.value("confirm").strip().lower() != account.email:
        wrong = Form(form.values, {"confirm": ["This is not the member's e-mail."]})
        return _show_removal(portal, account, wrong, 400)
    try:
        services().portals.remove_member(visitor().actor(), portal.id, account.id)
    except ApiError as error:
        return _show_removal(portal, account, _refusal(error), error.status)
    notice(f"{account.email} is no member of {portal.domain} any more.")
    is_self = account.id == visitor().account_id
    return to("/dashboard/portals" if is_self else f"/dashboard/portals/{portal.id}/members")


def _refusal(error: ApiError) -> Form:
    """Return what there is against a change of one row: it is about no field of the form on the page."""
    if error.code != "VALIDATION_ERROR":
        return Form().refused(error)
    reasons = [reason for of_field in (error.details or {}).values() for reason in of_field]
    return Form(general=" ".join(reasons))


def _member(portal: Portal, account_id: str) -> Account:
    mine = Membership.select(Membership.account).where(Membership.portal == portal)
    account: Account | None = (
        Account.select().where(Account.id == uuid_in(account_id), Account.id.in_(mine)).first()
    )
    if account is None:
        raise ApiError("ENTITY_NOT_FOUND")
    return account


def _working_keys(portal: Portal, account: Account) -> ModelSelect[Key]:
    now_ms = int(services().clock() * 1000)
    return Key.select().where(Key.portal == portal, Key.owner == account, status_is("ACTIVE", now_ms))


def _show(seen: Seen, form: Form, status: int = 200) -> Response:
    asked = Asked.from_request(sorts=("email",), filters={"role": ROLES})
    of_portal = Membership.select(Membership, Account).join(Account).where(Membership.portal == seen.portal)
    query = of_portal.order_by(Account.email)
    if asked.search:
        query = query.where(Account.email.contains(asked.search))
    if "role" in asked.filters:
        query = query.where(Membership.role == asked.filters["role"])
    rows, total = page_of_rows(query, asked.page, asked.limit)
    return render(
        "portals/members.html",
        title="Members",
        section="portals",
        status=status,
        seen=seen,
        table=Table(asked, rows, total),
        form=form,
        roles=ROLES,
        admins=of_portal.where(Membership.role == "ADMIN").count(),
    )


def _show_removal(portal: Portal, account: Account, form: Form, status: int = 200) -> Response:
    return render(
        "portals/remove_member.html",
        title="Remove a member",
        section="portals",
        status=status,
        portal=portal,
        account=account,
        keys=_working_keys(portal, account).count(),
        form=form,
    )
