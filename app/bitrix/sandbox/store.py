"""What the portal holds: tables of rows by number, in memory, and in one JSON file if it has a name.

A row is never changed, only replaced, so whoever has one may keep it. The file is written anew after every
change and renamed into its place, so it is whole whenever the process ends.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Tables = dict[str, dict[int, Row]]


class StoreError(Exception):
    """The file holds something else; the text is one line."""


class Store:
    """Tables of rows, each with a number that is never given twice; not for several threads at once."""

    def __init__(self, tables: Tables, file: Path | None = None) -> None:
        """Begin with `tables`, unless there is a `file` already. Raises `StoreError`, OSError."""
        self._file = file
        self._hold(tables)
        self.secret = secrets.token_hex(8)
        """The part of the webhook's URL that nobody can guess."""
        if file is not None and file.exists():
            self._load(file)
        else:
            self._save()

    def rows(self, table: str) -> list[Row]:
        """All rows, the oldest first."""
        return list(self._tables[table].values())

    def get(self, table: str, number: int) -> Row | None:
        """The row with this number."""
        return self._tables[table].get(number)

    def next_number(self, table: str) -> int:
        """The number that the next row will have."""
        return self._newest[table] + 1

    def put(self, table: str, number: int, row: Row) -> None:
        """Keep a row, a new one or a changed one."""
        self._tables[table][number] = row
        self._newest[table] = max(self._newest[table], number)
        self._save()

    def delete(self, table: str, number: int) -> None:
        """Forget the row with this number."""
        del self._tables[table][number]
        self._save()

    def replace(self, tables: Tables) -> None:
        """Hold these tables in place of all that there was."""
        self._hold(tables)
        self._save()

    def _hold(self, tables: Tables) -> None:
        self._tables = {table: dict(rows) for table, rows in tables.items()}
        self._newest = {table: max(rows, default=0) for table, rows in tables.items()}

    def _load(self, file: Path) -> None:
        try:
            kept = json.loads(file.read_bytes())
            self.secret = kept["secret"]
            self._newest = {table: kept["newest"][table] for table in self._tables}
            self._tables = {
                table: {int(number): row for number, row in kept["tables"][table].items()}
                for table in self._tables
            }
        except (ValueError, TypeError, KeyError, AttributeError):
            raise StoreError(f"{file}: not a file of this sandbox; remove it, or name another one") from None

    def _save(self) -> None:
        if self._file is None:
            return
        draft = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        kept = {"secret": self.secret, "newest": self._newest, "tables": self._tables}
        try:
            draft.touch(mode=0o600)
            draft.write_text(json.dumps(kept))
            draft.replace(self._file)
        except OSError as error:
            error.filename = str(self._file)
            raise
