"""What the portal holds: tables of rows by number, in memory, and in one JSON file if it has a name.

A row is never changed, only replaced, so whoever has one may keep it.
"""

from __future__ import annotations

import json
import secrets
import threading
from pathlib import Path
from typing import Any

from app.bitrix.sandbox.data_file import DataFile

Row = dict[str, Any]
Tables = dict[str, dict[int, Row]]


class StoreError(Exception):
    """The file holds something else; the text is one line."""


class Store:
    """Tables of rows, each with a number that is never given twice; to be changed by one thread at a time."""

    def __init__(self, tables: Tables, file: Path | None = None) -> None:
        """Begin with `tables`, unless there is a `file` already. Raises `StoreError`, OSError."""
        self._lock = threading.Lock()
        self._hold(tables)
        self.secret = secrets.token_hex(8)
        """The part of the webhook's URL that nobody can guess."""
        if file is not None and file.exists():
            self._load(file)
        self._file = None if file is None else DataFile(file, self._kept)

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
        with self._lock:
            self._tables[table][number] = row
            self._newest[table] = max(self._newest[table], number)
        self._changed()

    def delete(self, table: str, number: int) -> None:
        """Forget the row with this number."""
        with self._lock:
            del self._tables[table][number]
        self._changed()

    def replace(self, tables: Tables) -> None:
        """Hold these tables in place of all that there was."""
        with self._lock:
            self._hold(tables)
        self._changed()

    def close(self) -> None:
        """Leave everything in the file, after the last change. Raises OSError."""
        if self._file is not None:
            self._file.close()

    def _changed(self) -> None:
        if self._file is not None:
            self._file.write_soon()

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

    def _kept(self) -> dict[str, Any]:
        """What the file holds, as it is at this moment."""
        with self._lock:
            tables = {table: dict(rows) for table, rows in self._tables.items()}
            return {"secret": self.secret, "newest": dict(self._newest), "tables": tables}
