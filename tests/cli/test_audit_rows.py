"""Every command that changes something leaves its audit rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.cli.terminal import Terminal, every_command
from tests.cli.test_servers import new_server

CHANGE_NOTHING = {
    *(("accounts", "list"), ("accounts", "show"), ("portals", "list"), ("keys", "list"), ("keys", "show")),
    ("keys", "explain"),
    *(("servers", "list"), ("mail", "list"), ("audit", "list"), ("audit", "export"), ("audit", "verify")),
    *(("run",), ("migrate",), ("worker",), ("republish",), ("doctor",), ("completion",)),
    ("bitrix-sandbox",),
}
WEBHOOK = "https://company.bitrix24.com/rest/1/planted-webhook-secret"
PASSWORD = "planted password"


class Story:
    """Types one command after another, and looks at the rows that each leaves."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self.told: set[tuple[str, ...]] = set()
        self._seen = 0

    def type(self, *words: str, leaves: tuple[str, ...], stdin: str | None = None) -> Any:
        """Type a command that leaves rows of these actions, and return what it prints."""
        made = self._terminal.json(*words, stdin=stdin)
        rows = self.rows()
        assert tuple(row["action"] for row in rows) == leaves
        for row in rows:
            assert (row["who"], row["keyId"], row["address"]) == ("cli", None, None)
            assert row["targetId"]
            assert row["before"] or row["after"]
            assert row["before"] != row["after"]
        self.told.add(words[:2])
        return made

    def rows(self) -> list[dict[str, Any]]:
        """The rows since it was last asked."""
        rows = self._terminal.json("audit", "export")[self._seen :]
        self._seen += len(rows)
        return rows  # type: ignore[no-any-return]


@pytest.fixture
def failed_mail(terminal: Terminal, tmp_path: Path) -> str:
    """The id of a mail that was given up."""
    columns = "id, kind, ref, recipient, subject, body, created_at, attempts, failed_at"
    database = apsw.Connection(str(tmp_path / "vibekeys.db"))
    database.execute(
        f"INSERT INTO mail ({columns}) VALUES ('m-1', 'k', 'r', 'a@example.com', 's', 'b', 1, 9, 2)"
    )
    database.close()
    return "m-1"


def test_every_command_that_changes_something_leaves_its_rows(terminal: Terminal, failed_mail: str) -> None:
    story = Story(terminal)
    email, member = "ada@example.com", ("--email", "ada@example.com")
    story.type(
        *("accounts", "create", *member, "--password-stdin"), stdin=PASSWORD, leaves=("account.created",)
    )
    story.type("accounts", "update", email, "--tier", "pro", leaves=("account.changed",))
    story.type(
        *("accounts", "update", email, "--password-stdin"), stdin=PASSWORD[::-1], leaves=("account.changed",)
    )
    make_portal = ("portals", "create", "--domain", "company.bitrix24.com", "--webhook-url", "-")
    portal = story.type(*make_portal, stdin=WEBHOOK, leaves=("portal.created",))["id"]
    story.type("portals", "update", portal, "--unlinked", leaves=("portal.changed",))
    story.type("portals", "add-member", portal, *member, leaves=("portal.member_set",))

    make_key = ("keys", "create", "--type", "api", "--owner", email, "--name", "till", "--portal", portal)
    key = story.type(*make_key, "--scope", "vibe:infra", leaves=("key.issued",))["id"]
    story.type("keys", "update", key, "--name", "renamed", leaves=("key.changed",))
    server = new_server(terminal, key, "a server")
    assert [row["action"] for row in story.rows()] == ["server.created"]
    story.type("servers", "delete", server, leaves=("server.deleted",))
    successor = story.type("keys", "rotate", key, leaves=("key.issued", "key.rotated"))["id"]
    story.type("keys", "revoke", key, leaves=("key.revoked",))
    story.type("keys", "revoke", "--owner", email, "--all", leaves=("key.revoked",))
    story.type("keys", "delete", successor, leaves=("key.deleted",))
    story.type("portals", "remove-member", portal, *member, leaves=("portal.member_removed",))
    legacy = {"sha256": "0" * 64, "prefix": "old_12", "name": "old", "owner": email}
    story.type(*("keys", "import-legacy", "-"), stdin=json.dumps(legacy), leaves=("account.keys_imported",))
    story.type("mail", "retry", failed_mail, leaves=("mail.retried",))
    story.type("mail", "discard", failed_mail, leaves=("mail.discarded",))

    assert story.told | CHANGE_NOTHING == set(every_command())
    log = "\n".join(terminal.table("audit", "list"))
    assert not any(secret in log for secret in ("planted", PASSWORD[::-1], "argon2"))
    assert terminal.json("audit", "verify")["ok"]
