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


class Crowd:
    """Processes that each run one function; `results` are what it returned in each of them."""

    def __init__(self, target: Callable[..., Any], seats: Sequence[Any]) -> None:
        self._members = []
        for seat in seats:
            ours, theirs = _CONTEXT.Pipe()
            process = _CONTEXT.Process(target=_member, args=(theirs, target, seat), daemon=True)
            process.start()
            theirs.close()
            self._members.append((process, ours))

    def ready(self) -> None:
        """Wait until every member has called its `wait`, then let them all go."""
        for _, pipe in self._members:
            assert _received(pipe) == "ready"
        for _, pipe in self._members:
            pipe.send("go")

    def results(self) -> list[Any]:
        return [_received(pipe) for _, pipe in self._members]

    def end(self) -> None:
        for process, pipe in self._members:
            pipe.close()
            process.kill()
            process.join()
            process.close()


@contextmanager
def crowd(target: Callable[..., Any], seats: Sequence[Any]) -> Iterator[Crowd]:
    """Run `target(seat, wait)` in one process for each seat. `wait()` returns once all are ready."""
    members = Crowd(target, seats)
    try:
        yield members
    finally:
        members.end()


def in_a_process(target: Callable[..., Any], *arguments: Any) -> Any:
    """Run a function in a process of its own; return what it returned, or "killed" if it was."""
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_once, args=(theirs, target, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        return _received(ours)
    except EOFError:
        return "killed"
    finally:
        ours.close()
        process.join()
        process.close()


def until(is_so: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Return once it is so; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.002)


def _received(pipe: Connection) -> Any:
    assert pipe.poll(_PATIENCE), "a process hangs"
    kind, value = pipe.recv()
    assert kind != "failed", value
    return value


def _member(pipe: Connection, target: Callable[..., Any], seat: Any) -> None:
    def wait() -> None:
        pipe.send(("state", "ready"))
        pipe.recv()

    _once(pipe, target, (seat, wait))


def _once(pipe: Connection, target: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        pipe.send(("result", target(*arguments)))
    except BaseException:
        pipe.send(("failed", traceback.format_exc()))
