"""Plain tables on stdout."""

from __future__ import annotations

from collections.abc import Sequence

from bench.rounds import Spread


def print_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    print(f"\n{title}\n")
    for cells in (headings, ["-" * width for width in widths], *rows):
        first, *others = zip(cells, widths, strict=True)
        print("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]).rstrip())


def print_aims(aims: Sequence[tuple[str, float, bool]]) -> None:
    """Print aims: what is aimed at, what it is, and whether it is reached."""
    print()
    for aim, figure, reached in aims:
        print(f"  {'reached    ' if reached else 'not reached'}  {aim}: {figure:.2f}")


def shown(spread: Spread, digits: int) -> tuple[str, str]:
    """Return a spread as two cells: the median, and from where to where."""
    return f"{spread.median:,.{digits}f}", f"{spread.low:,.{digits}f} – {spread.high:,.{digits}f}"
