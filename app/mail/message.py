"""A mail of the outbox as it goes over the wire (RFC 5322).

Headers are made by the older half of the email package. The newer one decodes encoded words (RFC 2047) in
what it is given, so that a ticket titled `=?utf-8?q?=0ABcc:…?=` would add a header, and it loses spaces
between words of other scripts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.charset import BASE64, QP, Charset
from email.header import Header
from email.message import Message
from email.policy import compat32
from email.utils import format_datetime, formataddr

from app.idn import ascii_domain
from app.models import Mail

_POLICY = compat32.clone(linesep="\r\n")
_DELIVERABLE = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[^\W_][\w.-]*", re.ASCII)


class Undeliverable(Exception):
    """There can be no mail to this recipient; the text says why."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who mails come from: the setting MAIL_FROM, `Name <local@domain>` or an address alone, in its parts."""

    name: str
    address: str

    @classmethod
    def from_setting(cls, mail_from: str) -> Sender:
        """Return the setting, which `Config` has checked, in its parts."""
        name, _, address = mail_from.removesuffix(">").rpartition("<")
        return cls(_one_line(name).strip('"'), address)

    @property
    def domain(self) -> str:
        """What stands behind the @; an address is in brackets."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail in its envelope: two addresses, and the message with its headers."""

    sender: str
    recipient: str
    content: bytes


def written(mail: Mail, sender: Sender) -> Letter:
    """Return the mail ready to be handed in; it is the same at each attempt.

    Raises `Undeliverable` if the recipient is not an address of the form local@domain, or one whose domain
    can be understood in two ways.
    """
    recipient = _deliverable(mail.recipient)
    message: Message[str, str | Header] = Message(_POLICY)
    message["From"] = formataddr((sender.name, sender.address))
    message["To"] = recipient
    message["Subject"] = _header(_one_line(mail.subject))
    message["Date"] = format_datetime(datetime.fromtimestamp(mail.created_at // 1000, UTC))
    # By this a mail that was handed in twice, because the worker was killed in between, is seen to be one.
    message["Message-ID"] = f"<{mail.id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer by an absence notice
    _set_text(message, mail.body)
    return Letter(sender.address, recipient, message.as_bytes())


def _deliverable(address: str) -> str:
    """The address with its domain in ASCII.

    What needs quoting is read differently from program to program, and could end in another mailbox.
    """
    local, _, domain = address.rpartition("@")
    try:
        ascii_address = f"{local}@{ascii_domain(domain)}"
    except ValueError:
        ascii_address = ""
    if not _DELIVERABLE.fullmatch(ascii_address):
        raise Undeliverable("the recipient's address is not one that mail can be sent to")
    return ascii_address


def _set_text(message: Message[str, str | Header], body: str) -> None:
    # Neither leaves a line too long, or a byte too high, for any server.
    charset = Charset("utf-8")
    charset.body_encoding = QP if body.isascii() else BASE64
    message.set_payload(body.replace("\r\n", "\n").replace("\r", "\n"), charset)


def _header(text: str) -> Header | str:
    return text if text.isascii() and "=?" not in text else Header(text, "utf-8")


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
