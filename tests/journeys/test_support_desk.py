"""A support agent takes a ticket from NEW to RESOLVED over HTTP; what its author is told comes by mail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.processes import Holder, running
from tests.mail.server import MailServer
from tests.serve.processes import eventually

AUTHOR, AGENT = "author@example.test", "agent@example.test"
PASTED = "vibe_api_" + "0123456789abcdef" * 4
WITHIN_SECONDS = 10.0


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """Takes every mail."""
    server = MailServer()
    yield server
    server.stop()


def test_a_ticket_from_new_to_resolved(tmp_path: Path, mail_server: MailServer) -> None:
    settings = {"SMTP_URL": mail_server.url(), "MAIL_FROM": "desk@example.test"}
    with running(tmp_path / "state", **settings) as installation:
        portal_id = installation.command("portals", "create", "--domain", "company.example.test")["id"]
        installation.account_on(portal_id, AUTHOR, "MEMBER")
        installation.command("accounts", "create", "--email", AGENT, "--tier", "pro")
        author = installation.holder("api", AUTHOR, "--portal", portal_id, "--scope", "crm")
        agent = installation.holder("management", AGENT, "--scope", "vibe:mgmt:feedback")
        _work(author, agent, mail_server)


def _work(author: Holder, agent: Holder, mail_server: MailServer) -> None:
    opened = author.call(
        "POST",
        "/v1/feedback",
        {
            "category": "BUG",
            "title": "The filter is forgotten",
            "description": f"It happens with my key:\n{PASTED}",
            "context": {"page": "/crm/deal/"},
        },
    ).data
    assert (opened["status"], opened["resolution"]) == ("NEW", None)
    assert PASTED not in opened["description"]

    # The agent knows nothing but its key: what to do, and how, is in the description of itself.
    steps = {step["goal"]: step for step in agent.call("GET", "/v1/me").data["feedback"]["workflow"]}
    queue = agent.call("GET", _path(steps["Find new tickets"]["url"])).data
    assert [ticket["id"] for ticket in queue] == [opened["id"]]

    def do(goal: str, **filled: str) -> str:
        step = steps[goal]
        body = None if step["body"] is None else {**step["body"], **filled}
        path = _path(step["url"]).format(id=opened["id"])
        return str(agent.call(step["method"], path, body).data["status"])

    assert do("Take it into work") == "REVIEWING"
    assert do("Ask the author what is missing", text="In a private window too?") == "AWAITING_USER"
    _mail(mail_server, 1, "asks you something", "In a private window too?", opened["id"])

    # The author answers where the mail says, and the ticket comes back into the queue.
    url = re.search(r"POST (http://127\.0\.0\.1:\d+/v1/feedback/\S+/comments)", mail_server.received[0].body)
    assert url is not None
    assert author.call("POST", _path(url[1]), {"text": "Yes, there too."}).data["status"] == "NEEDS_REVIEW"
    replied = agent.call("GET", _path(steps["Find replies of authors"]["url"])).data
    assert [ticket["id"] for ticket in replied] == [opened["id"]]

    assert do("Resolve it, once the fix is published", text="Mended in 4.2.") == "RESOLVED"
    _mail(mail_server, 2, "is resolved", "Mended in 4.2.", opened["id"])
    assert do("Keep how it ended", resolution="Filter kept in the session.") == "RESOLVED"

    card = author.call("GET", f"/v1/feedback/{opened['id']}").data
    thread = [(comment["author"], comment["text"], comment["status"]) for comment in card["comments"]]
    assert thread == [
        ("TEAM", "In a private window too?", "AWAITING_USER"),
        ("USER", "Yes, there too.", "NEEDS_REVIEW"),
        ("TEAM", "Mended in 4.2.", "RESOLVED"),
    ]
    assert card["resolution"] == "Filter kept in the session."

    assert do("Close it without a change", text="Nothing more to do.") == "ARCHIVED"
    late = author.call("POST", f"/v1/feedback/{opened['id']}/comments", {"text": "Thank you!"})
    assert (late.status, late.code) == (409, "TICKET_ARCHIVED")
    assert mail_server.recipients() == [AUTHOR, AUTHOR]


def _mail(server: MailServer, number: int, subject: str, *texts: str) -> None:
    eventually(lambda: len(server.received) >= number, "the mail arrives", WITHIN_SECONDS)
    mail = server.received[-1]
    assert (len(server.received), mail.recipient, mail.sender) == (number, AUTHOR, "desk@example.test")
    assert subject in mail.subject
    assert [text for text in texts if text not in mail.body] == []


def _path(url: str) -> str:
    return url[url.index("/v1/") :]
