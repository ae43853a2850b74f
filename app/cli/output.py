"""How results are printed: one JSON value for programs, or a table for people.

At a terminal the table is drawn by rich and folded to its width; into a file or a pipe it is plain columns,
as wide as they need to be. Neither ever cuts an id. Text that a user chose (a name, a domain) can't move the
cursor or recolour the terminal: characters that don't print are shown as escapes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.table import Table

_ANY_WIDTH = 100_000
_TICK_SECONDS = 2.0

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON value on stdout.")


def print_json(value: Any) -> None:
    """Print `value` as one line of JSON, in ASCII: it survives any locale."""
    click.echo(json.dumps(value, allow_nan=False))


def print_json_array(values: Iterable[Any]) -> None:
    """Print `values` as one line of JSON, each as soon as it is there: they need not fit into memory."""
    before = "["
    for value in values:
        click.echo(before + json.dumps(value, allow_nan=False), nl=False)
        before = ", "
    click.echo("[]" if before == "[" else "]")


def print_one(row: Mapping[str, Any], as_json: bool) -> None:
    """Print one object; its table has a line a field."""
    if as_json:
        print_json(row)
    else:
        print_table(("field", "value"), _fields(row))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table for people."""
    texts = [[_cell(value) for value in row] for row in rows]
    # A stream that the caller has closed is None.
    if sys.stdout is not None and sys.stdout.isatty():
        _print_rich(columns, texts)
    else:
        _print_plain(columns, texts)


@contextmanager
def progress(label: str, length: int | None) -> Iterator[Callable[[int], object]]:
    """Show on stderr how far something has got: the function that is given is told each time how much more.

    At a terminal there is a bar, unless the `length` is not known. Elsewhere, or then, there is a line every
    few seconds, so that what is quick says nothing.
    """
    if length and sys.stderr is not None and sys.stderr.isatty():
        with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
            yield bar.update
    else:
        yield _Ticker(label, length).update


class _Ticker:
    def __init__(self, label: str, length: int | None) -> None:
        self._label, self._of = label, f" of {length:,}" if length else ""
        self._done, self._told_at = 0, time.monotonic()

    def update(self, more: int) -> None:
        self._done += more
        if time.monotonic() >= self._told_at + _TICK_SECONDS:
            self._told_at = time.monotonic()
            note(f"{self._label}: {self._done:,}{self._of}")


def note(text: str) -> None:
    """Say something to whoever is watching, on stderr."""
    click.echo(text, err=True)


def _fields(row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The fields of an object, those of an object inside it named `outer.inner`."""
    found: list[tuple[str, Any]] = []
    for name, value in row.items():
        inside = value.items() if isinstance(value, Mapping) else ()
        found += [(f"{name}.{inner}", inner_value) for inner, inner_value in inside] or [(name, value)]
    return found


def _cell(value: Any) -> str:
    if value is None or value == [] or value == {}:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_cell(item) for item in value)
    if isinstance(value, Mapping):
        return printable(json.dumps(value))
    return printable(str(value))


def printable(text: str) -> str:
    """`text` with each character that does not print, or turns the text's direction, as an escape."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _print_plain(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    lines = [columns, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _print_rich(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    table = _rich_table(columns, rows)
    needed = console.measure(table, options=console.options.update_width(_ANY_WIDTH)).minimum
    if needed <= console.width or len(columns) == 2:
        console.print(table, width=max(console.width, needed), crop=False)
        return
    # Too many columns for this terminal: each row becomes a table of its own, a line a field.
    for row in rows:
        _print_rich(("field", "value"), list(zip(columns, row, strict=True)))


def _rich_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for place, column in enumerate(columns):
        # A word that may be copied (an id, a raw key) stays whole on its line; only prose is folded.
        words = [word for row in rows for word in row[place].split()]
        has_prose = any(" " in row[place] for row in rows)
        longest = max(map(len, [column, *words]))
        table.add_column(column, overflow="fold", no_wrap=not has_prose, min_width=longest)
    for row in rows:
        # Text, not str: a name such as "[red]" is not markup.
        table.add_row(*map(Text, row))
    return table
