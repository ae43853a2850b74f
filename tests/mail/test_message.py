"""A mail as text: what is in the headers, whatever is in the outbox."""

from __future__ import annotations

import email
from email.header import decode_header, make_header
from email.message import Message

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.message import Letter, Sender, Undeliverable, written
from app.models import Mail

KEYS = Sender.from_setting("Keys <keys@example.com>")
HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
]
TRICKS = st.sampled_from(
    [
        "\r\n",
        "\n",
        "Bcc: eve@example.com",
        "=?utf-8?q?",
        "=0D=0ABcc:",
        "?=",
        "=?utf-8?b?DQpCY2M6?=",
        ":",
        "\\",
    ]
)
VALID = st.characters(exclude_categories=["Cs"])
HOSTILE = st.lists(st.one_of(TRICKS, st.text(VALID, max_size=40), st.just("x" * 80)), max_size=8).map("".join)


def letter(recipient: str = "ada@example.com", subject: str = "News", body: str = "Text.\n") -> Letter:
    mail = Mail(id="an-id", recipient=recipient, subject=subject, body=body, created_at=1_700_000_000_123)
    return written(mail, KEYS)


def read(content: bytes) -> Message:
    """The message as a mail program reads it; every line is one that any server takes."""
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"")
    return email.message_from_bytes(content)


def text_of(message: Message) -> str:
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode().replace("\r\n", "\n")


def test_the_headers_say_who_what_and_when_and_that_no_person_wrote_it() -> None:
    made = letter()
    message = read(made.content)

    assert (made.sender, made.recipient) == ("keys@example.com", "ada@example.com")
    assert message.keys() == HEADERS
    assert message["From"] == "Keys <keys@example.com>"
    assert message["To"] == "ada@example.com"
    assert message["Subject"] == "News"
    assert message["Date"] == "Tue, 14 Nov 2023 22:13:20 +0000"
    assert message["Message-ID"] == "<an-id@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    assert text_of(message) == "Text.\n"


@pytest.mark.parametrize(
    ("setting", "shown", "domain"),
    [
        ("keys@example.com", "keys@example.com", "example.com"),
        ("vibekeys@[127.0.0.1]", "vibekeys@[127.0.0.1]", "[127.0.0.1]"),
        ("Keys, Ltd <keys@example.com>", '"Keys, Ltd" <keys@example.com>', "example.com"),
        ('"Keys, Ltd" <keys@example.com>', '"Keys, Ltd" <keys@example.com>', "example.com"),
        ("Ключи <keys@example.com>", "Ключи <keys@example.com>", "example.com"),
    ],
)
def test_the_sender_is_the_one_of_the_settings(setting: str, shown: str, domain: str) -> None:
    sender = Sender.from_setting(setting)
    mail = Mail(id="an-id", recipient="ada@example.com", subject="s", body="b", created_at=0)
    message = read(written(mail, sender).content)

    assert str(make_header(decode_header(message["From"]))) == shown
    assert message["Message-ID"] == f"<an-id@{domain}>"


@settings(deadline=None)  # on a busy machine the first example can take seconds
@given(subject=HOSTILE, body=HOSTILE)
def test_no_subject_and_no_text_adds_a_header_or_is_changed(subject: str, body: str) -> None:
    message = read(letter(subject=subject, body=body).content)

    assert message.keys() == HEADERS
    one_line = " ".join("".join(char if char.isprintable() else " " for char in subject).split())
    assert str(make_header(decode_header(message["Subject"]))).replace("\r\n", "").strip() == one_line
    assert text_of(message) == body.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize(
    ("recipient", "sent_to"),
    [
        ("ada+keys@example.com", "ada+keys@example.com"),
        ("ada@exämple.com", "ada@xn--exmple-cua.com"),
        ("ada@localhost", "ada@localhost"),
        ("ada@xn--fa-hia.de", "ada@xn--fa-hia.de"),
        ("ada@пример.рф", "ada@xn--e1afmkfd.xn--p1ai"),
    ],
)
def test_a_recipient_may_be_at_any_domain(recipient: str, sent_to: str) -> None:
    made = letter(recipient)

    assert made.recipient == sent_to
    assert read(made.content)["To"] == sent_to


@pytest.mark.parametrize(
    "recipient",
    [
        "ada",
        "ada, bob@example.com",
        "<ada@example.com>",
        '"ada bob"@example.com',
        "ada@bob@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com>",
        "ädä@example.com",
        "ada@-example.com",
        f"ada@{'x' * 64}.com",
        "ada@ex..ample.com",
        "ada@faß.de",
        "ada@βόλος.example",
        "ada@ex\u200dample.com",
        "ada@ex\u200cample.com",
        "ada@ｅｘample.com",
        "ada@exa\u3002com",
        "ada@ꭰ.example",
        "ada@[127.0.0.1]",
        "ada@",
        "@example.com",
        "",
    ],
)
def test_what_may_be_read_in_two_ways_is_no_recipient(recipient: str) -> None:
    with pytest.raises(Undeliverable):
        letter(recipient)
