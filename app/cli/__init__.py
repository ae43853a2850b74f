"""The command line `vibekeys`: everything an operator does, on one host, with the settings of the service.

A command prints its result on stdout, as a table for people or, with `--json`, as exactly one JSON value for
programs. Everything else goes to stderr. Exit status: 0 done; 1 refused, with one line that says why; 2 used
wrongly.

Only click is imported to parse a command line and to print help. What a command works with is imported when
it runs, which keeps `--help` and completion quick.
"""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import Any

import click

from app.cli import accounts, audit, bitrix_sandbox, keys, mail, portals, servers, service
from app.cli.refusal import Refused, refusal

__all__ = ["cli", "main"]


class CommandLine(click.Group):
    """A group whose commands raise what the application raises: a refusal becomes one line and status 1."""

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


def _print_version(ctx: click.Context, param: click.Parameter, asked: bool) -> None:
    if not asked:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        click.echo(f"vibekeys {version('vibekeys')}")
    except PackageNotFoundError:
        raise Refused("version: not known, the package is not installed; run `make install`") from None
    ctx.exit()


@click.group(
    cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Run vibekeys, and manage its accounts, portals and API keys."""


for command in (
    *service.COMMANDS,
    bitrix_sandbox.bitrix_sandbox,
    accounts.accounts,
    portals.portals,
    keys.keys,
    servers.servers,
    audit.audit,
    mail.mail,
):
    cli.add_command(command)


def main() -> None:
    """The console script. A character that the terminal's encoding lacks is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        # A stream that the caller has closed is None.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    cli(prog_name="vibekeys")
