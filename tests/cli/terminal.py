"""The command line as a test types it: in this process, on an installation of its own."""

from __future__ import annotations

import fcntl
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import structlog
from click.testing import CliRunner, Result

from app.cli import cli

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
RAW_KEY = re.compile(r"(vibe_api_|vibe_app_|vibe_live_|vxk_)[0-9a-f]{64}")

_NOT_FROM_THIS_MACHINE = (
    "REDIS_URL",
    "STATE_DIR",
    "SECRET_KEY",
    "TRUSTED_PROXIES",
    "ROTATION_GRACE_HOURS",
    "PUBLIC_URL",
    "LOG_FORMAT",
)


class Terminal:
    """Types commands into one installation, whose settings are `environ`."""

    def __init__(self, database: Path, **environ: str) -> None:
        self.environ: dict[str, str | None] = dict.fromkeys(_NOT_FROM_THIS_MACHINE)
        self.environ |= {"DATABASE_URL": f"sqlite:///{database}", **environ}

    def type(self, *words: str, stdin: str | None = None) -> Result:
        """Run one command, whatever comes of it; no raw key may be on stderr, and no traceback."""
        with _logging_as_before():
            result = CliRunner().invoke(cli, words, input=stdin, env=self.environ, prog_name="vibekeys")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert not RAW_KEY.search(result.stderr)
        return result

    def table(self, *words: str, stdin: str | None = None) -> list[str]:
        """The lines for people that a command prints when it is done."""
        result = self.type(*words, stdin=stdin)
        assert result.exit_code == 0, result.stderr
        return result.stdout.splitlines()

    def json(self, *words: str, stdin: str | None = None) -> Any:
        """The one JSON value that a command prints when it is done."""
        result = self.type(*words, "--json", stdin=stdin)
        assert result.exit_code == 0, result.stderr
        assert result.stdout.count("\n") == 1
        return json.loads(result.stdout)

    def refused(self, *words: str, stdin: str | None = None) -> str:
        """The one line that says why a command was refused; the same with and without `--json`."""
        lines = set()
        for form in ((), ("--json",)):
            result = self.type(*words, *form, stdin=stdin)
            assert (result.exit_code, result.stdout) == (1, ""), result.output
            assert result.stderr.count("\n") == 1
            lines.add(result.stderr)
        (line,) = lines
        assert line.startswith("vibekeys: ")
        return line.removeprefix("vibekeys: ").rstrip("\n")

    def misused(self, *words: str, stdin: str | None = None) -> str:
        """What a command that was typed wrongly says on stderr."""
        result = self.type(*words, stdin=stdin)
        assert (result.exit_code, result.stdout) == (2, ""), result.output
        return result.stderr

    def account(self, email: str = "ada@example.com", *options: str) -> dict[str, Any]:
        return self.json("accounts", "create", "--email", email, *options)  # type: ignore[no-any-return]

    def portal(self, *members: str, domain: str = "company.bitrix24.com") -> str:
        """The id of a new portal."""
        portal_id: str = self.json("portals", "create", "--domain", domain)["id"]
        for email in members:
            self.json("portals", "add-member", portal_id, "--email", email)
        return portal_id

    def key(self, *options: str, owner: str = "ada@example.com") -> dict[str, Any]:
        """A new personal key."""
        words = ("--type", "personal", "--owner", owner, "--name", "laptop", "--integration", "cli")
        return self.json("keys", "create", *words, *options)  # type: ignore[no-any-return]


def every_command(group: click.Group = cli) -> Iterator[tuple[str, ...]]:
    """The words of each command that is no group of others."""
    for word, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from ((word, *words) for words in every_command(command))
        else:
            yield (word,)


@contextmanager
def _logging_as_before() -> Iterator[None]:
    # A command sets up the log of its process, which here is the process of all other tests as well.
    handlers, level = logging.root.handlers[:], logging.root.level
    try:
        yield
    finally:
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
        structlog.reset_defaults()


@contextmanager
def serving(state_dir: Path) -> Iterator[None]:
    """As long as this lasts, a service runs on the folder: it holds the lock that every worker holds."""
    with (state_dir / "serving.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield
