"""A thread for what a process does once a second, besides answering."""

from __future__ import annotations

import threading
from collections.abc import Callable

from peewee import Database

SECONDS = 1.0


class EachSecond(threading.Thread):
    """Calls one function after the other, each second and once more when it is stopped.

    They raise nothing, whatever the state of the database: nobody would start the thread again.
    """

    def __init__(self, db: Database, *functions: Callable[[], None]) -> None:
        super().__init__(name="each-second", daemon=True)
        self._db, self._functions = db, functions
        self._stopped = threading.Event()

    def run(self) -> None:
        """Go on until stopped."""
        try:
            while not self._stopped.wait(SECONDS):
                self._call()
            self._call()
        finally:
            self._db.close()

    def stop(self) -> None:
        """End the thread, once each function was called a last time."""
        self._stopped.set()
        self.join()

    def _call(self) -> None:
        for function in self._functions:
            function()
