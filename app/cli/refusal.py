"""Refusals: what the application raises, as the one line `vibekeys: NAME: why` on stderr and exit status 1.

NAME is the code that REST answers with, or the setting that is wrong. Where the input is to blame, the
options are named as they are typed: `vibekeys: VALIDATION_ERROR: --rate-limit: Must be at least 1.`
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any

import click

from app.cli.output import printable

if TYPE_CHECKING:
    from app.errors import ApiError

_OPTIONS = {
    "ipWhitelist": "--ip",
    "scopes": "--scope",
    "integrations": "--integration",
    "portalId": "--portal",
    "password": "--password-stdin",
}
"""Options that are not spelled as the field that they fill."""


class Refused(click.ClickException):
    """The command was understood and not done. The message is printed as one line, whatever is in it."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        line = printable(" ".join(self.format_message().split()))
        click.echo(f"vibekeys: {line}", file=file, err=file is None)


def refusal(error: Exception) -> Refused | None:
    """The refusal that `error` amounts to; `None` for a fault of the program, which keeps its traceback."""
    if isinstance(error, ImportError):
        return Refused(f"{error.name or 'import'}: {error}; install vibekeys again with `make install`")
    if isinstance(error, OSError):
        return Refused(f"{error.filename or type(error).__name__}: {error.strerror or error}")

    if isinstance(error, UnicodeEncodeError):
        # Bytes that are not UTF-8 reach Python as lone surrogates, and no database takes those.
        return Refused("VALIDATION_ERROR: what was typed is not valid UTF-8")

    # Whoever raised one of these has imported its module.
    import apsw
    from peewee import PeeweeException

    from app.config import ConfigError
    from app.db import DatabaseRefused
    from app.errors import ApiError
    from app.secrets import SecretsError
    from app.services import OutOfReach
    from gateway.source import SourceError
    from gateway.store import StoreError

    if isinstance(error, ApiError):
        return Refused(_line(error))
    if isinstance(error, (ConfigError, DatabaseRefused, SecretsError)):
        return Refused(str(error))
    if isinstance(error, OutOfReach):
        return Refused(f"OUT_OF_REACH: {error}")
    if isinstance(error, StoreError):
        return Refused(f"REDIS_UNAVAILABLE: {error}")
    if isinstance(error, (SourceError, PeeweeException, apsw.Error)):
        return Refused(f"DATABASE_UNAVAILABLE: {error}")
    return None


def _line(error: ApiError) -> str:
    reasons = "; ".join(_reasons(error.details)) if error.code == "VALIDATION_ERROR" and error.details else ""
    why = reasons or error.message
    return f"{error.code}: {why}" + (f" ({error.hint})" if error.hint else "")


def _reasons(details: Mapping[str, Any]) -> Iterator[str]:
    for field, reasons in details.items():
        told = " ".join(map(str, reasons)) if isinstance(reasons, list) else str(reasons)
        yield f"{_option(str(field))}: {told.removesuffix('.')}"


def _option(field: str) -> str:
    """How the field of a request (`rateLimit`, `ipWhitelist.3`) is spelled on the command line."""
    name, _, place = field.partition(".")
    kebab = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower().replace("_", "-")
    return _OPTIONS.get(name, f"--{kebab}") + (f" ({place})" if place else "")
