"""Team and author answer one ticket at once, in two workers: no answer is lost, and the last one counts."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.conftest import ValkeyServer
from tests.faults.service import Answer, Installation, installation

TICKET = {"category": "BUG", "title": "a", "description": "b"}
OF_THE_TEAM = {
    "We work on it.": "REVIEWING",
    "Which browser?": "AWAITING_USER",
    "Mended.": "RESOLVED",
    "We look again.": "NEEDS_REVIEW",
}
OF_THE_AUTHOR = ("All of them.", "It is still there.", "Thank you.", "When will it be?")
ANSWERS = [
    *({"text": text, "status": status} for text, status in OF_THE_TEAM.items()),
    *({"text": text} for text in OF_THE_AUTHOR),
]


def _answer_at_once(made: Installation, author: str, ticket_id: str) -> list[Answer]:
    callers = [made.servers[0].caller() for _ in ANSWERS]
    start = threading.Barrier(len(ANSWERS))

    def send(number: int) -> Answer:
        body = ANSWERS[number]
        key = made.made["management_key"] if "status" in body else author
        start.wait()
        return callers[number].call("POST", f"/v1/feedback/{ticket_id}/comments", key, body)

    with ThreadPoolExecutor(len(ANSWERS)) as pool:
        answers = list(pool.map(send, range(len(ANSWERS))))
    for caller in callers:
        caller.close()
    return answers


def _states(thread: list[dict[str, Any]]) -> list[str]:
    """What becomes of the status, comment by comment."""
    status, states = "NEW", []
    for comment in thread:
        replied = "NEEDS_REVIEW" if status in ("AWAITING_USER", "RESOLVED") else status
        status = OF_THE_TEAM.get(comment["text"], replied)
        states.append(status)
    return states


def test_all_answers_are_kept_and_the_last_one_sets_the_status(
    valkey_server: ValkeyServer, tmp_path: Path
) -> None:
    with installation(tmp_path, valkey_server, servers=1, portal_keys=1, WEB_CONCURRENCY="2") as made:
        (author,) = made.made["keys"]
        reader = made.servers[0].caller()
        for _ in range(5):
            ticket_id = reader.call("POST", "/v1/feedback", author, TICKET).json["data"]["id"]
            answers = _answer_at_once(made, author, ticket_id)
            card = reader.call("GET", f"/v1/feedback/{ticket_id}", author).json["data"]

            thread = card["comments"]
            assert sorted(comment["text"] for comment in thread) == sorted(it["text"] for it in ANSWERS)
            assert [comment["status"] for comment in thread] == _states(thread)
            assert card["status"] == thread[-1]["status"]
            # Each was told the ticket as it was with its own answer as the last.
            told = sorted((answer.json["data"] for answer in answers), key=lambda it: len(it["comments"]))
            assert [it["comments"] for it in told] == [thread[: end + 1] for end in range(len(thread))]
            assert [it["status"] for it in told] == [comment["status"] for comment in thread]
        reader.close()
