"""A rollup in a process of its own that is killed at a chosen moment."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from app.config import Config
from app.db import connect
from app.usage import rollup
from app.usage.rollup import Rollup
from gateway.usage_table import UsageTable

MOMENTS = (
    "everything read",
    "first row written",
    "half written",
    "before the commit",
    "committed",
    "half noted",
    "first part noted",
    "second part committed",
    "all noted",
)
"""Of a rollup in several parts, in their order."""


def roll_up_and_die(database: str, now: float, moment: str, pipe: Connection) -> None:
    """Roll up the table beside a database, and be killed by signal 9 at one of `MOMENTS`."""
    config = Config.from_env({"DATABASE_URL": database})
    table = UsageTable(config.state_dir)
    rolling_up = Rollup(connect(config), table, lambda: now, config)
    _arrange(rolling_up, table, moment)
    rolling_up.roll_up()
    if moment == "all noted":
        _die()


def _arrange(rolling_up: Rollup, table: UsageTable, moment: str) -> None:
    # To methods and modules of a process that has nothing else to do.
    if moment == "everything read":
        rolling_up._store = _die  # type: ignore[method-assign]
    elif moment in ("first row written", "half written"):
        _die_after(rolling_up, "_store_one", 1 if moment == "first row written" else 120)
    elif moment == "before the commit":
        rollup.writing = _dying_before_the_commit
    elif moment == "committed":
        table.note_stored = _die  # type: ignore[method-assign]
    elif moment == "half noted":
        noting = table.note_stored
        table.note_stored = lambda uses, now: (noting(uses[: len(uses) // 2], now), _die())  # type: ignore
    elif moment == "first part noted":
        _die_after(table, "note_stored", 1)
    elif moment == "second part committed":
        _die_after(rolling_up, "_store", 2)


def _die_after(of: Any, method: str, times: int) -> None:
    do: Callable[..., None] = getattr(of, method)
    done = 0

    def doing(*arguments: Any) -> None:
        nonlocal done
        do(*arguments)
        done += 1
        if done == times:
            _die()

    setattr(of, method, doing)


@contextmanager
def _dying_before_the_commit(db: Any) -> Iterator[None]:
    with db.atomic("IMMEDIATE"):
        yield
        _die()


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def database_in(folder: Path) -> str:
    """The database's URL, for `roll_up_and_die`."""
    return f"sqlite:///{folder}/vibekeys.db"
