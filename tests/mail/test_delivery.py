"""From the outbox to a real SMTP server, on a clock that the test moves."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest
import structlog
from structlog.testing import capture_logs

from app.errors import ApiError
from app.mail import outbox
from app.mail.delivery import due_too_far_ahead, resting
from app.mail.smtp import Relay
from app.models import Mail
from tests.db.installation import CLI
from tests.mail.office import HOUR, Office, mail
from tests.mail.server import TAKEN, MailServer, Received, saying

TWO_DAYS = 2 * 24 * HOUR
FOR_NOW, FOR_GOOD = "451 4.7.1 come back later", "550 5.1.1 nobody of that name"


@pytest.fixture
def every_line() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(0))
    yield
    structlog.reset_defaults()


def test_a_mail_is_sent_once_and_marked(office: Office, server: MailServer) -> None:
    mail_id = office.put()
    delivery = office.delivery(server)
    delivery.deliver()
    delivery.deliver()

    assert server.recipients() == ["ada@example.com"]
    sent = mail(mail_id)
    assert (sent.attempts, sent.sent_at, sent.next_attempt_at) == (1, office.clock.ms, None)
    assert (sent.failed_at, sent.last_error) == (None, None)


def test_all_that_is_due_goes_in_one_conversation_the_longest_due_first(
    office: Office, server: MailServer
) -> None:
    office.put("late@example.com")
    office.clock.now -= 60
    office.put("early@example.com")
    office.clock.now += 60
    office.delivery(server).deliver()

    assert server.recipients() == ["early@example.com", "late@example.com"]
    assert server.conversations == 1


def test_a_mail_of_a_change_that_was_undone_is_not_sent(office: Office, server: MailServer) -> None:
    def change_and_fail() -> None:
        with office.ledger.change(CLI) as change:
            outbox.put(change, kind="k", ref="r", recipient="ada@example.com", subject="s", body="b")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()
    office.delivery(server).deliver()

    assert server.received == []


def test_without_a_server_mails_rest_and_are_logged_once(office: Office, every_line: None) -> None:
    office.put("ada@example.com", subject="First")
    with capture_logs() as lines:
        office.delivery(None).deliver()
        office.delivery(None).deliver()
        mail_id = office.put("bob@example.com", subject="Second")
        office.delivery(None).deliver()

    queued = [line for line in lines if line["event"] == "mail.queued"]
    assert [(line["recipient"], line["subject"]) for line in queued] == [
        ("ada@example.com", "First"),
        ("bob@example.com", "Second"),
    ]
    assert {(line["kind"], line["ref"]) for line in queued} == {("ticket.RESOLVED", "a ticket")}
    resting = mail(mail_id)
    assert (resting.attempts, resting.next_attempt_at, resting.failed_at) == (0, None, None)


def test_mails_that_rested_are_sent_once_there_is_a_server(office: Office, server: MailServer) -> None:
    mail_id = office.put()
    office.delivery(None).deliver()
    office.clock.now += TWO_DAYS - 1
    office.delivery(server).deliver()

    assert server.recipients() == ["ada@example.com"]
    assert mail(mail_id).last_error is None


def test_mails_that_rested_for_longer_are_given_up_when_a_server_comes(
    office: Office, server: MailServer
) -> None:
    mail_id = office.put()
    office.delivery(None).deliver()
    office.clock.now += TWO_DAYS
    delivery = office.delivery(server)
    with capture_logs() as lines:
        delivery.deliver()

    assert server.received == []
    given_up = mail(mail_id)
    assert (given_up.failed_at, given_up.attempts) == (office.clock.ms, 0)
    assert given_up.last_error == "older than two days when a server came"
    assert [(line["mails"], line["reason"]) for line in lines if line["event"] == "mail.given_up"] == [
        (1, given_up.last_error)
    ]

    with office.ledger.change(CLI) as change:
        outbox.retry(change, given_up)
    delivery.deliver()
    assert server.recipients() == ["ada@example.com"]


def test_it_does_not_matter_how_many_have_rested(office: Office, server: MailServer) -> None:
    news, old = [number * 60_000 for number in range(120)], [2 * TWO_DAYS * 1000] * 120
    office.put_resting(*news, *old)
    office.delivery(server).deliver()

    assert not Mail.select().where(resting()).exists()
    assert Mail.select().where(Mail.failed_at.is_null(False)).count() == 120


@pytest.mark.parametrize("has_server", [True, False])
def test_a_clock_that_was_put_back_does_not_stop_mails(
    office: Office, server: MailServer, has_server: bool
) -> None:
    mail_id = office.put()
    office.clock.now -= 30 * TWO_DAYS
    with capture_logs() as lines:
        office.delivery(server if has_server else None).deliver()

    assert mail(mail_id).next_attempt_at is None
    assert (mail(mail_id).sent_at is not None) == has_server
    assert [line["mails"] for line in lines if line["event"] == "mail.due_too_far_ahead"] == [1]


def test_a_pause_is_kept_also_by_a_clock_that_was_put_back_by_less(
    office: Office, server: MailServer
) -> None:
    office.put()
    office.clock.now -= HOUR
    office.delivery(server).deliver()

    assert server.received == []


def test_the_pause_doubles_up_to_an_hour_and_after_two_days_the_mail_is_given_up(
    office: Office, server: MailServer
) -> None:
    server.at_recipient = lambda address: FOR_NOW
    mail_id = office.put()
    delivery, began, pauses = office.delivery(server), office.clock.now, []
    while (waiting := mail(mail_id)).next_attempt_at is not None:
        pauses.append(waiting.next_attempt_at / 1000 - office.clock.now)
        office.clock.now = waiting.next_attempt_at / 1000
        delivery.deliver()

    doubling = [5 * 2**number for number in range(10)]
    assert pauses == [0, *doubling, *[HOUR] * (len(pauses) - 11)]
    assert TWO_DAYS <= office.clock.now - began < TWO_DAYS + HOUR
    given_up = mail(mail_id)
    assert given_up.last_error == FOR_NOW
    assert given_up.failed_at == office.clock.ms
    office.clock.now += TWO_DAYS
    delivery.deliver()
    assert mail(mail_id).attempts == given_up.attempts


def test_no_mail_is_tried_before_it_is_due(office: Office, server: MailServer) -> None:
    server.at_recipient = lambda address: FOR_NOW
    mail_id = office.put()
    delivery = office.delivery(server)
    delivery.deliver()
    for seconds, attempts in ((4.999, 1), (0.001, 2), (9.999, 2), (0.001, 3)):
        office.clock.now += seconds
        delivery.deliver()
        assert mail(mail_id).attempts == attempts


@pytest.mark.parametrize("place", ["at_recipient", "at_end"])
@pytest.mark.parametrize("reply", [FOR_NOW, FOR_GOOD])
def test_a_mail_that_is_refused_does_not_hold_up_the_others(
    office: Office, server: MailServer, place: str, reply: str
) -> None:
    setattr(server, place, lambda what: reply if "bad" in str(what) else TAKEN)
    bad, good = office.put("bad@example.com"), office.put("good@example.com")
    office.delivery(server).deliver()

    assert server.recipients() == ["good@example.com"]
    assert mail(good).sent_at is not None
    refused = mail(bad)
    assert (refused.attempts, refused.last_error) == (1, reply)
    assert (refused.failed_at is not None) == (reply == FOR_GOOD)


def test_what_can_be_no_address_is_given_up_at_once(office: Office, server: MailServer) -> None:
    mail_id = office.put("ada, bob@example.com")
    office.delivery(server).deliver()

    assert server.received == []
    assert mail(mail_id).failed_at is not None
    assert "address" in (mail(mail_id).last_error or "")


@pytest.mark.parametrize("reply", ["550 5.7.1 not you", "421 4.3.2 closing down"])
def test_a_server_that_does_not_want_us_ends_the_round_and_is_tried_again(
    office: Office, server: MailServer, reply: str
) -> None:
    server.at_sender = lambda address: reply
    first, second = office.put(), office.put()
    delivery = office.delivery(server)
    delivery.deliver()

    assert {mail(first).attempts, mail(second).attempts} == {0, 1}
    assert reply in (mail(first).last_error or mail(second).last_error or "")

    server.at_sender = lambda address: "250 ok"
    office.clock.now += 5
    delivery.deliver()
    assert len(server.received) == 2


def test_a_server_that_is_away_ends_the_round_and_gets_the_mail_when_it_is_back(
    office: Office, server: MailServer
) -> None:
    mails = [office.put() for _ in range(3)]
    delivery = office.delivery(server)
    server.stop()
    delivery.deliver()

    assert sorted(mail(one).attempts for one in mails) == [0, 0, 1]
    assert not any(mail(one).failed_at for one in mails)

    server.start()
    office.clock.now += 5
    delivery.deliver()
    assert len(server.received) == 3
    assert all(mail(one).last_error is None for one in mails)


def test_a_server_that_falls_silent_is_left_after_its_time(office: Office, server: MailServer) -> None:
    server.hold_at = "end"
    mail_id = office.put()
    office.delivery(server, seconds=0.2).deliver()

    assert "timed out" in (mail(mail_id).last_error or "")

    server.hold_at = ""
    office.clock.now += 5
    office.delivery(server).deliver()
    assert server.recipients() == ["ada@example.com"]


def test_a_server_that_never_greets_is_left_after_its_time(office: Office) -> None:
    mail_id = office.put()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        office.delivery(Relay("127.0.0.1", mute.getsockname()[1]), seconds=0.2).deliver()

    assert "timed out" in (mail(mail_id).last_error or "")
    assert mail(mail_id).failed_at is None


@pytest.mark.parametrize(
    "greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff" * 20_000, b"554 go away\r\n", b""]
)
def test_what_is_no_mail_server_is_tried_again(office: Office, greeting: bytes) -> None:
    mail_id = office.put()
    with saying(greeting) as port:
        office.delivery(Relay("127.0.0.1", port)).deliver()

    assert mail(mail_id).failed_at is None
    assert mail(mail_id).last_error


def test_where_the_database_cannot_be_written_nothing_is_sent(tmp_path: Path, server: MailServer) -> None:
    office = Office(tmp_path, busy_timeout=0.05)
    office.put()
    with locked(office), pytest.raises(ApiError, match="database"):
        office.delivery(server).deliver()
    assert server.received == []

    office.delivery(server).deliver()
    assert len(server.received) == 1
    office.close()


def test_where_nothing_is_due_the_database_is_not_written(tmp_path: Path, server: MailServer) -> None:
    office = Office(tmp_path, busy_timeout=0.05)
    office.put()
    office.clock.now -= 1
    with locked(office):
        office.delivery(server).deliver()
    office.close()


def test_a_mail_that_could_not_be_marked_is_sent_again_after_its_pause_and_then_never(
    tmp_path: Path, server: MailServer
) -> None:
    office = Office(tmp_path, busy_timeout=0.05)
    office.put()
    with locked(office, now=False) as lock:

        def lock_and_take(mail: Received) -> str:
            lock.execute("BEGIN IMMEDIATE")
            return TAKEN

        server.at_end = lock_and_take
        with pytest.raises(ApiError, match="database"):
            office.delivery(server).deliver()
        server.at_end = lambda mail: TAKEN
        lock.execute("ROLLBACK")
    office.delivery(server).deliver()
    assert len(server.received) == 1, "not before its pause is over"

    office.clock.now += 5
    office.delivery(server).deliver()
    office.clock.now += TWO_DAYS
    office.delivery(server).deliver()
    first, second = server.received
    assert first.raw == second.raw, "so it has the same Message-ID"
    office.close()


def test_what_an_operator_decides_during_an_attempt_stands(office: Office, server: MailServer) -> None:
    mail_id = office.put()

    def retry_and_refuse(address: str) -> str:
        with office.ledger.change(CLI) as change:
            outbox.retry(change, mail(mail_id))
        office.db.close()  # this thread's connection
        server.at_recipient = lambda address: "250 ok"
        return FOR_GOOD

    server.at_recipient = retry_and_refuse
    office.delivery(server).deliver()

    assert server.recipients() == ["ada@example.com"]
    assert mail(mail_id).attempts == 1


def test_what_is_looked_for_each_second_is_found_by_an_index(office: Office) -> None:
    looked_for = {
        office.delivery(None)._due(1): "(next_attempt_at<?)",
        Mail.select().where(due_too_far_ahead(0)): "(next_attempt_at>?)",
        Mail.select().where(resting()): "(next_attempt_at=?)",
        Mail.select().where(resting() & (Mail.created_at <= 0)): "(next_attempt_at=? AND created_at<?)",
    }
    for query, by in looked_for.items():
        sql, parameters = query.sql()
        (step,) = (row[3] for row in office.db.execute_sql(f"EXPLAIN QUERY PLAN {sql}", parameters))
        assert step.endswith(f"USING INDEX mail_waiting {by}")


@contextmanager
def locked(office: Office, *, now: bool = True) -> Iterator[apsw.Connection]:
    """Another process that writes, and does not come to an end."""
    lock = apsw.Connection(str(office.config.database_path))
    if now:
        lock.execute("BEGIN IMMEDIATE")
    yield lock
    lock.close()
