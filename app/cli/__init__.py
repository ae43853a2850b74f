"""The command line `vibekeys`: everything an operator does, on one host, with the settings of the service.

A command prints its result on stdout, as a table for people or, with `--json`, as exactly one JSON value for
programs. Everything else goes to stderr. Exit status: 0 done; 1 refused, with one line that says why; 2 used
wrongly.

Only click is imported to parse a command line and to print help. What a command works with is imported when
it runs, which keeps `--help` and completion quick.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from app.cli import accounts, keys, portals, service
from app.cli.refusal import refusal

__all__ = ["cli", "main"]


class CommandLine(click.Group):
    """A group whose commands may raise whatever the application raises: a refusal becomes one line and status
    1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            refused = refusal(error)
            if refused is None:
                raise
            # From None: the cause may quote what was typed, and it is of no use to who typed it.
            raise refused from None


@click.group(
    cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name="vibekeys", message="%(prog)s %(version)s")
def cli() -> None:
    """Run vibekeys, and manage its accounts, portals and API keys."""


for command in (*service.COMMANDS, accounts.accounts, portals.portals, keys.keys):
    cli.add_command(command)


def main() -> None:
    """The console script. A character that the terminal's encoding lacks is written as an escape, not
    refused."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    cli(prog_name="vibekeys")
