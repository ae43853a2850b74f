"""GET /v1/feedback/{id}: one ticket with its thread."""

from __future__ import annotations

import pytest

from tests.api.desk import TICKET_FIELDS, Desk
from tests.api.world import UNKNOWN_ID


def test_200_has_the_thread_oldest_first(desk: Desk) -> None:
    ticket_id = desk.open()
    desk.comment(ticket_id, text="Which browser?", status="AWAITING_USER")
    desk.comment(ticket_id, desk.author, text="All of them.")
    desk.comment(ticket_id, text="Mended.", status="RESOLVED")

    answer = desk.read(ticket_id)

    assert list(answer.data) == [*TICKET_FIELDS, "comments"]
    thread = answer.data["comments"]
    assert all(list(comment) == ["id", "author", "text", "status", "createdAt"] for comment in thread)
    assert [(comment["author"], comment["text"], comment["status"]) for comment in thread] == [
        ("TEAM", "Which browser?", "AWAITING_USER"),
        ("USER", "All of them.", "NEEDS_REVIEW"),
        ("TEAM", "Mended.", "RESOLVED"),
    ]
    assert [comment["createdAt"] for comment in thread] == sorted(
        {comment["createdAt"] for comment in thread}
    )
    assert answer.data["updatedAt"] == thread[-1]["createdAt"]
    assert desk.read(ticket_id, desk.author).data == answer.data


def test_200_for_every_portal_key_of_the_author_on_the_portal(desk: Desk) -> None:
    ticket_id = desk.open()
    others = (desk.world.portal_key(), desk.world.portal_key(key_type="authorization"))

    assert {desk.read(ticket_id, issued.raw_key).status for issued in others} == {200}


def test_200_the_id_may_be_written_in_capitals(desk: Desk) -> None:
    ticket_id = desk.open()

    assert desk.read(ticket_id.upper()).data["id"] == ticket_id


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_404_another_owners_or_portals_is_what_does_not_exist(desk: Desk, method: str) -> None:
    world, ticket_id = desk.world, desk.open()
    world.join(world.other_portal, world.admin, "ADMIN")
    callers = (
        world.portal_key(world.member),
        world.portal_key(portal=world.other_portal),
        world.portal_key(world.stranger, portal=world.other_portal),
    )

    for issued in callers:
        of_another, unknown = (
            desk.read(id, issued.raw_key) if method == "GET" else desk.comment(id, issued.raw_key, text="a")
            for id in (ticket_id, UNKNOWN_ID)
        )
        assert (unknown.status, unknown.code) == (404, "ENTITY_NOT_FOUND")
        assert of_another.bytes_but_request_id == unknown.bytes_but_request_id


@pytest.mark.parametrize("ticket_id", ["7", UNKNOWN_ID[:-1], f"{UNKNOWN_ID}0", "%00", "%C3%A9", "x" * 500])
def test_404_what_can_be_no_id(still_desk: Desk, ticket_id: str) -> None:
    assert still_desk.read(ticket_id).code == "ENTITY_NOT_FOUND"
    assert still_desk.update(ticket_id, status="NEW").code == "ENTITY_NOT_FOUND"
    assert still_desk.comment(ticket_id, text="a", status="RESOLVED").code == "ENTITY_NOT_FOUND"
