"""Signals as something to wait for, in a loop that has other things to do as well."""

from __future__ import annotations

import select
import signal
import socket
from collections.abc import Iterable

__all__ = ["SignalQueue"]


class SignalQueue:
    """Collects the signals of a process from when it is made; for the main thread, once in a process."""

    def __init__(self, numbers: Iterable[signal.Signals]) -> None:
        self._read, write = socket.socketpair()
        self._read.setblocking(False)
        write.setblocking(False)
        self._write = write
        # The interpreter writes each signal's number there, without running any Python code.
        signal.set_wakeup_fd(write.fileno(), warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, lambda _number, _frame: None)

    def wait(self, seconds: float) -> list[int]:
        """The signals that have arrived, in order; waits for the first at most so long."""
        readable, _, _ = select.select([self._read], [], [], seconds)
        return list(self._read.recv(4096)) if readable else []
