"""The file that outlives a sandbox: written soon after a change, and whole whenever the process ends.

To write it takes time that grows with what it holds, and nobody who calls is to wait for that. So a thread of
its own writes it, at most once a second, and it is written a last time when the sandbox stops. Who kills the
process loses the changes of the last second. It is made beside its place and renamed into it.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PAUSE = 1.0
"""Seconds between two looks whether there is something to write."""

_log = logging.getLogger(__name__)


class DataFile:
    """One file of JSON."""

    def __init__(self, path: Path, content: Callable[[], Any]) -> None:
        """Write it for the first time. `content` gives what it is to hold, and may be called by any thread.

        Raises OSError.
        """
        self._path = path
        self._content = content
        self._changed = threading.Event()
        self._closing = threading.Event()
        self._write()
        self._thread = threading.Thread(target=self._keep_writing, daemon=True)
        self._thread.start()

    def write_soon(self) -> None:
        """Write it within a second or so."""
        self._changed.set()

    def close(self) -> None:
        """Write what is not written yet. Raises OSError."""
        self._closing.set()
        self._thread.join()
        if self._changed.is_set():
            self._write()

    def _keep_writing(self) -> None:
        while not self._closing.wait(_PAUSE):
            if not self._changed.is_set():
                continue
            # Before the content is taken: what changes from now on is for the next time.
            self._changed.clear()
            try:
                self._write()
            except OSError as error:
                self._changed.set()
                _log.error("what has changed cannot be kept: %s", error)

    def _write(self) -> None:
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            draft.touch(mode=0o600)
            draft.write_text(json.dumps(self._content()))
            draft.replace(self._path)
        except OSError as error:
            error.filename = str(self._path)
            raise
