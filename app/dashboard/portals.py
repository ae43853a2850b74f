"""Portals: the visitor's list, linking a new one, and a portal's own page with its keys.

A portal's webhook is called before it is kept. What Bitrix24 has against it is told beside the URL.
"""

from __future__ import annotations

from typing import Any

from flask import Response

from app.bitrix.webhook_url import masked
from app.dashboard.forms import Form
from app.dashboard.key_table import show, table_of_keys
from app.dashboard.page import get, is_fragment, notice, post, render, to
from app.dashboard.portal_facts import Seen, administered, portal_of_path
from app.dashboard.tables import Asked, Table
from app.dashboard.visitor import visitor
from app.errors import ApiError, invalid
from app.keyring import PORTAL_TYPES
from app.models import Account, Key, Membership, Portal
from app.models.portal import STATUSES
from app.paging import page_of_rows
from app.scopes import PORTAL_SCOPES
from app.services import services
from app.visible_keys import managed_keys
from app.visible_portals import portal_rows


@get("/dashboard/portals")
def listed() -> Response:
    """The portals that the visitor is a member of, by domain."""
    asked = Asked.from_request(sorts=("domain",), filters={"status": STATUSES})
    query = portal_rows(visitor().account_id, int(services().clock() * 1000))
    if asked.search:
        query = query.where(Portal.domain.contains(asked.search))
    if "status" in asked.filters:
        query = query.where(Portal.status == asked.filters["status"])
    rows, total = page_of_rows(query, asked.page, asked.limit)
    table = Table(asked, rows, total)
    return render("portals/list.html", title="Portals", section="portals", table=table, statuses=STATUSES)


@get("/dashboard/portals/new")
def new() -> Response:
    """The form by which a portal is linked."""
    return _show_new(Form())


@post("/dashboard/portals/new")
def link() -> Response:
    """Link a portal whose webhook answers; the visitor becomes its ADMIN."""
    form = Form.from_request()
    domain, url = form.value("domain"), form.value("webhookUrl")
    try:
        portal = services().portals.link(visitor().actor(), domain, url, services().prober.probe)
    except ApiError as error:
        refusal = _beside_the_url(error)
        return _show_new(form.refused(refusal), refusal.status)
    notice(f"{portal.domain} was linked, and you are its ADMIN.")
    return to(f"/dashboard/portals/{portal.id}")


@get("/dashboard/portals/<id>")
def one(id: str) -> Response:
    """A portal and its keys: an ADMIN sees all, a MEMBER its own."""
    seen = portal_of_path(id)
    keys = managed_keys(visitor().account_id).where(Key.portal == seen.portal)
    table = table_of_keys(keys, PORTAL_SCOPES, sorted(PORTAL_TYPES))
    return show(
        table,
        "portals/portal.html",
        "portals/_keys.html",
        title=seen.portal.domain,
        section="portals",
        seen=seen,
        owners=_owners(table) if seen.is_admin else None,
        scopes=PORTAL_SCOPES,
        **({} if is_fragment() else _facts(seen)),
    )


@get("/dashboard/portals/<id>/webhook")
def webhook(id: str) -> Response:
    """The form of another webhook."""
    return _show_webhook(administered(id), Form())


@post("/dashboard/portals/<id>/webhook")
def replace_webhook(id: str) -> Response:
    """Give the portal another webhook, which answers."""
    portal, form = administered(id), Form.from_request()
    url = form.value("webhookUrl")
    try:
        services().portals.replace_webhook(visitor().actor(), portal.id, url, services().prober.probe)
    except ApiError as error:
        refusal = _beside_the_url(error)
        return _show_webhook(portal, form.refused(refusal), refusal.status)
    notice("The webhook answers, and is used from now on.")
    return to(f"/dashboard/portals/{portal.id}")


def _beside_the_url(error: ApiError) -> ApiError:
    # With the 502 that it is a proxy might show a page of its own instead of ours.
    return invalid(webhookUrl=error.message) if error.code == "BITRIX_UNAVAILABLE" else error


def _facts(seen: Seen) -> dict[str, Any]:
    members = Membership.select().where(Membership.portal == seen.portal)
    return {
        "webhook": _webhook_shown(seen.portal),
        "members": members.count(),
        "admins": members.where(Membership.role == "ADMIN").count(),
    }


def _webhook_shown(portal: Portal) -> str | None:
    """Return what may be shown of the webhook's URL, None if there is none; nothing if it can't be read."""
    try:
        url = services().portals.webhook_url(portal)
    except ApiError:
        return ""
    return None if url is None else masked(url)


def _owners(table: Table) -> dict[str, str]:
    ids = {row.key.owner_id for row in table.rows}
    return {account.id: account.email for account in Account.select().where(Account.id.in_(ids))}


def _show_new(form: Form, status: int = 200) -> Response:
    return render("portals/new.html", title="Link a portal", section="portals", status=status, form=form)


def _show_webhook(portal: Portal, form: Form, status: int = 200) -> Response:
    return render(
        "portals/webhook.html",
        title="Another webhook" if portal.webhook_url_sealed else "Add a webhook",
        section="portals",
        status=status,
        portal=portal,
        form=form,
    )
