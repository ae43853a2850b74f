"""`vibekeys mail`."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.ledger import Change
from app.mail import outbox
from app.models import Audit, Mail
from tests.cli.terminal import UUID, Terminal
from tests.db.installation import CLI
from tests.mail.office import Office, mail

FIELDS = [
    "id",
    "kind",
    "ref",
    "recipient",
    "subject",
    "status",
    "attempts",
    "createdAt",
    "nextAttemptAt",
    "sentAt",
    "failedAt",
    "lastError",
]
SENT = {"sent_at": 1_700_000_000_000}
FAILED = {"failed_at": 1_700_000_000_000, "attempts": 57, "last_error": "451 \x1b[31mlater"}
RESTING = {"next_attempt_at": None}
UNKNOWN = "01975d3e-0000-7000-8000-000000000000"


@pytest.fixture
def terminal(office: Office, tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "vibekeys.db")


def put(office: Office, recipient: str, **values: object) -> str:
    mail_id = office.put(recipient)
    office.clock.now += 1
    if values:
        Mail.update(values).where(Mail.id == mail_id).execute()
    return mail_id


@pytest.fixture
def failed(office: Office) -> str:
    return put(office, "ada@example.com", **FAILED)


def audited(action: str) -> list[str]:
    return [row.target_id for row in Audit.select().where(Audit.action == action)]


def test_the_list_shows_what_became_of_each_the_newest_first(terminal: Terminal, office: Office) -> None:
    for recipient, values in {"sent": SENT, "failed": FAILED, "resting": RESTING, "waiting": {}}.items():
        put(office, recipient, **values)
    listed = terminal.json("mail", "list")

    assert [(row["recipient"], row["status"]) for row in listed] == [
        ("waiting", "WAITING"),
        ("resting", "RESTING"),
        ("failed", "FAILED"),
        ("sent", "SENT"),
    ]
    assert all(list(row) == FIELDS and UUID.fullmatch(row["id"]) for row in listed)
    assert listed[2]["failedAt"] == "2023-11-14T22:13:20.000Z"
    assert (listed[1]["nextAttemptAt"], listed[3]["sentAt"]) == (None, "2023-11-14T22:13:20.000Z")


def test_only_those_that_were_given_up_are_listed(terminal: Terminal, office: Office, failed: str) -> None:
    put(office, "bob@example.com")

    assert [row["id"] for row in terminal.json("mail", "list", "--failed")] == [failed]
    heading, line = terminal.table("mail", "list", "--failed")
    assert heading.split()[:4] == ["id", "kind", "recipient", "status"]
    assert failed in line
    assert "\x1b" not in line


def test_a_mail_that_was_given_up_is_tried_again_as_a_new_one(terminal: Terminal, failed: str) -> None:
    shown = terminal.json("mail", "retry", failed)

    assert (shown["status"], shown["attempts"], shown["lastError"]) == ("WAITING", 0, None)
    assert mail(failed).next_attempt_at is not None
    assert audited("mail.retried") == [failed]


def test_all_that_were_given_up_are_tried_again(terminal: Terminal, office: Office, failed: str) -> None:
    second = put(office, "bob@example.com", **FAILED)
    waiting, sent = put(office, "carl@example.com"), put(office, "dora@example.com", **SENT)

    assert terminal.json("mail", "retry", "--all-failed") == {"retried": 2}
    assert [mail(one).failed_at for one in (failed, second)] == [None, None]
    assert mail(waiting).next_attempt_at == mail(waiting).created_at
    assert mail(sent).sent_at is not None
    assert audited("mail.retried") == [failed, second]
    assert terminal.json("mail", "retry", "--all-failed") == {"retried": 0}


def test_more_than_one_transaction_takes_are_discarded(terminal: Terminal, office: Office) -> None:
    with office.db.atomic():
        for _ in range(501):
            put(office, "ada@example.com", **FAILED)

    assert terminal.json("mail", "discard", "--all-failed") == {"discarded": 501}
    assert Mail.select().count() == 0


def test_what_fails_again_meanwhile_is_not_taken_a_second_time(office: Office) -> None:
    mails = [put(office, "ada@example.com", **FAILED) for _ in range(3)]
    tried: list[str] = []

    def retry_in_vain(change: Change, chosen: Mail) -> None:
        outbox.retry(change, chosen)
        Mail.update(FAILED).where(Mail.id == chosen.id).execute()
        tried.append(chosen.id)
        assert len(tried) <= len(mails)

    assert outbox.for_each(office.ledger, CLI, Mail.failed_at.is_null(False), retry_in_vain) == 3
    assert tried == mails


def test_what_is_sent_meanwhile_is_left_alone(office: Office) -> None:
    with office.db.atomic():
        mails = [put(office, "ada@example.com", **FAILED) for _ in range(501)]
    discarded: list[str] = []

    def discard(change: Change, chosen: Mail) -> None:
        discarded.append(chosen.id)
        outbox.discard(change, chosen)
        Mail.update(**SENT, failed_at=None).where(Mail.id == mails[-1]).execute()

    assert outbox.for_each(office.ledger, CLI, Mail.failed_at.is_null(False), discard) == 500
    assert discarded == mails[:-1]


def test_mails_that_failed_before_the_clock_was_put_back_are_tried_again(
    terminal: Terminal, office: Office
) -> None:
    put(office, "ada@example.com", **{**FAILED, "failed_at": 9_000_000_000_000})

    assert terminal.json("mail", "retry", "--all-failed") == {"retried": 1}


def test_all_that_rest_are_discarded(terminal: Terminal, office: Office, failed: str) -> None:
    resting = [put(office, "bob@example.com", **RESTING) for _ in range(2)]
    put(office, "carl@example.com")
    put(office, "dora@example.com", **SENT, **RESTING)

    assert terminal.json("mail", "discard", "--all-resting") == {"discarded": 2}
    assert [mail.recipient for mail in Mail.select().order_by(Mail.id)] == [
        "ada@example.com",
        "carl@example.com",
        "dora@example.com",
    ]
    assert audited("mail.discarded") == resting


def test_the_list_shows_fifty_or_as_many_as_are_asked_for(terminal: Terminal, office: Office) -> None:
    with office.db.atomic():
        mails = [put(office, "ada@example.com") for _ in range(51)]

    for words, shown in (((), mails[:0:-1]), (("--limit", "2"), mails[:48:-1])):
        assert [row["id"] for row in terminal.json("mail", "list", *words)] == shown
    assert "--limit" in terminal.misused("mail", "list", "--limit", "0")


def test_the_list_reads_no_texts(terminal: Terminal, office: Office, failed: str) -> None:
    office.db.execute_sql("UPDATE mail SET body = CAST(x'ff' AS TEXT)")
    with pytest.raises(UnicodeDecodeError):
        mail(failed)

    assert [row["id"] for row in terminal.json("mail", "list")] == [failed]


def test_a_mail_that_was_not_sent_can_be_discarded(terminal: Terminal, failed: str) -> None:
    assert terminal.json("mail", "discard", failed) == {"id": failed, "deleted": True}
    assert terminal.json("mail", "list") == []
    assert audited("mail.discarded") == [failed]


@pytest.mark.parametrize("command", ["retry", "discard"])
def test_a_mail_that_was_sent_stays_as_it_is(terminal: Terminal, office: Office, command: str) -> None:
    sent = put(office, "ada@example.com", **SENT)

    assert terminal.refused("mail", command, sent) == "VALIDATION_ERROR: The mail was sent already."
    assert mail(sent).sent_at is not None
    assert audited(f"mail.{command}") == []


@pytest.mark.parametrize("command", ["retry", "discard"])
def test_an_unknown_mail_is_refused(terminal: Terminal, command: str) -> None:
    assert terminal.refused("mail", command, UNKNOWN).startswith("ENTITY_NOT_FOUND: ")


@pytest.mark.parametrize("command", ["retry", "discard"])
@pytest.mark.parametrize("words", [(), (UNKNOWN, "--all-failed")])
def test_it_is_either_one_or_all(terminal: Terminal, command: str, words: tuple[str, ...]) -> None:
    assert "--all-failed" in terminal.misused("mail", command, *words)


def test_it_is_either_all_that_failed_or_all_that_rest(terminal: Terminal) -> None:
    assert "--all-resting" in terminal.misused("mail", "discard", "--all-failed", "--all-resting")
