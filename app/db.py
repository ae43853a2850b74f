"""The database: how it is opened, and the one way to write.

`connect(config)` opens the file, initialises `database`, to which every model is bound, and returns
it. One process talks to one database at a time; connecting again moves all models over. Connections
are opened per thread on first use and stay open, as suits SQLite.

SQLite comes with the APSW wheel, not with the interpreter: releases up to 3.51.2 can corrupt a
database in WAL mode when the log is reset. `synchronous=FULL`, since an acknowledged revocation must
survive a power cut.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import structlog
from peewee import Database, DatabaseError, DatabaseProxy, InterfaceError, OperationalError
from playhouse.apsw_ext import APSWDatabase

from app.config import Config
from app.errors import DATABASE_RETRY_AFTER, ApiError

BUSY_TIMEOUT = 5.0
"""Seconds that a statement waits for another process's write lock."""

_PRAGMAS = {"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1}

_REMEDY = "check DATABASE_URL and the file's permissions"

database = DatabaseProxy()
log = structlog.get_logger(__name__)


class DatabaseRefused(Exception):
    """The database cannot be opened; the text is one line that says what to do."""


class DatabaseMissing(DatabaseRefused):
    """There is no database yet, and only `run` and `migrate` may make one."""


def connect(config: Config, *, create: bool = False, busy_timeout: float = BUSY_TIMEOUT) -> Database:
    """Open the database of `config`, bind all models to it and return it.

    Raises `DatabaseMissing` if there is no file and `create` is false, `DatabaseRefused` if there is
    one that is of no use, or that cannot be written: a reader would write the log's index all the same.
    """
    path = config.database_path
    if create:
        _create_file(config)
    elif not os.path.exists(path):
        raise DatabaseMissing(f"{path}: there is no database here, run `vibekeys migrate`")
    if not os.access(path, os.W_OK):
        # Not left to SQLite, which would open it for reading and make side files of the same mode that stay.
        raise DatabaseRefused(f"{path}: it cannot be written; {_REMEDY}")
    # Without the CREATE flag, a file that is removed later is not replaced by an empty one.
    made = APSWDatabase(str(path), timeout=busy_timeout, pragmas=_PRAGMAS, flags=apsw.SQLITE_OPEN_READWRITE)
    made.register_function(str.casefold, "casefold", 1)  # SQLite itself knows the case of ASCII only
    opened: Database = made
    try:
        opened.connect()
        _check_writable(opened, busy_timeout)
    except (DatabaseError, apsw.Error) as error:
        refused = DatabaseRefused(f"{_file_at_fault(path)}: {error}; {_REMEDY}")
        opened.close()  # may remove the file at fault
        raise refused from None
    database.initialize(opened)
    return opened


def _warn(reason: str) -> None:
    log.warning("database.unavailable", reason=reason)


@contextmanager
def writing(db: Database, warn: Callable[[str], None] = _warn) -> Iterator[None]:
    """One write transaction, which takes the write lock at its start; joins one that is open.

    A transaction that only asks for the lock at its first write fails at once when another writer
    was quicker. Raises `ApiError` DATABASE_UNAVAILABLE, with nothing written, if the database is
    locked for longer than `BUSY_TIMEOUT`, full, or read-only.
    `warn` is told why.
    """
    try:
        with db.atomic("IMMEDIATE"):
            yield
    except (OperationalError, InterfaceError) as error:
        warn(str(error))
        raise ApiError("DATABASE_UNAVAILABLE", retry_after=DATABASE_RETRY_AFTER) from error


def write_unless_busy(db: Database, statement: str, *parameters: str | int) -> bool:
    """Run one statement that may as well not be run; return whether it was. It waits for no other writer."""
    connection = driver(db)
    patience_ms = connection.pragma("busy_timeout")
    connection.set_busy_timeout(0)
    try:
        connection.execute(statement, parameters)
    except apsw.Error:
        return False
    finally:
        connection.set_busy_timeout(patience_ms)
    return True


def driver(db: Database) -> apsw.Connection:
    """Return this thread's connection as the driver knows it, for plain SQL."""
    connection: apsw.Connection = db.connection()  # type: ignore[no-untyped-call]
    return connection


def _create_file(config: Config) -> None:
    path = config.database_path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # SQLite gives its log and index files the mode of the main file.
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise DatabaseRefused(f"{path}: {error.strerror}; check DATABASE_URL") from None


def _check_writable(db: Database, busy_timeout: float) -> None:
    """Begin a write transaction, since SQLite falls back to reading without a word."""
    connection = driver(db)
    connection.set_busy_timeout(0)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except apsw.BusyError:
        pass  # only asked for a lock on files that can be written
    finally:
        connection.set_busy_timeout(int(busy_timeout * 1000))


def _file_at_fault(path: Path) -> str:
    """Return the file that SQLite, which names none, most likely failed at."""
    file = os.path.realpath(path)
    for side_file in (f"{file}-wal", f"{file}-shm"):
        writable = os.path.isfile(side_file) and os.access(side_file, os.W_OK)
        if os.path.exists(side_file) and not writable:
            return side_file
    return str(path)
