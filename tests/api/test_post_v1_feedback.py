"""POST /v1/feedback: a portal key reports a problem to the team."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.feedback import CATEGORIES
from app.models import Audit, Ticket
from gateway.keys import masked
from tests.api.desk import TICKET, TICKET_FIELDS, Desk
from tests.api.world import World

CONTEXT_BYTES = 16 * 1024


def test_201_answers_with_the_new_ticket(desk: Desk) -> None:
    answer = desk.submit(context={"page": "/crm/deal/"})

    world, ticket = desk.world, answer.data
    assert answer.status == 201
    assert list(ticket) == TICKET_FIELDS
    assert {name: ticket[name] for name in TICKET} == TICKET
    assert (ticket["status"], ticket["resolution"]) == ("NEW", None)
    assert ticket["context"] == {"page": "/crm/deal/"}
    assert (ticket["portalId"], ticket["authorId"]) == (world.portal.id, world.admin.account.id)
    assert ticket["createdAt"] == ticket["updatedAt"]
    assert desk.read(ticket["id"]).data == {**ticket, "comments": []}


def test_201_is_audited_without_the_long_texts(desk: Desk) -> None:
    ticket_id = desk.open(description="what only the ticket tells")

    row = Audit.get(Audit.target_id == ticket_id)
    assert (row.action, row.target_kind, row.before) == ("ticket.created", "ticket", None)
    assert json.loads(row.after) == {
        "portal_id": desk.world.portal.id,
        "author_id": desk.world.admin.account.id,
        "category": "BUG",
        "status": "NEW",
        "title": TICKET["title"],
    }
    assert (row.actor_kind, row.actor_account_id) == ("key", desk.world.admin.account.id)


@pytest.mark.parametrize("key_type", ["api", "authorization"])
@pytest.mark.parametrize("category", CATEGORIES)
def test_201_for_every_category_and_portal_key(still_desk: Desk, key_type: str, category: str) -> None:
    key = still_desk.world.portal_key(still_desk.world.member, key_type=key_type).raw_key

    ticket = still_desk.submit(key, category=category).data

    assert (ticket["category"], ticket["authorId"]) == (category, still_desk.world.member.account.id)


@pytest.mark.parametrize(
    "context",
    [
        None,
        {},
        "",
        "a text\nof two lines",
        {"deep": [{"er": [1, 2.5, None, True, "é"]}]},
        {"a large number": 10**99},
        {"": ""},
        {"a\tb": ["two\r\nlines\u2028more"]},
        "x" * (CONTEXT_BYTES - 2),
        "é" * (CONTEXT_BYTES // 2 - 1),
        {"k": "x" * (CONTEXT_BYTES - 8)},
        {"k": "x" * (CONTEXT_BYTES - 9)},
    ],
    ids=lambda context: repr(context)[:20],
)
def test_201_context_comes_back_as_it_was_sent(still_desk: Desk, context: Any) -> None:
    ticket = still_desk.submit(context=context).data

    assert ticket["context"] == context
    assert still_desk.read(ticket["id"]).data["context"] == context


def test_201_context_may_be_left_out(still_desk: Desk) -> None:
    assert still_desk.submit().data["context"] is None


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("title", "t"),
        ("title", "t" * 254),
        ("title", "t" * 255),
        ("title", "🙂" * 255),
        ("title", "<b>&amp;' OR 1=1 --"),
        ("title", "\U0001f469\u200d\U0001f680\u200e"),
        ("description", "d"),
        ("description", "d" * 9_999),
        ("description", "d" * 10_000),
        ("description", "line 1\r\nline 2\n\tindented\u2028line 4"),
    ],
    ids=lambda text: text[:12],
)
def test_201_text_comes_back_as_it_was_sent(still_desk: Desk, field: str, text: str) -> None:
    answer = still_desk.submit(**{field: text})

    assert (answer.status, answer.data[field]) == (201, text)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("category", value) for value in ("bug", "", "ALL", None, 5, ["BUG"])),
        *(
            ("title", value)
            for value in ("", " ", "t" * 256, "two\nlines", "two\u2028lines", "a\0b", None, 5)
        ),
        *(
            ("title", value)
            for value in ("\u200b", "\u00a0\U000e0041", "a\tb", "\x1b[31m", "a\ud800b", ["a"], {"a": "b"})
        ),
        *(
            ("description", value)
            for value in (
                "",
                "\n \t",
                "\u200b\n\u2028\ufeff",
                "d" * 10_001,
                "a\0b",
                "\x1b[31m",
                "\udfff",
                None,
                5,
            )
        ),
        *(("context", value) for value in ("\x1b[31m", {"a": ["\x85"]}, {"a": {"\x07": 1}}, "a\x7fb")),
        *(("context", value) for value in ([], ["a"], 5, 1.5, True, "a\0b", {"a": "\ud800"}, {"\0": 1})),
        ("context", {"k": "x" * (CONTEXT_BYTES - 7)}),
        ("context", "x" * (CONTEXT_BYTES - 1)),
        ("context", "é" * (CONTEXT_BYTES // 2)),
        *((name, "x") for name in ("status", "resolution", "portalId", "authorId", "comments", "id")),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_400_names_the_field_and_keeps_nothing(still_desk: Desk, field: str, value: Any) -> None:
    before = Ticket.select().count()

    answer = still_desk.submit(**{field: value})

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == [field]
    assert Ticket.select().count() == before


def test_400_names_everything_that_is_missing(still_desk: Desk) -> None:
    answer = still_desk.world.call("POST", "/v1/feedback", still_desk.author, json={})

    assert answer.status == 400
    assert set(answer.error["details"]) == {"category", "title", "description"}


def test_a_raw_key_in_any_text_is_cut_to_what_may_be_shown(desk: Desk) -> None:
    raw_key = desk.author
    shown = f"{raw_key[:15]}***"

    ticket = desk.submit(
        title=f"My key {raw_key} fails",
        description=f"curl -H 'X-Api-Key: {raw_key}'\n{raw_key[:40]}",
        context={"call": [{"header": f"Bearer {raw_key}"}]},
    ).data

    assert ticket["title"] == f"My key {shown} fails"
    assert ticket["description"] == f"curl -H 'X-Api-Key: {shown}'\n{shown}"
    assert ticket["context"] == {"call": [{"header": f"Bearer {shown}"}]}
    assert desk.submit(context=raw_key).data["context"] == shown
    assert raw_key not in repr(desk.world.service.rows())


@pytest.mark.parametrize("before", ["vibe_api_", r"vibe\_api\_", ""])
def test_400_of_a_raw_key_in_a_name_within_the_context(still_desk: Desk, before: str) -> None:
    name = before + still_desk.author.removeprefix("vibe_api_")

    answer = still_desk.submit(context={"calls": [{name: 1, "other": 2}]})

    assert (answer.status, answer.error["details"]) == (400, {"context": ["Must not hold a raw key."]})


def test_201_a_number_in_the_context_stays_a_number_whatever_its_digits(still_desk: Desk) -> None:
    digits = "1" + "0" * 53 + "1869716407"
    assert masked(digits) == "100000***"

    context = still_desk.submit(context={"number": int(digits), "text": digits}).data["context"]

    assert context == {"number": int(digits), "text": "100000***"}


def test_401_of_a_key_that_was_revoked_keeps_nothing(world: World) -> None:
    issued = world.portal_key()
    world.change_key(issued.key, status="REVOKED")
    before = world.service.rows()

    answer = world.call("POST", "/v1/feedback", issued.raw_key, json=TICKET)

    assert (answer.status, answer.code) == (401, "KEY_REVOKED")
    assert world.service.rows() == before
