"""Tickets behind the API: the table of statuses, and threads on a clock that is put back."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from app.errors import ApiError
from app.feedback import CATEGORIES, STATUSES, Feedback, thread_of
from app.ledger import Actor
from app.mail.tickets import ticket_message
from app.models import Mail, Ticket, TicketComment
from tests.db.installation import CLI, HOUR, Installation


@pytest.fixture
def ticket(installation: Installation) -> Ticket:
    author = installation.account()
    return Feedback(installation.ledger, installation.config).create(
        CLI,
        author_id=author.id,
        portal_id=installation.portal(author).id,
        category="BUG",
        title="a",
        description="b",
    )


@pytest.mark.parametrize(
    ("constraint", "names"),
    [("ticket_status", STATUSES), ("comment_status", STATUSES), ("ticket_category", CATEGORIES)],
)
def test_the_tables_take_what_there_is_and_nothing_else(
    installation: Installation, constraint: str, names: Iterable[str]
) -> None:
    tables = installation.db.execute_sql("SELECT group_concat(sql) FROM sqlite_master").fetchone()[0]
    (listed,) = re.findall(rf"{constraint}\W+CHECK\W+\w+ IN \(([^)]+)\)", tables)
    assert set(re.findall(r"'(\w+)'", listed)) == set(names)


@pytest.mark.parametrize("status", [name for name, status in STATUSES.items() if status.mails_author])
def test_there_is_a_message_for_every_status_that_is_mailed(status: str) -> None:
    message = ticket_message(
        status, ticket_id="t-1", title="a title", text="a text", host="http://h", support_url=""
    )
    assert "a title" in message.subject
    assert "a text" in message.body


def test_a_thread_is_in_the_order_of_its_commits_on_a_clock_that_was_put_back(
    installation: Installation, ticket: Ticket
) -> None:
    feedback = Feedback(installation.ledger, installation.config)
    for number in range(3):
        installation.clock.now -= HOUR
        feedback.answer(CLI, Ticket.select(), ticket.id, f"comment {number}", "REVIEWING")
        feedback.reply(CLI, Ticket.select(), ticket.id, f"reply {number}")

    thread = thread_of(Ticket.get_by_id(ticket.id))
    assert [comment.text for comment in thread.comments] == [
        f"{kind} {number}" for number in range(3) for kind in ("comment", "reply")
    ]


def test_a_thread_ends_where_the_ticket_was_read(installation: Installation, ticket: Ticket) -> None:
    feedback = Feedback(installation.ledger, installation.config)
    feedback.answer(CLI, Ticket.select(), ticket.id, "first", "REVIEWING")
    as_it_was = Ticket.get_by_id(ticket.id)
    feedback.answer(CLI, Ticket.select(), ticket.id, "second", "RESOLVED")

    assert [comment.text for comment in thread_of(as_it_was).comments] == ["first"]


def test_an_answer_that_cannot_be_kept_whole_is_not_kept_at_all(
    installation: Installation, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the outbox cannot be written")

    monkeypatch.setattr("app.mail.outbox.put", fail)
    with pytest.raises(RuntimeError):
        Feedback(installation.ledger, installation.config).answer(
            CLI, Ticket.select(), ticket.id, "text", "RESOLVED"
        )

    assert Ticket.get_by_id(ticket.id).status == "NEW"
    assert (TicketComment.select().count(), Mail.select().count()) == (0, 0)


def test_an_answer_by_a_key_whose_scope_was_taken_meanwhile_is_refused(
    installation: Installation, ticket: Ticket
) -> None:
    team = installation.account("team@example.com")
    scopes = ["vibe:mgmt:portals"]
    key = installation.key(team, type="management", scopes=scopes, integrations=()).key
    admitted = Actor("key", team.id, key.id, "192.0.2.7", "vibe:mgmt:feedback")

    with pytest.raises(ApiError) as refusal:
        Feedback(installation.ledger, installation.config).answer(
            admitted, Ticket.select(), ticket.id, "text", "RESOLVED"
        )

    assert refusal.value.code == "MANAGEMENT_SCOPE_REQUIRED"
    assert Ticket.get_by_id(ticket.id).status == "NEW"
