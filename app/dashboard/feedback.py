"""Feedback: the team's desk with everybody's tickets, and for everybody else the tickets that he opened."""

from __future__ import annotations

from typing import Any

from flask import Response
from peewee import ModelSelect

from app.dashboard.forms import Form
from app.dashboard.page import get, notice, post, render, to
from app.dashboard.tables import Asked, Table
from app.dashboard.visitor import visitor
from app.errors import ApiError, invalid
from app.feedback import CATEGORIES, STATUSES, Thread, find, thread_of
from app.models import Account, Portal, Ticket
from app.paging import newest_first
from app.schemas.feedback import AuthorComment, CreateTicket, DeskAnswer
from app.schemas.fields import uuid_in
from app.services import services
from app.visible_portals import portals_of
from app.visible_tickets import is_of_team, tickets_of_author, tickets_of_team

_FILTERS = {"status": tuple(STATUSES), "category": CATEGORIES, "portal": None}
_COLUMNS = {"status": Ticket.status, "category": Ticket.category, "portal": Ticket.portal}


@get("/dashboard/feedback")
def listed() -> Response:
    """The queue, newest first."""
    asked, team = Asked.from_request(filters=_FILTERS), _is_team()
    query = _visible(team)
    for name, value in asked.filters.items():
        query = query.where(_COLUMNS[name] == value)
    rows, total = newest_first(query, asked.page, asked.limit)
    portals = {portal.id: portal for portal in Portal.select().where(_id_in(Portal, rows, "portal_id"))}
    authors = {author.id: author for author in Account.select().where(_id_in(Account, rows, "author_id"))}
    return render(
        "feedback/list.html",
        title="Feedback desk" if team else "Feedback",
        section="feedback",
        team=team,
        table=Table(asked, rows, total),
        portals=portals,
        authors=authors,
        statuses=STATUSES,
        categories=CATEGORIES,
    )


@get("/dashboard/feedback/new")
def new() -> Response:
    """An empty ticket, for a portal that the visitor is a member of."""
    return _show_new(Form())


@post("/dashboard/feedback/new")
def create() -> Response:
    """Open a ticket."""
    form = Form.from_request()
    try:
        body = {name: form.lines(name) for name in ("category", "title", "description")}
        fields = CreateTicket().load(body)
        portal_id = _portal_of_member(form.value("portal"))
        ticket = services().feedback.create(
            visitor().actor(), author_id=visitor().account_id, portal_id=portal_id, **fields
        )
    except ApiError as error:
        return _show_new(form.refused(error), error.status)
    notice("The ticket was opened. The team's answers come by mail, too.")
    return to(f"/dashboard/feedback/{ticket.id}")


@get("/dashboard/feedback/<id>")
def one(id: str) -> Response:
    """A ticket with its thread."""
    team = _is_team()
    ticket = find(_visible(team), id)
    form = Form({"status": ticket.status, "resolution": ticket.resolution or ""})
    return _show(thread_of(ticket), form, team)


@post("/dashboard/feedback/<id>")
def answer(id: str) -> Response:
    """The team's answer and the new status, or the author's reply."""
    form, team = Form.from_request(), _is_team()
    try:
        (_answer if team else _reply)(id, form)
    except ApiError as error:
        return _show(thread_of(find(_visible(team), id)), form.refused(error), team, error.status)
    notice("The ticket was answered." if form.value("text").strip() else "The ticket was changed.")
    return to(f"/dashboard/feedback/{id}")


def _answer(id: str, form: Form) -> None:
    resolution = form.lines("resolution")
    body = {"status": form.value("status"), "resolution": resolution if resolution.strip() else None}
    if form.value("text").strip():
        body["text"] = form.lines("text")
    fields = DeskAnswer().load(body)
    say = services().feedback.answer if "text" in fields else services().feedback.update
    say(visitor().actor(), _visible(team=True), id, **fields)


def _reply(id: str, form: Form) -> None:
    fields = AuthorComment().load({"text": form.lines("text")})
    services().feedback.reply(visitor().actor(), _visible(team=False), id, **fields)


def _is_team() -> bool:
    return is_of_team(visitor().account_id, _now_ms())


def _visible(team: bool) -> ModelSelect[Ticket]:
    account_id = visitor().account_id
    return tickets_of_team(account_id, _now_ms()) if team else tickets_of_author(account_id)


def _now_ms() -> int:
    return int(services().clock() * 1000)


def _portals_of_member() -> ModelSelect[Portal]:
    return portals_of(visitor().account_id).order_by(Portal.domain)


def _portal_of_member(portal_id: str) -> str:
    portal = _portals_of_member().where(Portal.id == uuid_in(portal_id)).first()
    if portal is None:
        raise invalid(portal="Choose one of your portals.")
    return str(portal.id)


def _id_in(model: Any, rows: list[Ticket], name: str) -> Any:
    return model.id.in_({getattr(row, name) for row in rows})


def _show_new(form: Form, status: int = 200) -> Response:
    return render(
        "feedback/new.html",
        title="New ticket",
        section="feedback",
        status=status,
        form=form,
        portals=[(portal.id, portal.domain) for portal in _portals_of_member()],
        categories=CATEGORIES,
    )


def _show(thread: Thread, form: Form, team: bool, status: int = 200) -> Response:
    ticket = thread.ticket
    return render(
        "feedback/ticket.html",
        title=ticket.title,
        section="feedback",
        status=status,
        form=form,
        team=team,
        ticket=ticket,
        comments=thread.comments,
        portal=Portal.get_by_id(ticket.portal_id),
        author=Account.get_by_id(ticket.author_id),
        statuses=STATUSES,
    )
