"""What `vibekeys doctor` says about mail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.models import Mail
from tests.cli.terminal import Terminal, serving
from tests.mail.office import Office
from tests.mail.server import MailServer

LOGIN = ("keys@example.com", "planted secret")
IN_THE_URL = "keys%40example.com:planted%20secret@"


@pytest.fixture
def terminal(office: Office, tmp_path: Path) -> Terminal:
    """On an installation with one mail, which has been due for years."""
    tmp_path.chmod(0o700)
    office.put()
    return Terminal(tmp_path / "vibekeys.db")


def mail_findings(terminal: Terminal) -> dict[str, dict[str, Any]]:
    result = terminal.type("doctor", "--json")
    assert "planted" not in result.output
    found = {finding["check"]: finding for finding in json.loads(result.stdout)}
    assert all(finding["remedy"] for finding in found.values() if not finding["ok"])
    return {name: found[name] for name in ("smtp", "outbox")}


def test_without_a_server_mails_wait_and_nothing_is_wrong(terminal: Terminal) -> None:
    found = mail_findings(terminal)

    assert found["smtp"]["ok"]
    assert "SMTP_URL" in found["smtp"]["message"]
    assert found["outbox"]["ok"]
    assert found["outbox"]["message"] == "1 mails wait"


def test_a_server_that_takes_mails_is_right(terminal: Terminal, server: MailServer) -> None:
    terminal.environ["SMTP_URL"] = server.url()

    assert mail_findings(terminal)["smtp"]["message"] == f"127.0.0.1:{server.port} is ready to take mails"
    assert server.received == []


def test_a_server_that_does_not_answer_is_wrong(terminal: Terminal, server: MailServer) -> None:
    terminal.environ["SMTP_URL"] = server.url(IN_THE_URL)
    server.stop()
    smtp = mail_findings(terminal)["smtp"]
    server.start()

    assert not smtp["ok"]
    assert smtp["message"] == f"127.0.0.1:{server.port}: Connection refused"


@pytest.mark.parametrize(("password", "ok"), [("planted secret", True), ("another planted secret", False)])
def test_credentials_are_tried(terminal: Terminal, password: str, ok: bool) -> None:
    server = MailServer(login=(LOGIN[0], password))
    terminal.environ["SMTP_URL"] = server.url(IN_THE_URL)
    smtp = mail_findings(terminal)["smtp"]
    server.stop()

    assert smtp["ok"] == ok
    assert ok or "credentials" in smtp["message"]


def test_dead_letters_are_wrong_with_the_newest_reason(terminal: Terminal, office: Office) -> None:
    office.put()
    for number, mail in enumerate(list(Mail.select())):
        Mail.update(failed_at=number, last_error=f"reason {number}").where(Mail.id == mail.id).execute()
    outbox = mail_findings(terminal)["outbox"]

    assert not outbox["ok"]
    assert outbox["message"] == "2 mails were given up, the newest because of: reason 1"
    assert "vibekeys mail retry" in outbox["remedy"]


def test_mails_that_nobody_tries_are_wrong_while_a_service_runs(terminal: Terminal, tmp_path: Path) -> None:
    with serving(tmp_path):
        outbox = mail_findings(terminal)["outbox"]
    assert not outbox["ok"]
    assert "vibekeys worker" in outbox["remedy"]


def test_a_clock_that_was_put_back_is_wrong(terminal: Terminal) -> None:
    Mail.update(next_attempt_at=9_000_000_000_000).execute()
    outbox = mail_findings(terminal)["outbox"]

    assert not outbox["ok"]
    assert outbox["message"] == "1 mails are due further ahead than any pause: the clock was put back"
    assert "the clock" in outbox["remedy"]


@pytest.mark.parametrize("has_server", [True, False])
def test_a_mail_that_rests_is_wrong_only_where_there_is_a_server(
    terminal: Terminal, server: MailServer, tmp_path: Path, has_server: bool
) -> None:
    Mail.update(next_attempt_at=None).execute()
    terminal.environ["SMTP_URL"] = server.url() if has_server else ""
    with serving(tmp_path):
        assert mail_findings(terminal)["outbox"]["ok"] is not has_server
