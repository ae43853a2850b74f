"""Sessions of the dashboard: a row for each browser that is signed in, which can be ended from elsewhere.

The browser holds a random token, the table its SHA-256: who reads the database signs in nowhere. A session
ends a day after it was last used, and 14 days after it began in any case. Ending it removes its row; those
that end by themselves are left for the worker to remove, and count for nothing until then.

What begins and ends sessions leaves audit rows. Signing in and out is no change of what an account owns, so
an account that is restricted or suspended may do both, and ask for its other sessions to be ended.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Any

from peewee import Database, ModelSelect

from app.db import write_unless_busy
from app.errors import ApiError
from app.ledger import Actor, Change, Ledger
from app.models import Account, Session, new_id
from gateway.keys import masked

IDLE_MS = 24 * 3600 * 1000
"""A session ends so long after it was last used."""
LIFETIME_MS = 14 * IDLE_MS
"""A session ends so long after it began, however it is used."""
MOST_OF_AN_ACCOUNT = 50
"""Another one ends the one that was used least lately."""

_SEEN_EVERY_MS = 60 * 1000
_TOKEN_BYTES = 32
_SEEN = "UPDATE session SET last_seen_at = ?, expires_at = ?, address = ? WHERE id = ?"


class Sessions:
    """Finds sessions and ends them. `clock` tells unix seconds."""

    def __init__(self, ledger: Ledger, db: Database, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._db = db
        self._clock = clock

    def find(self, token: str) -> Session | None:
        """Return the session of a token, with its account; None if there is none, or none any more."""
        by_token = Session.token_digest == _digest(token)
        found: Session | None = self._open(
            Session.select(Session, Account).join(Account).where(by_token)
        ).first()
        return found

    def of(self, account_id: str) -> list[Session]:
        """Return the sessions of an account, the one that was used last first."""
        query = Session.select().where(Session.account == account_id)
        return list(self._open(query).order_by(Session.last_seen_at.desc(), Session.id.desc()))

    def note_use(self, session: Session, address: str) -> None:
        """Remember that a session is used, and from where: once a minute, and not while others write."""
        now_ms = self._now_ms()
        if now_ms < session.last_seen_at + _SEEN_EVERY_MS:
            return
        expires_at = min(now_ms + IDLE_MS, session.created_at + LIFETIME_MS)
        write_unless_busy(self._db, _SEEN, now_ms, expires_at, address, session.id)

    def end(self, account_id: str, session_id: str, address: str) -> None:
        """End one session of an account that asks for it. Raises ENTITY_NOT_FOUND."""
        with self._ledger.change(Actor("account", account_id, address=address)) as change:
            session = Session.get_or_none(Session.id == session_id, Session.account == account_id)
            if session is None:
                raise ApiError("ENTITY_NOT_FOUND", "There is no such session.")
            _end(change, session, "ended")

    def end_others(self, account_id: str, session_id: str, address: str) -> int:
        """End all sessions of an account that asks for it but the one it has; return how many."""
        with self._ledger.change(Actor("account", account_id, address=address)) as change:
            return end_all(change, account_id, "ended", but=session_id)

    def end_all(self, actor: Actor, account_id: str) -> int:
        """End all sessions of an account for an operator, but the one that asks; return how many."""
        with self._ledger.change(actor) as change:
            return end_all(change, account_id, "ended", but=actor.session_id)

    def _open(self, query: ModelSelect[Session]) -> ModelSelect[Session]:
        return query.where(Session.expires_at > self._now_ms())

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def begin(change: Change, account: Account, user_agent: str) -> str:
    """Begin a session of an account within a change of its own making; return the token."""
    _make_room(change, account)
    token = secrets.token_hex(_TOKEN_BYTES)
    session = Session.create(
        id=new_id(change.now_ms),
        token_digest=_digest(token),
        account=account,
        created_at=change.now_ms,
        last_seen_at=change.now_ms,
        expires_at=change.now_ms + IDLE_MS,
        address=change.actor.address or "",
        user_agent=masked(user_agent)[: Session.user_agent.max_length],
    )
    change.audit("session.began", "session", session.id, None, _facts(session), owner_id=account.id)
    return token


def end_all(change: Change, account_id: str, reason: str, *, but: str | None = None) -> int:
    """End the sessions of an account within a change, but the one with the id `but`; return how many."""
    others = list(Session.select().where(Session.account == account_id, Session.id != (but or "")))
    for session in others:
        _end(change, session, reason)
    return len(others)


def _make_room(change: Change, account: Account) -> None:
    newest_first = (Session.last_seen_at.desc(), Session.id.desc())
    mine = Session.select().where(Session.account == account).order_by(*newest_first)
    for session in mine.offset(MOST_OF_AN_ACCOUNT - 1):
        _end(change, session, "too many")


def _end(change: Change, session: Session, reason: str) -> None:
    session.delete_instance()
    after = {"reason": reason}
    change.audit("session.ended", "session", session.id, _facts(session), after, owner_id=session.account_id)


def _facts(session: Session) -> dict[str, Any]:
    return {"address": session.address, "user_agent": session.user_agent}


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
