"""Feedback tickets: the table of their statuses, and who moves a ticket from one to another.

The author opens a ticket and comments on it; the team answers, and sets the status with each answer. Every
operation is one change of the ledger, judged on the ticket as it is under the write lock: of two answers at
once both stay, and the status is the later one's. The mail that a status is told by is put into the outbox in
the same transaction.

Nobody's raw key is kept: one that was pasted into a text is cut to its public beginning first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import ModelSelect

from app.config import Config
from app.errors import ApiError
from app.ledger import Actor, Change, Ledger
from app.mail import outbox
from app.mail.tickets import ticket_message
from app.models import Account, Membership, Ticket, TicketComment, new_id
from app.unset import UNSET, Unset
from gateway.keys import masked


@dataclass(frozen=True, slots=True)
class Status:
    """What a status means, what the author's comment makes of it, and whether the author is mailed.

    `after_reply` is None where the author cannot comment any more.
    """

    meaning: str
    after_reply: str | None
    mails_author: bool = False


STATUSES: Mapping[str, Status] = {
    "NEW": Status("The user has just submitted the ticket, no one has looked at it yet", "NEW"),
    "REVIEWING": Status(
        "The team has taken the ticket into work, the user is not yet receiving updates", "REVIEWING"
    ),
    "AWAITING_USER": Status(
        "The team asked the user a clarifying question — awaiting a reply (the user receives an email)",
        "NEEDS_REVIEW",
        mails_author=True,
    ),
    "NEEDS_REVIEW": Status(
        "The user replied to the clarification — the team reads the new comment and decides the next step",
        "NEEDS_REVIEW",
    ),
    "RESOLVED": Status(
        "The fix is published in the production environment, the user has been notified",
        "NEEDS_REVIEW",
        mails_author=True,
    ),
    "ARCHIVED": Status("Closed without a code change (duplicate, off-topic, not reproducible)", None),
}
"""In the order of a ticket's life."""

ANSWER_STATUSES = tuple(name for name in STATUSES if name != "NEW")
"""What the team may set with a comment; by a change of the ticket itself it may set every status."""

CATEGORIES = ("BUG", "SUGGESTION", "DOCS", "CHAT", "BOTS", "OTHER")

THREAD_COMMENTS = 500
THREAD_BYTES = 1_000_000
"""Of a ticket's comments together, in UTF-8. Each comment is answered with the whole thread: without an end
to it, somebody who comments on and on would be answered with more each time.
"""

_AUDITED_WHEN_OPENED = ("portal_id", "author_id", "category", "status", "title")


@dataclass(frozen=True, slots=True)
class Thread:
    """A ticket and its comments, oldest first, as they were at one moment."""

    ticket: Ticket
    comments: Sequence[TicketComment]


class Feedback:
    """Opens, changes and answers tickets. Refusals are `ApiError`s and change nothing.

    Fields come checked in form. `visible` is the query of the tickets that the actor may see; every other
    ticket is one that does not exist.
    """

    def __init__(self, ledger: Ledger, config: Config) -> None:
        self._ledger = ledger
        self._host, self._support_url = config.public_url, config.support_url

    def create(
        self,
        actor: Actor,
        *,
        author_id: str,
        portal_id: str,
        category: str,
        title: str,
        description: str,
        context: dict[str, Any] | str | None = None,
    ) -> Ticket:
        """Open a ticket. Raises NOT_PORTAL_MEMBER for a person who is none any more."""
        ticket = Ticket(
            author=author_id,
            portal=portal_id,
            category=category,
            status="NEW",
            title=masked(title),
            description=masked(description),
            context=_masked_within(context),
            resolution=None,
        )
        with self._ledger.change(actor) as change:
            if actor.kind == "account":
                _check_member(actor, portal_id)
            ticket.id = new_id(change.now_ms)
            ticket.created_at = ticket.updated_at = change.now_ms
            ticket.save(force_insert=True)
            opened = {name: getattr(ticket, name) for name in _AUDITED_WHEN_OPENED}
            change.audit("ticket.created", "ticket", ticket.id, None, opened, owner_id=author_id)
        return ticket

    def update(
        self,
        actor: Actor,
        visible: ModelSelect[Ticket],
        ticket_id: str,
        *,
        status: str | Unset = UNSET,
        resolution: str | Unset | None = UNSET,
    ) -> Ticket:
        """Change what is given, for the team; what is already so changes nothing and is not mailed again.

        Raises ENTITY_NOT_FOUND.
        """
        with self._ledger.change(actor) as change:
            ticket = find(visible, ticket_id)
            old_status, old_resolution, before = ticket.status, ticket.resolution, _facts(ticket)
            if not isinstance(status, Unset):
                ticket.status = status
            if not isinstance(resolution, Unset):
                ticket.resolution = None if resolution is None else masked(resolution)
            if (ticket.status, ticket.resolution) != (old_status, old_resolution):
                _save(change, ticket)
                after = _facts(ticket)
                if ticket.resolution is not None and ticket.resolution != old_resolution:
                    after["resolution"] = "changed"
                change.audit("ticket.changed", "ticket", ticket.id, before, after, owner_id=ticket.author_id)
            if ticket.status != old_status:
                awaits = ticket.status == "AWAITING_USER"
                self._mail_author(change, ticket, _awaited(ticket) if awaits else ticket.resolution or "")
        return ticket

    def answer(
        self,
        actor: Actor,
        visible: ModelSelect[Ticket],
        ticket_id: str,
        text: str,
        status: str,
        *,
        resolution: str | Unset | None = UNSET,
    ) -> Thread:
        """Comment on a ticket for the team, and set its status. Raises ENTITY_NOT_FOUND, TICKET_FULL."""
        with self._ledger.change(actor) as change:
            ticket = find(visible, ticket_id)
            if not isinstance(resolution, Unset):
                ticket.resolution = None if resolution is None else masked(resolution)
            thread = _comment(change, ticket, "TEAM", text, status)
            self._mail_author(change, ticket, thread.comments[-1].text)
        return thread

    def reply(self, actor: Actor, visible: ModelSelect[Ticket], ticket_id: str, text: str) -> Thread:
        """Comment on a ticket as its author. Raises ENTITY_NOT_FOUND, TICKET_ARCHIVED, TICKET_FULL."""
        with self._ledger.change(actor) as change:
            ticket = find(visible, ticket_id)
            status = STATUSES[ticket.status].after_reply
            if status is None:
                raise ApiError("TICKET_ARCHIVED")
            return _comment(change, ticket, "USER", text, status)

    def _mail_author(self, change: Change, ticket: Ticket, text: str) -> None:
        if not STATUSES[ticket.status].mails_author:
            return
        message = ticket_message(
            ticket.status,
            ticket_id=ticket.id,
            title=ticket.title,
            text=text,
            host=self._host,
            support_url=self._support_url,
        )
        outbox.put(
            change,
            kind=f"ticket.{ticket.status}",
            ref=ticket.id,
            recipient=Account.get_by_id(ticket.author_id).email,
            subject=message.subject,
            body=message.body,
        )


def _check_member(actor: Actor, portal_id: str) -> None:
    # A key's is judged with the key itself.
    member = (Membership.portal == portal_id) & (Membership.account == actor.account_id)
    if not Membership.select().where(member).exists():
        raise ApiError("NOT_PORTAL_MEMBER")


def find(visible: ModelSelect[Ticket], ticket_id: str) -> Ticket:
    """Return the ticket, if it is among those. Raises `ApiError` ENTITY_NOT_FOUND."""
    ticket: Ticket | None = visible.where(Ticket.id == ticket_id).first()
    if ticket is None:
        raise ApiError("ENTITY_NOT_FOUND")
    return ticket


def thread_of(ticket: Ticket) -> Thread:
    """Read the ticket's comments as they were when the ticket was read."""
    found = TicketComment.select().where(
        TicketComment.ticket == ticket.id, TicketComment.created_at <= ticket.updated_at
    )
    return Thread(ticket, list(found.order_by(TicketComment.created_at, TicketComment.id)))


def _awaited(ticket: Ticket) -> str:
    """Return what the author is asked where the status was set without a comment."""
    of_team = TicketComment.select().where(TicketComment.ticket == ticket.id, TicketComment.author == "TEAM")
    last = of_team.order_by(TicketComment.created_at.desc(), TicketComment.id.desc()).first()
    if last is None:
        return "The team awaits your answer."
    return f"The team awaits your answer. It is about the team's last comment:\n\n{last.text}"


def _comment(change: Change, ticket: Ticket, author: str, text: str, status: str) -> Thread:
    text, earlier, before = masked(text), thread_of(ticket).comments, ticket.status
    _check_room(earlier, text)
    ticket.status = status
    _save(change, ticket)
    comment = TicketComment.create(
        id=new_id(change.now_ms),
        ticket=ticket,
        author=author,
        account=change.actor.account_id,
        text=text,
        status=status,
        created_at=ticket.updated_at,
    )
    after = {"status": status, "comment_id": comment.id, "author": author}
    change.audit(
        "ticket.commented", "ticket", ticket.id, {"status": before}, after, owner_id=ticket.author_id
    )
    return Thread(ticket, [*earlier, comment])


def _check_room(earlier: Sequence[TicketComment], text: str) -> None:
    size = sum(len(written.encode()) for written in (*(comment.text for comment in earlier), text))
    if len(earlier) >= THREAD_COMMENTS or size > THREAD_BYTES:
        raise ApiError("TICKET_FULL", details={"comments": THREAD_COMMENTS, "bytes": THREAD_BYTES})


def _save(change: Change, ticket: Ticket) -> None:
    # Each change is later than the one before, also within a millisecond or on a clock that was put back:
    # a thread is read in the order of its commits, and its last comment is the one that set the status.
    ticket.updated_at = max(change.now_ms, ticket.updated_at + 1)
    ticket.save()


def _masked_within(value: Any) -> Any:
    """Return JSON with its texts masked. Names stay: two that are cut could become one."""
    if isinstance(value, dict):
        return {name: _masked_within(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_masked_within(item) for item in value]
    return masked(value) if isinstance(value, str) else value


def _facts(ticket: Ticket) -> dict[str, Any]:
    return {"status": ticket.status, "resolution": None if ticket.resolution is None else "set"}
