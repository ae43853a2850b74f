"""The schema, step by step. Files here are named by time and applied in that order, each once.

A migration declares its own frozen copy of the tables it makes: the models go on changing, what a
migration did does not. Checks and partial indexes are written by hand; no tool sees them.
"""

from __future__ import annotations

import datetime
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from peewee import CharField, Database
from playhouse.apsw_ext import DateTimeField
from playhouse.migrations import Runner

DIRECTORY = Path(__file__).parent
LOCK_NAME = "migrate.lock"


def migrate(db: Database, state_dir: Path) -> list[str]:
    """Apply what is pending and return the names. Two at once on one `state_dir` wait for each other."""
    with _locked(state_dir):
        applied: list[str] = _runner(db).up()
        return applied


def pending(db: Database) -> list[str]:
    """Return the names of the migrations that this database still lacks."""
    status = _runner(db).status()
    return [migration.name for migration in status if not migration.applied]


def _runner(db: Database) -> Runner:
    runner = Runner(db, str(DIRECTORY))

    # The runner's own table binds a datetime, which APSW refuses: same table, but the time as text.
    class History(db.Model):  # type: ignore[name-defined, misc]
        name = CharField(unique=True)
        applied = DateTimeField(default=datetime.datetime.now)

        class Meta:
            legacy_table_names = False
            table_name = runner.table_name

    runner.History = History
    return runner


@contextmanager
def _locked(state_dir: Path) -> Iterator[None]:
    state_dir.mkdir(parents=True, exist_ok=True)
    with open(state_dir / LOCK_NAME, "w", opener=partial(os.open, mode=0o600)) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
