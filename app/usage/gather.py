"""By what and from where keys are used: noted as requests pass, written by a thread once a second.

`UsageSplits` stands around the gateway and reads what it and the application leave in the environ:
`vibekeys.admission` or `vibekeys.refusal`, `vibekeys.route` (the route that served it, as the registry writes
it) and `vibekeys.code` (of a refusal by the application).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import apsw
import structlog
from peewee import Database, PeeweeException

from app.errors import ApiError
from app.usage.clients import OTHER, network_of, source_of, tool_of
from app.usage.splits import store
from app.usage.tally import Gathered, Tally
from app.usage.windows import hour_of
from app.wsgi_status import StatusSeen
from gateway.authorize import Allowed, Refused
from gateway.denial import WRONG_KEY

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger(__name__)


class UsageSplits:
    """WSGI middleware that notes what each request was, once its answer has begun."""

    def __init__(self, app: WSGIApplication, tally: Tally, clock: Callable[[], float]) -> None:
        self._app, self._tally, self._clock = app, tally, clock

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        now = self._clock()
        seen = StatusSeen(start_response)
        try:
            return self._app(environ, seen)
        finally:
            if (admission := environ.get("vibekeys.admission")) is not None:
                self._note_admission(admission, environ, seen.code[0] + "xx", hour_of(now))
            elif (refusal := environ.get("vibekeys.refusal")) is not None and not _is_replayed(environ):
                self._note_refusal(refusal, environ["vibekeys.client_address"], hour_of(now))

    def _note_admission(self, admission: Allowed, environ: WSGIEnvironment, status: str, hour: int) -> None:
        key_id = admission.snapshot.key.key_id
        tool, action = tool_of(environ.get("HTTP_USER_AGENT", "")), environ.get("vibekeys.route", OTHER)
        self._tally.count(key_id, hour, tool, action, status, network_of(admission.address))
        if (code := environ.get("vibekeys.code")) is not None:
            self._tally.count_refusal(key_id, hour, code)

    def _note_refusal(self, refusal: Refused, address: str, hour: int) -> None:
        code = refusal.denial.code
        if refusal.snapshot is not None:
            self._tally.count_refusal(refusal.snapshot.key.key_id, hour, code)
        elif code in WRONG_KEY:
            self._tally.count_wrong(refusal.beginning, source_of(address), hour, code)


def _is_replayed(environ: WSGIEnvironment) -> bool:
    """Tell whether an answer was given again to a key that would be refused: nothing was refused then."""
    return bool(environ["vibekeys.outcome"] == "replayed")


class SplitWriter:
    """Writes what a process has gathered to the database.

    What cannot be written is kept for the next time, as far as the bounds allow.
    """

    def __init__(self, db: Database, tally: Tally) -> None:
        self._db, self._tally = db, tally
        self._unwritten = Gathered()
        self._writing = threading.Lock()
        self._fails = False

    def write(self) -> None:
        """Write what was gathered since the last time; a database that is away is no exception here.

        Safe for threads: on its return, all that was gathered before the call is written, or kept.
        """
        with self._writing:
            self._write()

    def _write(self) -> None:
        self._unwritten.add(self._tally.take())
        if self._unwritten.is_empty:
            return
        try:
            store(self._db, self._unwritten)
        except (ApiError, PeeweeException, apsw.Error) as error:
            if not self._fails:
                log.warning("usage.splits_not_written", reason=str(error.__cause__ or error))
            self._fails = True
        else:
            self._unwritten, self._fails = Gathered(), False
