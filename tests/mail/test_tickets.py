"""What authors are told of their tickets."""

from __future__ import annotations

import pytest

from app.mail.tickets import Message, ticket_message

TICKET_ID = "0197dfb8-5a40-7a01-8a53-6f0c1d2e3b41"
HOST = "https://keys.example.com"


def message(
    status: str, title: str = "The filter is lost", text: str = "Which page?", support: str = ""
) -> Message:
    return ticket_message(status, ticket_id=TICKET_ID, title=title, text=text, host=HOST, support_url=support)


def test_a_question_says_what_is_asked_and_how_to_answer() -> None:
    made = message("AWAITING_USER", support="https://example.com/help")

    assert made.subject == "The team asks you something about your ticket: The filter is lost"
    assert made.body == (
        "The team asks you something about your ticket: The filter is lost\n\n"
        "Which page?\n\n"
        "Answer with a key of your portal:\n\n"
        f"    POST {HOST}/v1/feedback/{TICKET_ID}/comments\n\n"
        "More help: https://example.com/help\n"
    )


def test_the_end_says_what_was_done_and_what_to_do_if_it_is_not_enough() -> None:
    made = message("RESOLVED", text="Mended in 4.2.")

    assert made.subject == "Your ticket is resolved: The filter is lost"
    assert "\n\nMended in 4.2.\n\n" in made.body
    assert f"POST {HOST}/v1/feedback/{TICKET_ID}/comments" in made.body
    assert "More help" not in made.body


def test_without_a_text_nothing_stands_in_its_place() -> None:
    assert "\n\n\n" not in message("RESOLVED", text="").body


@pytest.mark.parametrize("status", ["AWAITING_USER", "RESOLVED"])
def test_the_subject_is_one_line_that_fits(status: str) -> None:
    made = message(status, title="ticket\n" + "x" * 255)

    assert len(made.subject) == 255
    assert made.subject.isprintable()
    assert made.subject.endswith("x…")
    assert len(message(status, title="x" * 100).subject) < 255
