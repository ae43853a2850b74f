"""A file that all processes of one host map into their memory, and the lock under which they change it.

A process may be killed at any moment, also while it holds the lock, which the kernel frees then. So whoever
writes into such a file does it in an order in which every state on the way is valid, and what counts as one
word, by a view of words: what `struct` packs is zero for a moment, and may stay so.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
from errno import ENOENT
from pathlib import Path


class HostLock:
    """Excludes every other thread of this process and every other process of this host.

    Make it after a fork: a lock that is inherited excludes nobody. A class, since a generator by
    `contextmanager` takes longer than the lock itself.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._threads = threading.Lock()

    def __enter__(self) -> None:
        self._threads.acquire()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except BaseException:
            self._threads.release()
            raise

    def __exit__(self, *_: object) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def map_file(path: Path, size: int, magic: bytes) -> mmap.mmap:
    """Map a file of at least `size` bytes that begins with `magic`, made or replaced if need be.

    The caller holds the lock. Raises OSError when it cannot be written, or has no room.
    """
    try:
        return _map(path, size, magic, read_only=False)
    except FileNotFoundError:
        _make(path, size, magic)
    return _map(path, size, magic, read_only=False)


def map_to_look(path: Path, size: int, magic: bytes) -> mmap.mmap:
    """Map such a file for reading; nothing is made or changed.

    Raises OSError when it cannot be read, FileNotFoundError also where it is of another kind or torn.
    """
    return _map(path, size, magic, read_only=True)


def _map(path: Path, size: int, magic: bytes, *, read_only: bool) -> mmap.mmap:
    descriptor = os.open(path, (os.O_RDONLY if read_only else os.O_RDWR) | os.O_CLOEXEC)
    try:
        if os.fstat(descriptor).st_size < size or os.pread(descriptor, len(magic), 0) != magic:
            raise FileNotFoundError(ENOENT, "not a file of this version", str(path))
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ if read_only else mmap.ACCESS_WRITE)
    finally:
        os.close(descriptor)


def _make(path: Path, size: int, magic: bytes) -> None:
    """Put a new file in the place of `path`: one that others have mapped, before they are told to end for a
    newer version, must stay as long as it was, or touching it ends them by a signal."""
    new = path.with_name(f"{path.name}.new")
    descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        _allocate(descriptor, size)
        os.pwrite(descriptor, magic, 0)
        os.replace(new, path)
    except OSError:
        os.unlink(new)
        raise
    finally:
        os.close(descriptor)


def _allocate(descriptor: int, size: int) -> None:
    """Give the file its room on the disk now: a page that is first written when the disk is full ends
    the process by a signal."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.pwrite(descriptor, bytes(size), 0)
