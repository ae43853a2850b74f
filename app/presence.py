"""Who is running on a ``STATE_DIR``, told by file locks, which the kernel drops however a process ends.

``run.lock`` is held by the one supervisor.  ``serving.lock`` is shared by everything that decides about
requests, so that the command line knows whether a change that it makes has to reach somebody.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

__all__ = ["hold_presence", "service_is_running", "take_run_lock"]

_held: list[int] = []
"""Descriptors kept open, and with them their locks, until this process ends."""


def take_run_lock(state_dir: Path) -> bool:
    """Become the one supervisor of this folder until the process ends; ``False``: another one is.

    Raises ``OSError`` where the lock file can't be written.
    """
    descriptor = os.open(state_dir / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    _held.append(descriptor)
    return True


def hold_presence(state_dir: Path) -> None:
    """Count as running until this process ends.  Call it after a fork: children keep a lock taken before."""
    descriptor = os.open(state_dir / "serving.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    _held.append(descriptor)


def service_is_running(state_dir: Path) -> bool:
    """Does anything serve with this folder?  Needs no right to write there."""
    try:
        folder = os.open(state_dir, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # A probe takes the lock for a moment, so two at once would each take the other for the service.
        fcntl.flock(folder, fcntl.LOCK_EX)
        return _is_locked(state_dir / "serving.lock")
    finally:
        os.close(folder)


def _is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
