"""An installation with an outbox, and mails in it."""

from __future__ import annotations

from peewee import SQL

from app.mail import outbox
from app.mail.delivery import Delivery
from app.mail.message import Sender
from app.mail.smtp import Mailer, Relay
from app.models import Mail, new_id
from tests.db.installation import CLI, Installation
from tests.mail.server import MailServer

SENDER = Sender("Keys", "keys@example.com")
HOUR = 3_600


class Office(Installation):
    """Puts mails into the outbox, and delivers them when it is told to."""

    def put(self, recipient: str = "ada@example.com", *, subject: str = "News", body: str = "Text.\n") -> str:
        """The id of a new mail."""
        with self.ledger.change(CLI) as change:
            outbox.put(
                change,
                kind="ticket.RESOLVED",
                ref="a ticket",
                recipient=recipient,
                subject=subject,
                body=body,
            )
        return Mail.select().order_by(SQL("rowid").desc()).get().id

    def put_resting(self, *ages_ms: int) -> None:
        """Mails that are so old, and have found no server to be handed to."""
        for age in ages_ms:
            created_at = self.clock.ms - age
            Mail.create(
                id=new_id(created_at),
                kind="ticket.RESOLVED",
                ref="a ticket",
                recipient="ada@example.com",
                subject="News",
                body="Text.\n",
                created_at=created_at,
                attempts=0,
            )

    def delivery(self, server: MailServer | Relay | None, seconds: float = 10.0) -> Delivery:
        if isinstance(server, MailServer):
            server = Relay.from_url(server.url())
        mailer = Mailer(server, "here.example", seconds, seconds) if server else None
        return Delivery(self.db, self.clock, SENDER, mailer)


def mail(mail_id: str) -> Mail:
    """What the outbox says of it now."""
    return Mail.get_by_id(mail_id)
