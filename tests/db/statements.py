"""By which statements something is read, how SQLite goes about each, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import apsw
from peewee import Database

from app.db import driver


@contextmanager
def told_of_statements(db: Database, tell: Callable[[str, Any], None]) -> Iterator[None]:
    """Call `tell` with each statement of this thread and its values, before it is executed."""

    def trace(_: apsw.Cursor, sql: str, values: Any) -> bool:
        tell(sql, values)
        return True

    connection = driver(db)
    connection.exec_trace = trace
    try:
        yield
    finally:
        connection.exec_trace = None


def statements_of(db: Database, read: Callable[[], Any]) -> list[tuple[str, Any]]:
    """The statements, with their values, that this thread executes while it reads."""
    statements: list[tuple[str, Any]] = []
    with told_of_statements(db, lambda sql, values: statements.append((sql, values))):
        read()
    return statements


def steps_of(db: Database, read: Callable[[], Any]) -> int:
    """What reading costs, in steps of SQLite's machine."""
    taken = 0

    def step() -> bool:
        nonlocal taken
        taken += 1
        return False

    connection = driver(db)
    connection.set_progress_handler(step, 1)
    try:
        read()
    finally:
        connection.set_progress_handler(None)
    return taken


def plan(db: Database, sql: str, values: Any) -> list[str]:
    """How SQLite goes about a statement, step by step."""
    return [row[3] for row in driver(db).execute(f"EXPLAIN QUERY PLAN {sql}", values)]
