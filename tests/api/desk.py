"""An author and the support team, each with a key: what the tests of tickets stand on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.models import Mail, Ticket, TicketComment, new_id
from tests.api.world import Answer, World

TICKET = {"category": "BUG", "title": "The filter is lost", "description": "After opening a deal."}
TICKET_FIELDS = [
    "id",
    "portalId",
    "authorId",
    "category",
    "status",
    "title",
    "description",
    "context",
    "resolution",
    "createdAt",
    "updatedAt",
]


class Desk:
    """`author` is a key of the world's admin on its portal, `team` a management key of somebody else."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.author = world.portal_key().raw_key
        self.team = world.issue("management", world.stranger.account, scopes=["vibe:mgmt:feedback"]).raw_key

    def submit(self, key: str | None = None, **fields: Any) -> Answer:
        self.world.service.clock.now += 0.002  # tickets of one millisecond have no order
        return self.world.call("POST", "/v1/feedback", key or self.author, json={**TICKET, **fields})

    def open(self, key: str | None = None, *, status: str = "NEW", **fields: Any) -> str:
        """The id of a new ticket, which the team has given this status if it is another."""
        answer = self.submit(key, **fields)
        assert answer.status == 201, answer.body
        ticket_id = str(answer.data["id"])
        if status != "NEW":
            assert self.update(ticket_id, status=status).status == 200
        return ticket_id

    def read(self, ticket_id: str, key: str | None = None) -> Answer:
        return self.world.call("GET", f"/v1/feedback/{ticket_id}", key or self.team)

    def list(self, key: str | None = None, **query: Any) -> Answer:
        return self.world.call("GET", "/v1/feedback", key or self.team, query_string=query)

    def update(self, ticket_id: str, key: str | None = None, **fields: Any) -> Answer:
        return self.world.call("PATCH", f"/v1/feedback/{ticket_id}", key or self.team, json=fields)

    def comment(self, ticket_id: str, key: str | None = None, **fields: Any) -> Answer:
        return self.world.call("POST", f"/v1/feedback/{ticket_id}/comments", key or self.team, json=fields)

    def fill(self, ticket_id: str, texts: Iterable[str]) -> None:
        """Put the author's comments into the thread, without the calls that they would take."""
        ticket = Ticket.get_by_id(ticket_id)
        said = {"ticket": ticket, "author": "USER", "account": ticket.author_id, "status": ticket.status}
        at = ticket.updated_at
        rows = [{**said, "id": new_id(at), "text": text, "created_at": at} for text in texts]
        with self.world.services.db.atomic():
            TicketComment.insert_many(rows).execute()

    def mails(self, ticket_id: str) -> list[Mail]:
        """The mails that lie in the outbox for the ticket's author."""
        return list(Mail.select().where(Mail.ref == ticket_id).order_by(Mail.created_at))
