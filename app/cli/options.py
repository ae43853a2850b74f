"""Options that several nouns share, and how what was typed becomes the body of a request.

The commands validate with the schemas of the REST API, so what was typed is brought into the shape that REST
takes: an option that was not given is left out, the word `none` empties a field.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

import click

NONE: Final = object()
"""What the word `none` on the command line becomes, as opposed to an option that was not given."""


class OrNone(click.ParamType[Any]):
    """What `inner` takes, or the word `none`."""

    def __init__(self, inner: click.ParamType[Any], metavar: str) -> None:
        self.name = f"{inner.name} or none"
        self._inner = inner
        self._metavar = f"{metavar}|none"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return self._metavar

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value is NONE or (isinstance(value, str) and value.lower() == "none"):
            return NONE
        return self._inner.convert(value, param, ctx)


INTEGER_OR_NONE = OrNone(click.INT, "N")
TEXT_OR_NONE = OrNone(click.STRING, "TEXT")
TIME_OR_NONE = OrNone(click.STRING, "T")


def body(options: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that the options (named as the fields are) give, in the camelCase of a request."""
    from app.schemas.base import camel

    return {
        camel(name): _plain(name, value)
        for name, value in options.items()
        if value is not None and value != ()
    }


def _plain(name: str, value: Any) -> Any:
    if value is NONE:
        return None
    if not isinstance(value, tuple):
        return value
    if NONE in value and len(value) > 1:
        raise click.UsageError(f"`none` empties the whole {name} and can't stand beside other values.")
    return [item for item in value if item is not NONE]


def secret_from_stdin(option: str) -> str:
    """The first line of stdin: a secret must not stand in a list of processes or in a shell's history."""
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise click.UsageError(f"{option} reads a line from stdin, and there was none.")
    return line
