"""What the sandbox is told to do wrong, each for so many calls, and for one method only if that is named.

=============== ============================================================================================
kind            options, and what happens
=============== ============================================================================================
``delay``       ``seconds``: the answer comes late; the call is done after the wait
``refuse``      ``status``, ``error``, ``description``: the call is not done; also applies inside a batch
``cut``         ``where``: the connection is closed ``before`` the call is done, without a byte; within the
                ``headers`` or the ``body`` of the answer to a call that is done; or ``after`` it is done,
                without a byte
``slow``        ``seconds``, ``where``: a byte, and then a wait of so long before the next, of the ``headers``
                or of the ``body``
``huge``        ``bytes``: a right answer that is so long, without a Content-Length
``not_json``    ``status``, ``text``: a page for people
``redirect``    ``status``, ``location``: the call is not done
``close_idle``  the call is answered, and then the connection closed although nothing said that it would be
=============== ============================================================================================
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Kind = Literal["delay", "refuse", "cut", "slow", "huge", "not_json", "redirect", "close_idle"]
OPTIONS: dict[str, dict[str, Any]] = {
    "delay": {"seconds": 1.0},
    "refuse": {"status": 400, "error": "ERROR_CORE", "description": "Refused by the sandbox"},
    "cut": {"where": "body"},
    "slow": {"seconds": 1.0, "where": "body"},
    "huge": {"bytes": 2 * 1_048_576},
    "not_json": {"status": 200, "text": "<html><body>Down for maintenance</body></html>"},
    "redirect": {"status": 302, "location": "http://127.0.0.1:9/rest/1/elsewhere/"},
    "close_idle": {},
}
"""The options of each kind with their defaults."""
PLACES = {"cut": ("before", "headers", "body", "after"), "slow": ("headers", "body")}
"""What `where` may be."""


@dataclass(slots=True)
class Fault:
    """One thing to do wrong."""

    kind: Kind
    options: dict[str, Any]
    method: str | None
    times: int | None
    """How often it is still to happen; None: until it is cleared."""


@dataclass(slots=True)
class Faults:
    """The faults that wait for their calls, the first told comes first; for any number of threads."""

    waiting: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: Kind, *, method: str | None = None, times: int | None = 1, **options: Any) -> None:
        """Do this wrong at the next calls. Raises ValueError for what the table above does not have."""
        if kind not in get_args(Kind):
            raise ValueError(f"kind: none of {', '.join(get_args(Kind))}")
        if times is not None and (not isinstance(times, int) or times < 1):
            raise ValueError("times: a number of calls from 1, or null")
        known = OPTIONS[kind]
        for name, value in options.items():
            if name not in known or not isinstance(value, _types(known[name])):
                raise ValueError(f"{name}: not an option of {kind}, or of another type")
        where = options.get("where")
        if where is not None and where not in PLACES[kind]:
            raise ValueError(f"where: none of {', '.join(PLACES[kind])}")
        with self._lock:
            self.waiting.append(Fault(kind, known | options, method, times))

    def clear(self) -> None:
        """Do nothing wrong any more."""
        with self._lock:
            self.waiting.clear()

    def take(self, method: str, *kinds: Kind) -> Fault | None:
        """The fault that a call of this method meets now; of these kinds only, if any are named.

        Faults of a named method come before those of any.
        """
        with self._lock:
            fitting = [
                fault
                for fault in self.waiting
                if fault.method in (None, method) and (not kinds or fault.kind in kinds)
            ]
            fault = min(fitting, key=lambda each: each.method is None, default=None)
            if fault is not None and fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
            return fault


def _types(default: Any) -> tuple[type, ...]:
    return (int, float) if isinstance(default, float) else (type(default),)
