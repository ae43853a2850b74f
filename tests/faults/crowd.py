"""Many processes that do one thing at the same time, and what they have in common: a clock and a signal.

Processes are forked from a server that has imported everything once, so that sixteen of them start
in a moment, and none of them inherits a lock or a connection of the test run.
"""

from __future__ import annotations

import mmap
import multiprocessing
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.faults.counting", "tests.faults.changer"])
CLOCK = "TEST_CLOCK"
"""Environment variable of a served application: a `Board`, whose place 0 is how many seconds its clock is
ahead."""

_PATIENCE = 120.0
_PLACES = 64


class Board:
    """Numbers that many processes see, in a file mapped into the memory of each.

    Each place has one writer. Place 0 is the time of `BoardClock`, place 1 says that work is over,
    and place 2 + n is how much member n has done.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(8 * _PLACES))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8 * _PLACES)
        self._numbers = memoryview(self._map).cast("d")

    def __getitem__(self, place: int) -> float:
        return self._numbers[place]

    def __setitem__(self, place: int, value: float) -> None:
        self._numbers[place] = value

    @property
    def over(self) -> bool:
        return self[1] != 0

    def end(self) -> None:
        self[1] = 1

    @property
    def done(self) -> int:
        """How much all members together have done."""
        return int(sum(self._numbers[2:]))

    def close(self) -> None:
        self._numbers.release()
        self._map.close()


class BoardClock:
    """A clock that all processes share and that one of them moves."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def __call__(self) -> float:
        return self._board[0]


class Child:
    """One process that runs `target(*arguments, pipe)`, and the pipe to it."""

    def __init__(self, target: Callable[..., Any], *arguments: Any) -> None:
        self.pipe, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_run, args=(target, *arguments, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def received(self) -> Any:
        """Return what the process sends next, or returns; fail with it if it failed.

        Raises EOFError if the process was killed.
        """
        assert self.pipe.poll(_PATIENCE), "a process hangs"
        kind, value = self.pipe.recv()
        assert kind != "failed", value
        return value

    def ask(self, question: Any) -> Any:
        """Send the process something and return its answer."""
        self.pipe.send(question)
        return self.received()

    def end(self) -> None:
        self.pipe.close()
        self._process.kill()
        self._process.join()
        self._process.close()


class Crowd:
    """Processes that each run one function; `results` are what it returned in each of them."""

    def __init__(self, target: Callable[..., Any], seats: Sequence[Any]) -> None:
        self._members = [Child(target, seat) for seat in seats]

    def ready(self) -> None:
        """Wait until every member has called `wait`, then let them all go."""
        for member in self._members:
            assert member.received() == "ready"
        for member in self._members:
            member.pipe.send("go")

    def results(self) -> list[Any]:
        return [member.received() for member in self._members]

    def end(self) -> None:
        for member in self._members:
            member.end()


@contextmanager
def crowd(target: Callable[..., Any], seats: Sequence[Any]) -> Iterator[Crowd]:
    """Run `target(seat, pipe)` in one process for each seat."""
    members = Crowd(target, seats)
    try:
        yield members
    finally:
        members.end()


def in_a_process(target: Callable[..., Any], *arguments: Any) -> Any:
    """Run a function in a process of its own; return what it returned, or "killed" if it was."""
    child = Child(target, *arguments)
    try:
        return child.received()
    except EOFError:
        return "killed"
    finally:
        child.end()


def wait(pipe: Connection) -> None:
    """In a member of a crowd: tell that it is ready, and return once all are."""
    pipe.send(("state", "ready"))
    pipe.recv()


def until(is_so: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Return once it is so; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.002)


def _run(target: Callable[..., Any], *arguments: Any) -> None:
    pipe: Connection = arguments[-1]
    try:
        pipe.send(("result", target(*arguments)))
    except BaseException:
        pipe.send(("failed", traceback.format_exc()))
