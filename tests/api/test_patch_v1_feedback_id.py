"""PATCH /v1/feedback/{id}: the team sets status and resolution."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.feedback import STATUSES
from app.models import Audit
from tests.api.desk import TICKET_FIELDS, Desk
from tests.api.world import UNKNOWN_ID

MAILED = {"AWAITING_USER", "RESOLVED"}


@pytest.mark.parametrize("after", STATUSES)
@pytest.mark.parametrize("before", STATUSES)
def test_200_any_status_after_any_other(still_desk: Desk, before: str, after: str) -> None:
    ticket_id = still_desk.open(status=before)
    mails = len(still_desk.mails(ticket_id))

    answer = still_desk.update(ticket_id, status=after)

    assert (answer.status, list(answer.data), answer.data["status"]) == (200, TICKET_FIELDS, after)
    assert still_desk.read(ticket_id).data == {**answer.data, "comments": []}
    new_mails = still_desk.mails(ticket_id)[mails:]
    expected = [f"ticket.{after}"] if after in MAILED and after != before else []
    assert [mail.kind for mail in new_mails] == expected


def test_200_resolution_is_set_and_taken_away_and_the_status_stays(desk: Desk) -> None:
    ticket_id = desk.open(status="REVIEWING")

    answer = desk.update(ticket_id, resolution="Mended in 4.2.\nThank you.")
    assert (answer.data["resolution"], answer.data["status"]) == ("Mended in 4.2.\nThank you.", "REVIEWING")
    assert desk.update(ticket_id, resolution=None).data["resolution"] is None
    assert desk.mails(ticket_id) == []


def test_200_status_and_resolution_at_once_mail_the_resolution(desk: Desk) -> None:
    ticket_id = desk.open()

    desk.update(ticket_id, status="RESOLVED", resolution="Mended in 4.2.")

    (mail,) = desk.mails(ticket_id)
    assert mail.recipient == desk.world.admin.account.email
    assert "Mended in 4.2." in mail.body


def test_200_a_question_without_a_comment_says_that_an_answer_is_awaited(desk: Desk) -> None:
    ticket_id = desk.open()

    desk.update(ticket_id, resolution="Mended in 4.2.")
    desk.update(ticket_id, status="AWAITING_USER")

    (mail,) = desk.mails(ticket_id)
    assert mail.kind == "ticket.AWAITING_USER"
    assert "\n\nThe team awaits your answer.\n\n" in mail.body
    assert "Mended" not in mail.body


def test_200_a_question_without_a_comment_is_about_the_teams_last_comment(desk: Desk) -> None:
    ticket_id = desk.open()
    desk.comment(ticket_id, text="We see it.", status="REVIEWING")
    desk.comment(ticket_id, text="Which browser?", status="REVIEWING")
    desk.comment(ticket_id, desk.author, text="Any news?")

    desk.update(ticket_id, status="AWAITING_USER")

    (mail,) = desk.mails(ticket_id)
    assert (
        "The team awaits your answer. It is about the team's last comment:\n\nWhich browser?\n" in mail.body
    )
    assert "Any news?" not in mail.body
    assert "We see it." not in mail.body


def test_200_what_is_already_so_is_no_change(desk: Desk) -> None:
    ticket_id = desk.open()
    changed = desk.update(ticket_id, status="RESOLVED", resolution="Mended.").data
    desk.world.service.clock.now += 5
    before = desk.world.service.rows()

    again = desk.update(ticket_id, status="RESOLVED", resolution="Mended.")

    assert again.data == changed
    assert desk.world.service.rows() == before


def test_200_updated_at_moves_and_created_at_stays(desk: Desk) -> None:
    ticket_id = desk.open()
    opened = desk.read(ticket_id).data
    desk.world.service.clock.now += 5

    changed = desk.update(ticket_id, status="REVIEWING").data

    assert changed["createdAt"] == opened["createdAt"]
    assert changed["updatedAt"] > opened["updatedAt"]


def test_200_is_audited_with_before_and_after_and_without_the_resolution(desk: Desk) -> None:
    ticket_id = desk.open()
    desk.update(ticket_id, status="RESOLVED", resolution="Mended.")
    desk.update(ticket_id, resolution="Mended in 4.2.")
    desk.update(ticket_id, status="REVIEWING")
    desk.update(ticket_id, resolution=None)

    changes = (Audit.target_id == ticket_id) & (Audit.action == "ticket.changed")
    rows = list(Audit.select().where(changes).order_by(Audit.seq))
    assert [(json.loads(row.before), json.loads(row.after)) for row in rows] == [
        ({"status": "NEW", "resolution": None}, {"status": "RESOLVED", "resolution": "changed"}),
        ({"status": "RESOLVED", "resolution": "set"}, {"status": "RESOLVED", "resolution": "changed"}),
        ({"status": "RESOLVED", "resolution": "set"}, {"status": "REVIEWING", "resolution": "set"}),
        ({"status": "REVIEWING", "resolution": "set"}, {"status": "REVIEWING", "resolution": None}),
    ]
    assert (rows[0].actor_account_id, rows[0].address) == (desk.world.stranger.account.id, "127.0.0.1")


@pytest.mark.parametrize("length", [1, 9_999, 10_000])
def test_200_resolution_of_every_length(still_desk: Desk, length: int) -> None:
    answer = still_desk.update(still_desk.open(), resolution="r" * length)

    assert answer.data["resolution"] == "r" * length


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "_body"),
        *(({"status": value}, "status") for value in ("new", "", "OPEN", None, 1, ["NEW"])),
        *(
            ({"resolution": value}, "resolution")
            for value in ("", " ", "r" * 10_001, "a\0b", "\ud800", 5, [])
        ),
        *(({name: "x"}, name) for name in ("title", "category", "text", "comments", "updatedAt")),
        ({"status": "NEW", "portalId": UNKNOWN_ID}, "portalId"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_400_names_the_field_and_changes_nothing(
    still_desk: Desk, fields: dict[str, Any], named: str
) -> None:
    ticket_id = still_desk.open()
    before = still_desk.read(ticket_id).data

    answer = still_desk.update(ticket_id, **fields)

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == [named]
    assert still_desk.read(ticket_id).data == before


def test_403_authors_do_not_set_the_status(desk: Desk) -> None:
    ticket_id = desk.open()

    answer = desk.update(ticket_id, desk.author, status="RESOLVED")

    assert (answer.status, answer.code) == (403, "KEY_TYPE_NOT_ALLOWED")
    assert desk.read(ticket_id).data["status"] == "NEW"


def test_403_without_the_scope(desk: Desk) -> None:
    answer = desk.update(desk.open(), desk.world.admin.management_key, status="RESOLVED")

    assert (answer.status, answer.code) == (403, "MANAGEMENT_SCOPE_REQUIRED")


def test_404_unknown(still_desk: Desk) -> None:
    assert still_desk.update(UNKNOWN_ID, status="NEW").code == "ENTITY_NOT_FOUND"


def test_a_raw_key_in_the_resolution_is_cut(desk: Desk) -> None:
    ticket_id = desk.open()

    answer = desk.update(ticket_id, status="RESOLVED", resolution=f"Rotate {desk.author}.")

    assert answer.data["resolution"] == f"Rotate {desk.author[:15]}***."
    assert desk.author not in repr(desk.world.service.rows())
