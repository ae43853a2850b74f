"""The processes that the benchmarks start, and their end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

PROJECT = Path(__file__).parents[1]
_PATIENCE = 30.0
_LONGEST_END = 10.0


@contextmanager
def child(
    command: Sequence[str], log: Path, *, folder: Path = PROJECT, inherits: Sequence[int] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command for as long as the block runs. What it says goes to the end of `log`."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=inherits
        )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LONGEST_END)
        process.kill()
        process.wait()


def python(*arguments: str) -> list[str]:
    """Return the command line of this interpreter."""
    return [sys.executable, *arguments]


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once `is_so`; raise RuntimeError, with what the process said last, if that does not come."""
    deadline = time.monotonic() + _PATIENCE
    while not is_so():
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{' '.join(map(str, process.args))} did not start\n{said}")  # type: ignore[arg-type]
        time.sleep(0.002)


@contextmanager
def one_core() -> Iterator[int | None]:
    """Keep this process and the children that it starts on one core; None where the system can't."""
    if not hasattr(os, "sched_setaffinity"):
        yield None
        return
    before = os.sched_getaffinity(0)
    core = max(before)
    os.sched_setaffinity(0, {core})
    try:
        yield core
    finally:
        os.sched_setaffinity(0, before)
