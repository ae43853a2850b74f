"""Feedback: the team's desk, and an author's own tickets."""

from __future__ import annotations

import html
from typing import Any

import pytest

from app.models import Mail, Ticket, TicketComment
from tests.api.world import UNKNOWN_ID, World
from tests.dashboard.browser import PROBES, Browser
from tests.dashboard.conftest import SignedIn

TICKET = {"category": "BUG", "title": "The filter is lost", "description": "When a deal is opened."}


@pytest.fixture
def author(world: World, signed_in: SignedIn) -> Browser:
    return signed_in(world.member.account)


def opened(author: Browser, world: World, **fields: str) -> str:
    """The id of a new ticket, opened by its form."""
    answer = author.post("/dashboard/feedback/new", {**TICKET, "portal": world.portal.id, **fields})
    assert answer.status == 303, answer.body
    return str(answer.headers["Location"].rpartition("/")[2])


def test_an_author_opens_a_ticket_and_sees_it(author: Browser, world: World) -> None:
    id = opened(author, world)
    assert TICKET["title"] in author.get("/dashboard/feedback").body.decode()
    page = author.get(f"/dashboard/feedback/{id}").body.decode()
    assert TICKET["description"] in page
    assert "Your reply" in page
    assert Ticket.get_by_id(id).author_id == world.member.account.id


def test_a_ticket_is_about_a_portal_of_the_authors(author: Browser, world: World) -> None:
    for portal_id in (world.other_portal.id, UNKNOWN_ID, "", "x"):
        answer = author.post("/dashboard/feedback/new", {**TICKET, "portal": portal_id})
        assert answer.status == 400
        assert "Choose one of your portals." in answer.body.decode()
        assert TICKET["description"] in answer.body.decode()


def test_who_is_a_member_of_no_portal_is_told_so(world: World, signed_in: SignedIn) -> None:
    page = signed_in(world.new_tenant().account).get("/dashboard/feedback/new")
    assert "you are a member of none" in page.body.decode()


def test_the_team_answers_and_sets_the_status_and_the_author_is_mailed(
    author: Browser, operator: Browser, world: World
) -> None:
    id = opened(author, world)
    asked = operator.post(f"/dashboard/feedback/{id}", {"text": "Which deal?", "status": "AWAITING_USER"})
    assert asked.status == 303
    assert "Which deal?" in author.get(f"/dashboard/feedback/{id}").body.decode()
    assert Mail.select().where(Mail.ref == id, Mail.recipient == world.member.account.email).count() == 1

    assert author.post(f"/dashboard/feedback/{id}", {"text": "Number 5."}).status == 303
    assert Ticket.get_by_id(id).status == "NEEDS_REVIEW"

    fields = {"text": "It is mended.", "status": "RESOLVED", "resolution": "The filter is kept."}
    assert operator.post(f"/dashboard/feedback/{id}", fields).status == 303
    ticket = Ticket.get_by_id(id)
    assert (ticket.status, ticket.resolution) == ("RESOLVED", "The filter is kept.")
    said = TicketComment.select().where(TicketComment.ticket == id).order_by(TicketComment.created_at)
    assert [(comment.author, comment.text) for comment in said] == [
        ("TEAM", "Which deal?"),
        ("USER", "Number 5."),
        ("TEAM", "It is mended."),
    ]


def test_a_status_alone_is_set_without_a_comment(author: Browser, operator: Browser, world: World) -> None:
    id = opened(author, world)
    assert operator.post(f"/dashboard/feedback/{id}", {"text": " ", "status": "REVIEWING"}).status == 303
    assert Ticket.get_by_id(id).status == "REVIEWING"
    assert not TicketComment.select().where(TicketComment.ticket == id).exists()


def test_an_answer_that_is_refused_keeps_what_was_typed(
    author: Browser, operator: Browser, world: World
) -> None:
    id = opened(author, world)
    refused = operator.post(f"/dashboard/feedback/{id}", {"text": "Kept.", "status": "NEW"})
    assert refused.status == 400
    assert "Kept.</textarea>" in refused.body.decode()
    assert author.post(f"/dashboard/feedback/{id}", {"text": "x" * 10_001}).status == 400
    assert not TicketComment.select().where(TicketComment.ticket == id).exists()


def test_an_archived_ticket_takes_no_reply(author: Browser, operator: Browser, world: World) -> None:
    id = opened(author, world)
    operator.post(f"/dashboard/feedback/{id}", {"status": "ARCHIVED"})
    assert "This ticket is archived" in author.get(f"/dashboard/feedback/{id}").body.decode()
    assert author.post(f"/dashboard/feedback/{id}", {"text": "But."}).status == 409


def test_an_author_sets_no_status(author: Browser, world: World) -> None:
    id = opened(author, world)
    author.post(f"/dashboard/feedback/{id}", {"text": "Done.", "status": "RESOLVED", "resolution": "x"})
    ticket = Ticket.get_by_id(id)
    assert (ticket.status, ticket.resolution) == ("NEW", None)


def test_others_find_nothing(author: Browser, world: World, signed_in: SignedIn) -> None:
    id = opened(author, world)
    # An ADMIN of the portal is not of the team either.
    for tenant in (world.stranger, world.admin):
        other = signed_in(tenant.account)
        theirs, unknown = (other.get(f"/dashboard/feedback/{one}") for one in (id, UNKNOWN_ID))
        assert theirs.status == unknown.status == 404
        assert TICKET["title"] not in other.get("/dashboard/feedback").body.decode()
        assert other.post(f"/dashboard/feedback/{id}", {"text": "x", "status": "RESOLVED"}).status == 404


def test_who_holds_the_scope_of_the_team_works_at_the_desk_until_the_key_ends(
    author: Browser, world: World, signed_in: SignedIn
) -> None:
    id, tenant = opened(author, world), world.new_tenant()
    browser = signed_in(tenant.account)
    assert browser.get(f"/dashboard/feedback/{id}").status == 404
    key = world.issue("management", tenant.account, scopes=["vibe:mgmt:feedback"]).key
    assert browser.get(f"/dashboard/feedback/{id}").status == 200
    assert browser.post(f"/dashboard/feedback/{id}", {"status": "REVIEWING"}).status == 303
    world.change_key(key, status="REVOKED")
    assert browser.post(f"/dashboard/feedback/{id}", {"status": "RESOLVED"}).status == 404
    assert Ticket.get_by_id(id).status == "REVIEWING"


def test_the_queue_is_narrowed_by_status_category_and_portal(
    author: Browser, operator: Browser, world: World
) -> None:
    bug, chat = opened(author, world), opened(author, world, category="CHAT")
    operator.post(f"/dashboard/feedback/{chat}", {"status": "RESOLVED"})
    of_portal = f"portal={world.portal.id}"
    found = {
        query: [id for id in (bug, chat) if id in operator.get(f"/dashboard/feedback?{query}").body.decode()]
        for query in (of_portal, f"{of_portal}&status=NEW", f"{of_portal}&category=CHAT", "portal=none")
    }
    assert list(found.values()) == [[bug, chat], [bug], [chat], []]


@pytest.mark.parametrize("probe", PROBES)
def test_what_is_typed_is_shown_as_text(author: Browser, operator: Browser, world: World, probe: str) -> None:
    id = opened(author, world, title=probe, description=probe)
    Ticket.update(context={"page": probe}).where(Ticket.id == id).execute()
    operator.post(f"/dashboard/feedback/{id}", {"text": probe, "status": "REVIEWING", "resolution": probe})
    refused = author.post("/dashboard/feedback/new", {**TICKET, "title": probe, "portal": probe})
    pages = [
        refused,
        *(who.get(f"/dashboard/feedback{path}") for who in (author, operator) for path in ("", f"/{id}")),
    ]
    for page in pages:
        text = page.body.decode()
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert ">49<" not in text
    assert html.escape(probe).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in pages[-1].body.decode()


@pytest.mark.parametrize("status", ["RESTRICTED", "SUSPENDED"])
def test_an_account_that_may_not_change_anything_sees_its_tickets(
    author: Browser, world: World, status: str
) -> None:
    id, member = opened(author, world), world.member
    world.change_account(member, status=status)
    page = author.get(f"/dashboard/feedback/{id}")
    assert page.status == 200
    assert "Your reply" not in page.body.decode()
    assert author.post(f"/dashboard/feedback/{id}", {"text": "x"}).status == 403
    assert author.post("/dashboard/feedback/new", {**TICKET, "portal": world.portal.id}).status == 403


def test_who_is_suspended_is_of_no_team(author: Browser, world: World, signed_in: SignedIn) -> None:
    id, person = opened(author, world), world.new_tenant(operator=True)
    browser = signed_in(person.account)
    assert browser.get(f"/dashboard/feedback/{id}").status == 200
    world.change_account(person, status="SUSPENDED")
    assert browser.get(f"/dashboard/feedback/{id}").status == 404


def test_a_ticket_is_not_opened_by_who_has_left_the_portal_meanwhile(
    author: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    feedback = world.services.feedback
    create = feedback.create

    def leave_and_create(*args: Any, **fields: Any) -> Ticket:
        world.leave(world.portal, world.member)
        return create(*args, **fields)

    monkeypatch.setattr(feedback, "create", leave_and_create)
    answer = author.post("/dashboard/feedback/new", {**TICKET, "portal": world.portal.id})
    assert answer.status == 403
    assert not Ticket.select().where(Ticket.portal == world.portal).exists()
