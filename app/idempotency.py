"""`Idempotency-Key`: the answer that made a raw key, kept for a caller whose connection broke.

Use, in a view that makes a raw key::

    run = store.begin(raw_key, idempotency_key, fingerprint(method, path, body))
    if isinstance(run, Replay):
        return Response(run.body, run.status)
    try:
        keyring.rotate(..., before_commit=lambda issued: store.finish(run, 201, render(issued)))
    except BaseException:
        store.abandon(run)     # a refused call may be tried again, at once
        raise

`finish` runs inside the change's own transaction, so that key and kept answer are there together or
not at all: a process killed between two commits would leave a key that nobody knows, and the repeat
would make a second one.

What is kept can be read by the caller only: the row is named, and the answer sealed (AES-256-GCM),
under keys derived (HKDF-SHA256) from the caller's own raw key, which this service does not keep.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from peewee import Database

from app.db import writing
from app.errors import ApiError
from app.models import Idempotency
from app.records import reading

KEPT_MS = 24 * 3600 * 1000
"""How long an answer can be had again, from the start of the run that made it."""
RUN_MS = 30 * 1000
"""After this long a run without an answer counts as dead, and the next caller takes over."""

_NONCE_BYTES = 12

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Replay:
    """The answer that the first run gave."""

    status: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Run:
    """A call that is now running under its `Idempotency-Key`."""

    id: str
    attempt: str
    sealing_key: bytes = field(repr=False)


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """Return what must be the same in a repeat: method, path (with its query), and the body's bytes."""
    return b"\0".join((method.encode(), path.encode(), body))


class IdempotencyStore:
    """The kept answers. `clock` tells unix seconds."""

    def __init__(self, db: Database, clock: Callable[[], float]) -> None:
        self._db = db
        self._clock = clock

    def begin(self, caller_raw_key: str, idempotency_key: str, fingerprint: bytes) -> Replay | Run:
        """Return the kept answer, or a `Run` that the caller must `finish` or `abandon`.

        Raises `ApiError`: IDEMPOTENCY_KEY_REUSED if the key stands for another request,
        IDEMPOTENCY_IN_PROGRESS while the first one runs (at most `RUN_MS`), DATABASE_UNAVAILABLE.
        """
        names = _derive(caller_raw_key, "name")
        row_id, asked = _row_id(names, idempotency_key), _asked(names, fingerprint)
        run = Run(row_id, secrets.token_hex(16), _derive(caller_raw_key, "answer"))
        now = int(self._clock() * 1000)
        with writing(self._db):
            # The worker tidies; until it has, an expired row is no row.
            Idempotency.delete().where(
                Idempotency.id == row_id, Idempotency.started_at <= now - KEPT_MS
            ).execute()
            row = Idempotency.get_or_none(Idempotency.id == row_id)
            if row is None:
                Idempotency.create(id=row_id, fingerprint=asked, attempt=run.attempt, started_at=now)
                return run
            return _answer_of(row, asked, run) or _take_over(row, run, now)

    def recall(
        self, caller_raw_key: str, idempotency_key: str, fingerprint: Callable[[], bytes]
    ) -> Replay | None:
        """Return the kept answer, if there is one, to a caller whose raw key may begin nothing any more.

        `fingerprint` is called only if something is kept. Raises `SourceError` if the database cannot be
        read, `ApiError` IDEMPOTENCY_KEY_REUSED, and what `fingerprint` raises.
        """
        names = _derive(caller_raw_key, "name")
        kept = (Idempotency.id == _row_id(names, idempotency_key)) & (
            Idempotency.started_at > int(self._clock() * 1000) - KEPT_MS
        )
        row: Idempotency | None = reading(self._db, lambda _: Idempotency.get_or_none(kept))
        if row is None:
            return None
        run = Run(row.id, row.attempt, _derive(caller_raw_key, "answer"))
        return _answer_of(row, _asked(names, fingerprint()), run)

    def finish(self, run: Run, status: int, body: bytes) -> None:
        """Keep the answer. To be called inside the transaction of the change that it answers.

        Raises `ApiError` IDEMPOTENCY_IN_PROGRESS if another caller took over meanwhile: the change
        must then be rolled back, as it is when this leaves its `with` block.
        """
        kept = (
            Idempotency.update(status=status, answer=_seal(run, status, body))
            .where(Idempotency.id == run.id, Idempotency.attempt == run.attempt)
            .execute()
        )
        if not kept:
            raise _in_progress()

    def abandon(self, run: Run) -> None:
        """Forget a run without an answer, so that the caller may try again. Never raises for the database."""
        try:
            with writing(self._db):
                Idempotency.delete().where(
                    Idempotency.id == run.id,
                    Idempotency.attempt == run.attempt,
                    Idempotency.status.is_null(),
                ).execute()
        except ApiError as error:
            log.warning("idempotency.not_abandoned", reason=error.code, free_again_after_ms=RUN_MS)


def _answer_of(row: Idempotency, asked: str, run: Run) -> Replay | None:
    if not hmac.compare_digest(row.fingerprint, asked):
        raise ApiError("IDEMPOTENCY_KEY_REUSED")
    if row.status is None or row.answer is None:
        return None
    return Replay(row.status, _open(run, row.status, bytes(row.answer)))


def _take_over(row: Idempotency, run: Run, now: int) -> Run:
    if now < row.started_at + RUN_MS:
        raise _in_progress()
    row.attempt, row.started_at = run.attempt, now
    row.save()
    return run


def _in_progress() -> ApiError:
    # Soon: the first run mostly ends within milliseconds, and if it was killed there is no harm in asking.
    return ApiError("IDEMPOTENCY_IN_PROGRESS", retry_after=1)


def _derive(raw_key: str, purpose: str) -> bytes:
    info = f"vibekeys idempotency {purpose}".encode()
    return HKDF(SHA256(), length=32, salt=None, info=info).derive(raw_key.encode())


def _row_id(names: bytes, idempotency_key: str) -> str:
    return _mac(names, b"id\0" + idempotency_key.encode())


def _asked(names: bytes, fingerprint: bytes) -> str:
    return _mac(names, b"request\0" + fingerprint)


def _mac(key: bytes, message: bytes) -> str:
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def _bound_to(run: Run, status: int) -> bytes:
    return f"{run.id} {status}".encode()


def _seal(run: Run, status: int, body: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(run.sealing_key).encrypt(nonce, body, _bound_to(run, status))


def _open(run: Run, status: int, sealed: bytes) -> bytes:
    nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    return AESGCM(run.sealing_key).decrypt(nonce, text, _bound_to(run, status))
