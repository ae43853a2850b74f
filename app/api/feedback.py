"""`/v1/feedback`: tickets, for their authors and for the team that works on them.

A portal key sees the tickets of its owner on its portal; a management key, whose scope an operator granted,
those of all tenants. A ticket that the caller may not see is one that does not exist: every query starts from
`_visible`.
"""

from __future__ import annotations

from flask import Response
from peewee import ModelSelect

from app.api.answers import ApiBlueprint, answer, id_of_path, page_answer
from app.auth import principal
from app.feedback import Thread, find, thread_of
from app.json_body import read_object
from app.models import Ticket
from app.openapi import answer_of, page_of
from app.paging import newest_first
from app.schemas.feedback import (
    AuthorComment,
    ChangeTicket,
    CreateTicket,
    ListTickets,
    TeamComment,
    TicketAnswer,
    TicketCard,
    ticket_answers,
    ticket_card,
)
from app.services import services

blueprint = ApiBlueprint("feedback", __name__, description="Feedback tickets.")


@blueprint.operation("POST", "/v1/feedback", body=CreateTicket, gives=answer_of(TicketAnswer), status=201)
def create_ticket() -> Response:
    """A new ticket of the key's owner on the key's portal."""
    fields = CreateTicket().load(read_object())
    caller = principal()
    ticket = services().feedback.create(
        caller.actor(), author_id=caller.account.account_id, portal_id=caller.portal_id, **fields
    )
    return answer(ticket_answers([ticket])[0], 201)


@blueprint.operation("GET", "/v1/feedback", query=ListTickets, gives=page_of(TicketAnswer))
def list_tickets(
    page: int,
    limit: int,
    status: str | None = None,
    category: str | None = None,
    portal_id: str | None = None,
) -> Response:
    """The tickets that the caller may see, newest first."""
    query = _visible()
    for column, wanted in ((Ticket.status, status), (Ticket.category, category), (Ticket.portal, portal_id)):
        if wanted is not None:
            query = query.where(column == wanted)
    rows, total = newest_first(query, page, limit)
    return page_answer(ticket_answers(rows), page=page, limit=limit, total=total)


@blueprint.operation("GET", "/v1/feedback/<id>", gives=answer_of(TicketCard))
def get_ticket(id: str) -> Response:
    """One ticket with its comments, oldest first."""
    return _card(thread_of(find(_visible(), id_of_path(id))))


@blueprint.operation("PATCH", "/v1/feedback/<id>", body=ChangeTicket, gives=answer_of(TicketAnswer))
def update_ticket(id: str) -> Response:
    """The ticket after the change; absent fields stay as they are."""
    fields = ChangeTicket().load(read_object())
    ticket = services().feedback.update(principal().actor(), _visible(), id_of_path(id), **fields)
    return answer(ticket_answers([ticket])[0])


@blueprint.operation(
    "POST",
    "/v1/feedback/<id>/comments",
    body={"oneOf": [TeamComment, AuthorComment]},
    gives=answer_of(TicketCard),
    status=201,
)
def comment_ticket(id: str) -> Response:
    """The ticket with the new comment: the team's sets a status, the author's is a text alone."""
    body, caller, feedback = read_object(), principal(), services().feedback
    if caller.key.type == "management":
        thread = feedback.answer(caller.actor(), _visible(), id_of_path(id), **TeamComment().load(body))
    else:
        thread = feedback.reply(caller.actor(), _visible(), id_of_path(id), **AuthorComment().load(body))
    return _card(thread, 201)


def _visible() -> ModelSelect[Ticket]:
    """Select the tickets that the caller may see."""
    caller = principal()
    if caller.key.type == "management":
        return Ticket.select()
    return Ticket.select().where(
        Ticket.portal == caller.key.portal_id, Ticket.author == caller.account.account_id
    )


def _card(thread: Thread, status: int = 200) -> Response:
    return answer(ticket_card(thread), status)
