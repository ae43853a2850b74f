"""The portal itself, without HTTP: who may call what, and what the answer says besides its result."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from app.bitrix.sandbox import batch, clock, common, crm, seed, tasks, users
from app.bitrix.sandbox.answer import Answer, Call
from app.bitrix.sandbox.limits import Limits
from app.bitrix.sandbox.refusal import Refusal
from app.bitrix.sandbox.store import Store

SCOPES = ("crm", "task", "user")
"""Those of a new portal's webhook."""
_METHODS = {**common.METHODS, **crm.METHODS, **tasks.METHODS, **users.METHODS}
_OPENED_BY = {"crm": {"crm"}, "tasks": {"task"}, "user": {"user", "user_basic", "user_brief"}}
"""The scopes of which one is needed, by the first word of a method; of other methods none."""

Interfere = Callable[[str], None]
"""Is told of a method that a batch is about to call, and may raise `Refusal`."""


class Portal:
    """Answers calls of its one webhook, one at a time."""

    def __init__(self, store: Store, wall_clock: Callable[[], float]) -> None:
        """`wall_clock` gives unix seconds."""
        self._store = store
        self._clock = wall_clock
        self._lock = threading.Lock()
        self.scopes: frozenset[str] = frozenset(SCOPES)
        self.limits = Limits(wall_clock)

    @property
    def webhook(self) -> str:
        """The last part of the webhook's URL: the user's number and the secret."""
        return f"1/{self._store.secret}"

    def call(self, webhook: str, method: str, params: dict[str, Any], interfere: Interfere) -> dict[str, Any]:
        """Answer one request. Raises `Refusal`."""
        with self._lock:
            if not webhook:
                raise Refusal(401, "NO_AUTH_FOUND", "Wrong authorization data")
            if webhook != self.webhook:
                raise Refusal(401, "INVALID_CREDENTIALS", "Invalid request credentials")
            self.limits.admit()
            if method == "batch":
                return self._timed(method, lambda: Answer(batch.run(params, self._in_batch(interfere))))
            return self._timed(method, lambda: self._run(method, params))

    def reset(self) -> None:
        """Hold again what a new portal holds."""
        with self._lock:
            self._store.replace(seed.tables())

    def close(self) -> None:
        """Leave everything in the data file, after the last call. Raises OSError."""
        self._store.close()

    def _in_batch(self, interfere: Interfere) -> batch.Runner:
        def run(method: str, params: dict[str, Any]) -> dict[str, Any]:
            if method == "batch":
                raise Refusal(405, "ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage")
            interfere(method)
            return self._timed(method, lambda: self._run(method, params))

        return run

    def _run(self, method: str, params: dict[str, Any]) -> Answer:
        if method == "methods":
            return Answer([name for name in (*_METHODS, "methods", "batch") if self._opened(name)])
        function = _METHODS.get(method)
        if function is None:
            raise Refusal(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")
        if not self._opened(method):
            message = "The request requires higher privileges than provided by the webhook token"
            raise Refusal(403, "insufficient_scope", message)
        self.limits.check_work(method)
        return function(Call(params, self._store, self.scopes, self._clock()))

    def _opened(self, method: str) -> bool:
        needed = _OPENED_BY.get(method.partition(".")[0])
        return needed is None or bool(needed & self.scopes)

    def _timed(self, method: str, run: Callable[[], Answer]) -> dict[str, Any]:
        # Of this thread alone: not what the writing of the data file takes meanwhile.
        start, began = self._clock(), time.thread_time()
        answer = run()
        duration = time.thread_time() - began
        self.limits.worked(method, duration)
        finish = start + duration
        told = {"total": answer.total, "next": answer.next}
        return {
            "result": answer.result,
            **{name: number for name, number in told.items() if number is not None},
            "time": {
                "start": start,
                "finish": finish,
                "duration": duration,
                "processing": duration,
                "date_start": clock.written(start),
                "date_finish": clock.written(finish),
                "operating_reset_at": self.limits.resets_at(method),
                "operating": self.limits.operating(method),
            },
        }
