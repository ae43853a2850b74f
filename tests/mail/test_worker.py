"""`vibekeys worker` as a process of its own, killed in the middle, against a real SMTP server."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import apsw
import pytest

from app.models import Mail
from tests.mail.office import Office, mail
from tests.mail.server import TAKEN, MailServer, Received
from tests.serve.processes import PATIENCE, REPOSITORY, environment, eventually

COMMAND = (sys.executable, "-P", "-m", "app.cli", "worker")
PROMISED_SECONDS = 10
LONGER_THAN_ANY_ROUND = 2.5

Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def start(office: Office, server: MailServer, tmp_path: Path) -> Iterator[Start]:
    """Starts a worker, which is ended with the test."""
    environ = environment(tmp_path, SMTP_URL=server.url(), MAIL_FROM="keys@example.com")
    with ExitStack() as workers, (tmp_path / "worker.log").open("ab") as log:

        def start() -> subprocess.Popen[bytes]:
            worker = subprocess.Popen(COMMAND, env=environ, cwd=REPOSITORY, stdout=log, stderr=log)
            workers.enter_context(worker)
            workers.callback(worker.kill)
            return worker

        yield start


def is_sent(mail_id: str) -> bool:
    return mail(mail_id).sent_at is not None


def let_its_pause_pass(mail_id: str) -> None:
    """The pause after an attempt, which a worker that is killed in it leaves as well."""
    Mail.update(next_attempt_at=0).where(Mail.id == mail_id).execute()


def kill(worker: subprocess.Popen[bytes]) -> None:
    worker.kill()
    worker.wait(PATIENCE)


def test_a_mail_arrives_within_the_promised_time(office: Office, server: MailServer, start: Start) -> None:
    start()
    eventually(lambda: "worker.started" in log_of(office), "the worker works")
    office.clock.now = began = time.time()
    mail_id = office.put()
    eventually(lambda: is_sent(mail_id), "the mail is sent")

    assert server.recipients() == ["ada@example.com"]
    assert time.time() - began < PROMISED_SECONDS


def test_nobody_has_to_do_anything_after_a_worker_was_killed_over_a_mail(
    office: Office, server: MailServer, start: Start
) -> None:
    server.hold_at = "end"
    worker = start()
    mail_id = office.put()
    assert server.held.wait(PATIENCE)
    server.hold_at = ""
    kill(worker)
    start()
    eventually(lambda: is_sent(mail_id), "the mail is sent")

    assert len(server.received) == 1


@pytest.mark.parametrize("place", ["recipient", "end"])
def test_a_worker_killed_before_the_server_has_taken_the_mail_sends_it_again(
    office: Office, server: MailServer, start: Start, place: str
) -> None:
    server.hold_at = place
    mail_id = office.put()
    worker = start()
    assert server.held.wait(PATIENCE)
    kill(worker)
    assert not is_sent(mail_id)

    server.hold_at = ""
    let_its_pause_pass(mail_id)
    start()
    eventually(lambda: is_sent(mail_id), "the mail is sent")
    assert len(server.received) == 1


def test_a_worker_killed_between_the_answer_and_the_mark_sends_it_again(
    office: Office, server: MailServer, start: Start
) -> None:
    lock = apsw.Connection(str(office.config.database_path))

    def lock_and_take(received: Received) -> str:
        lock.execute("BEGIN IMMEDIATE")
        return TAKEN

    server.at_end = lock_and_take
    mail_id = office.put()
    worker = start()
    eventually(lambda: server.answered_mails, "the server has answered")
    kill(worker)
    lock.close()
    assert not is_sent(mail_id)

    server.at_end = lambda received: TAKEN
    let_its_pause_pass(mail_id)
    start()
    eventually(lambda: is_sent(mail_id), "the mail is sent")
    first, second = server.received
    assert first.raw == second.raw


def test_a_worker_killed_after_the_mark_does_not_send_it_again(
    office: Office, server: MailServer, start: Start
) -> None:
    first = office.put("first@example.com")
    worker = start()
    eventually(lambda: is_sent(first), "the mail is sent")
    kill(worker)

    let_its_pause_pass(first)
    second = office.put("second@example.com")
    start()
    eventually(lambda: is_sent(second), "the mail is sent")
    assert server.recipients() == ["first@example.com", "second@example.com"]


def test_two_workers_at_once_send_each_mail_once(office: Office, server: MailServer, start: Start) -> None:
    mails = [office.put(f"{number}@example.com") for number in range(30)]
    start()
    start()
    eventually(lambda: all(map(is_sent, mails)), "all are sent")
    last = office.put("last@example.com")
    eventually(lambda: is_sent(last), "a later one too")

    assert sorted(server.recipients()) == sorted(row.recipient for row in Mail.select())


def test_it_ends_at_once_when_it_is_told_to_while_mails_wait_for_their_next_attempt(
    office: Office, server: MailServer, start: Start
) -> None:
    server.at_recipient = lambda address: "451 later"
    mail_id = office.put()
    worker = start()
    eventually(lambda: mail(mail_id).last_error, "the mail is refused")
    worker.send_signal(signal.SIGTERM)

    assert worker.wait(PROMISED_SECONDS) == 0
    assert mail(mail_id).failed_at is None


def test_a_mail_that_is_under_way_when_it_is_told_to_end_is_sent_and_marked(
    office: Office, server: MailServer, start: Start
) -> None:
    server.hold_at = "end"
    mail_id = office.put()
    worker = start()
    assert server.held.wait(PATIENCE)
    worker.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(LONGER_THAN_ANY_ROUND)
    server.release()

    assert worker.wait(PROMISED_SECONDS) == 0
    assert is_sent(mail_id)


def test_it_ends_although_the_mail_server_does_not_answer(
    office: Office, server: MailServer, start: Start
) -> None:
    server.hold_at = "end"
    mail_id = office.put()
    worker = start()
    assert server.held.wait(PATIENCE)
    worker.send_signal(signal.SIGTERM)

    assert worker.wait(PROMISED_SECONDS) == 0
    assert not is_sent(mail_id)


def log_of(office: Office) -> str:
    return (office.config.state_dir / "worker.log").read_text()
