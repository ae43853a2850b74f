"""One process that the supervisor looks after."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals

import structlog

__all__ = ["Child", "end_with"]

_log = structlog.get_logger(__name__)
_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
_SETTLED = 10.0
"""Seconds after which a process that ends is not taken to end each time it is started."""
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 5.0


class Child:
    """A process in a session of its own, so that Ctrl-C reaches the supervisor only.

    On Linux it is told to end by the kernel when the supervisor is killed.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, folder: Path | None = None, inherits: Sequence[int] = ()
    ) -> None:
        """``folder`` is its working directory, ``inherits`` the file descriptors that it gets."""
        self.name = name
        self._command, self._folder, self._inherits = command, folder, inherits
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._delay = _FIRST_DELAY
        self._start_again_at: float | None = None

    def start(self) -> None:
        """Start it; its files are for this user only, and stdout is the supervisor's alone."""
        parent = os.getpid()
        self._process = subprocess.Popen(
            self._command,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=self._inherits,
            start_new_session=True,
            umask=0o077,
            preexec_fn=lambda: end_with(parent),
        )
        self._started_at = time.monotonic()
        self._start_again_at = None

    @property
    def running(self) -> bool:
        """Has it been started, and not ended since?"""
        return self._process is not None and self._process.poll() is None

    def keep_running(self) -> None:
        """Start it again if it has ended: at once after a good run, later each time it ends early."""
        if self._process is None or self._process.poll() is None:
            return
        now = time.monotonic()
        if self._start_again_at is None:
            self._signal_group(SIGTERM)
            self._delay = _FIRST_DELAY if now - self._started_at > _SETTLED else self._delay * 2
            self._start_again_at = now + min(self._delay, _LONGEST_DELAY)
            _log.warning("process ended, starting it again", process=self.name, exit=self._process.returncode)
        elif now >= self._start_again_at:
            self.start()

    def send(self, number: Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """End it and whatever it has started, at once."""
        if self._process is not None:
            self._signal_group(SIGKILL)
            self._process.wait()

    def _signal_group(self, number: Signals) -> None:
        # The group outlives its leader: workers of a gunicorn that was killed are in it, and end by this.
        assert self._process is not None
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def end_with(parent: int) -> None:
    """End this process when `parent` ends. Runs in the new process, between fork and exec."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, SIGTERM)
        if os.getppid() != parent:  # it was killed before it could be named
            os._exit(1)
