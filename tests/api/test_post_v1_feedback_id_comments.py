"""POST /v1/feedback/{id}/comments: the team answers with a status, the author replies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.feedback import ANSWER_STATUSES, STATUSES
from app.models import Audit
from tests.api.desk import TICKET_FIELDS, Desk
from tests.api.world import PUBLIC_URL, UNKNOWN_ID

MAILED = {"AWAITING_USER", "RESOLVED"}
AFTER_A_REPLY = {
    "NEW": "NEW",
    "REVIEWING": "REVIEWING",
    "AWAITING_USER": "NEEDS_REVIEW",
    "NEEDS_REVIEW": "NEEDS_REVIEW",
    "RESOLVED": "NEEDS_REVIEW",
}


@pytest.mark.parametrize("after", ANSWER_STATUSES)
@pytest.mark.parametrize("before", STATUSES)
def test_201_the_team_sets_any_status_but_new_after_any(still_desk: Desk, before: str, after: str) -> None:
    ticket_id = still_desk.open(status=before)
    mails = len(still_desk.mails(ticket_id))

    answer = still_desk.comment(ticket_id, text="What we say.", status=after)

    assert (answer.status, list(answer.data), answer.data["status"]) == (
        201,
        [*TICKET_FIELDS, "comments"],
        after,
    )
    (comment,) = answer.data["comments"]
    assert (comment["author"], comment["text"], comment["status"]) == ("TEAM", "What we say.", after)
    assert still_desk.read(ticket_id).data == answer.data
    new_mails = still_desk.mails(ticket_id)[mails:]
    assert [mail.kind for mail in new_mails] == ([f"ticket.{after}"] if after in MAILED else [])


@pytest.mark.parametrize("before", AFTER_A_REPLY)
def test_201_the_authors_reply_moves_the_status_by_the_table(still_desk: Desk, before: str) -> None:
    ticket_id = still_desk.open(status=before)
    mails = len(still_desk.mails(ticket_id))

    answer = still_desk.comment(ticket_id, still_desk.author, text="What I say.")

    assert (answer.status, answer.data["status"]) == (201, AFTER_A_REPLY[before])
    (comment,) = answer.data["comments"]
    assert (comment["author"], comment["text"]) == ("USER", "What I say.")
    assert comment["status"] == AFTER_A_REPLY[before]
    assert len(still_desk.mails(ticket_id)) == mails


def test_409_the_author_cannot_comment_an_archived_ticket_until_the_team_opens_it(desk: Desk) -> None:
    ticket_id = desk.open(status="ARCHIVED")
    before = desk.world.service.rows()

    answer = desk.comment(ticket_id, desk.author, text="But it is there.")
    assert (answer.status, answer.code) == (409, "TICKET_ARCHIVED")
    assert desk.world.service.rows() == before

    desk.comment(ticket_id, text="We look again.", status="REVIEWING")
    assert desk.comment(ticket_id, desk.author, text="But it is there.").status == 201


@pytest.mark.parametrize("caller", ["team", "author"])
def test_409_a_thread_has_an_end_after_500_comments(desk: Desk, caller: str) -> None:
    status = {"status": "RESOLVED"} if caller == "team" else {}
    ticket_id = desk.open()
    desk.fill(ticket_id, ["c"] * 499)

    assert len(desk.comment(ticket_id, getattr(desk, caller), text="a", **status).data["comments"]) == 500
    before = desk.world.service.rows()
    answer = desk.comment(ticket_id, getattr(desk, caller), text="a", **status)

    assert (answer.status, answer.code) == (409, "TICKET_FULL")
    assert answer.error["details"] == {"comments": 500, "bytes": 1_000_000}
    assert desk.world.service.rows() == before


@pytest.mark.parametrize("caller", ["team", "author"])
def test_409_a_thread_has_an_end_after_a_million_bytes(desk: Desk, caller: str) -> None:
    status = {"status": "RESOLVED"} if caller == "team" else {}
    ticket_id = desk.open()
    desk.fill(ticket_id, ["\U0001f600" * 10_000] * 24 + ["c" * 39_990])

    assert desk.comment(ticket_id, getattr(desk, caller), text="é" * 5 + "a", **status).code == "TICKET_FULL"
    assert desk.comment(ticket_id, getattr(desk, caller), text="é" * 5, **status).status == 201
    assert desk.comment(ticket_id, getattr(desk, caller), text="a", **status).code == "TICKET_FULL"


def test_a_full_ticket_can_be_closed(desk: Desk) -> None:
    ticket_id = desk.open()
    desk.fill(ticket_id, ["c"] * 500)

    answer = desk.update(ticket_id, status="RESOLVED", resolution="Mended, see the new ticket.")

    assert (answer.status, answer.data["status"]) == (200, "RESOLVED")


def test_201_mails_the_text_to_the_author_each_time(desk: Desk) -> None:
    ticket_id = desk.open(title="The filter is lost")

    for question in ("Which browser?", "Which version?"):
        desk.comment(ticket_id, text=question, status="AWAITING_USER")

    mails = desk.mails(ticket_id)
    assert {mail.recipient for mail in mails} == {desk.world.admin.account.email}
    assert {mail.kind for mail in mails} == {"ticket.AWAITING_USER"}
    for question in ("Which browser?", "Which version?"):
        assert len([mail for mail in mails if question in mail.body]) == 1
    assert all("The filter is lost" in mail.subject and mail.sent_at is None for mail in mails)
    assert all(f" {PUBLIC_URL}/v1/feedback/{ticket_id}/comments\n" in mail.body for mail in mails)


def test_201_is_audited_without_the_text(desk: Desk) -> None:
    ticket_id = desk.open()
    comments = desk.comment(ticket_id, text="what only the thread tells", status="AWAITING_USER").data[
        "comments"
    ]
    comments = desk.comment(ticket_id, desk.author, text="and this").data["comments"]

    rows = Audit.select().where(Audit.target_id == ticket_id, Audit.action == "ticket.commented")
    told = [(json.loads(row.before), json.loads(row.after)) for row in rows.order_by(Audit.seq)]
    assert told == [
        (
            {"status": before},
            {"status": comment["status"], "comment_id": comment["id"], "author": comment["author"]},
        )
        for before, comment in zip(("NEW", "AWAITING_USER"), comments, strict=True)
    ]


@pytest.mark.parametrize("text", ["t", "t" * 9_999, "t" * 10_000, "two\r\nlines\tand more"], ids=len)
@pytest.mark.parametrize("caller", ["team", "author"])
def test_201_text_comes_back_as_it_was_sent(still_desk: Desk, caller: str, text: str) -> None:
    status = {"status": "REVIEWING"} if caller == "team" else {}

    answer = still_desk.comment(still_desk.open(), getattr(still_desk, caller), text=text, **status)

    assert (answer.status, answer.data["comments"][0]["text"]) == (201, text)


@pytest.mark.parametrize(
    "text", ["", " \n", "t" * 10_001, "a\0b", "a\ud800b", "\x1b[31m", None, 5, ["a"]], ids=repr
)
@pytest.mark.parametrize("caller", ["team", "author"])
def test_400_names_the_text_and_keeps_nothing(still_desk: Desk, caller: str, text: Any) -> None:
    status = {"status": "RESOLVED"} if caller == "team" else {}
    ticket_id = still_desk.open()
    before = still_desk.read(ticket_id).data

    answer = still_desk.comment(ticket_id, getattr(still_desk, caller), text=text, **status)

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == ["text"]
    assert still_desk.read(ticket_id).data == before


@pytest.mark.parametrize("status", ["NEW", "new", "", "OPEN", None, 5, ["RESOLVED"]], ids=repr)
def test_400_the_team_sets_a_status_that_is_one_and_not_new(still_desk: Desk, status: Any) -> None:
    answer = still_desk.comment(still_desk.open(), text="a", status=status)

    assert (answer.status, list(answer.error["details"])) == (400, ["status"])


@pytest.mark.parametrize(
    ("caller", "fields", "named"),
    [
        ("team", {"text": "a"}, "status"),
        ("team", {"status": "RESOLVED"}, "text"),
        ("team", {"text": "a", "status": "RESOLVED", "resolution": "b"}, "resolution"),
        ("team", {"text": "a", "status": "RESOLVED", "author": "USER"}, "author"),
        ("author", {"text": "a", "status": "NEEDS_REVIEW"}, "status"),
        ("author", {"text": "a", "author": "TEAM"}, "author"),
        ("author", {}, "text"),
    ],
)
def test_400_names_what_is_missing_or_not_the_callers(
    still_desk: Desk, caller: str, fields: dict[str, str], named: str
) -> None:
    answer = still_desk.comment(still_desk.open(), getattr(still_desk, caller), **fields)

    assert (answer.status, list(answer.error["details"])) == (400, [named])


def test_404_unknown(still_desk: Desk) -> None:
    assert still_desk.comment(UNKNOWN_ID, text="a", status="RESOLVED").code == "ENTITY_NOT_FOUND"


def test_comments_of_one_millisecond_keep_their_order(desk: Desk) -> None:
    ticket_id = desk.open()

    for number in range(5):
        desk.comment(ticket_id, text=f"comment {number}", status="REVIEWING")

    thread = desk.read(ticket_id).data["comments"]
    assert [comment["text"] for comment in thread] == [f"comment {number}" for number in range(5)]


@pytest.mark.parametrize("caller", ["team", "author"])
def test_a_raw_key_in_the_text_is_cut(desk: Desk, caller: str) -> None:
    ticket_id = desk.open()
    status = {"status": "AWAITING_USER"} if caller == "team" else {}

    answer = desk.comment(ticket_id, getattr(desk, caller), text=f"Is {desk.author} yours?", **status)

    assert answer.data["comments"][0]["text"] == f"Is {desk.author[:15]}*** yours?"
    assert desk.author not in repr(desk.world.service.rows())
