"""What an author is told of a ticket by mail: that the team asks something, or that it is resolved."""

from __future__ import annotations

from dataclasses import dataclass

_LONGEST_SUBJECT = 255

_NEWS = {
    "AWAITING_USER": "The team asks you something about your ticket",
    "RESOLVED": "Your ticket is resolved",
}
"""Which statuses are told, and how."""

_HOW_TO_ANSWER = {
    "AWAITING_USER": "Answer with a key of your portal:",
    "RESOLVED": "If it is not settled for you, say so with a key of your portal; the team looks at it again:",
}


@dataclass(frozen=True, slots=True)
class Message:
    """A mail's text. The subject is one line of at most 255 characters."""

    subject: str
    body: str


def ticket_message(
    status: str, *, ticket_id: str, title: str, text: str, host: str, support_url: str
) -> Message:
    """Return what to tell the author of a ticket that is AWAITING_USER or RESOLVED now.

    `text` is the team's comment or resolution; where it or `support_url` is empty, nothing stands for it.
    `host` is the address of this service, before its paths.
    """
    news = _NEWS[status]
    answer = f"{_HOW_TO_ANSWER[status]}\n\n    POST {host}/v1/feedback/{ticket_id}/comments"
    parts = (f"{news}: {title}", text, answer, f"More help: {support_url}" if support_url else "")
    return Message(_cut(f"{news}: {title}"), "\n\n".join(part for part in parts if part) + "\n")


def _cut(subject: str) -> str:
    line = " ".join(subject.split())
    return line if len(line) <= _LONGEST_SUBJECT else line[: _LONGEST_SUBJECT - 1] + "…"
