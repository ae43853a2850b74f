"""The calls of alert webhooks that wait, and whose turn it is.

Turns go by account: the one that has been due for longest makes one call and is then behind all others that
are due. A webhook that fails is left alone as a whole. All calls that wait for it are due at the same time,
which is put off with each attempt, before it is made and after it has failed, by a pause that grows with the
attempts that all of them have had together. So it costs the others one attempt now and then, however many
calls wait for it. Of an account's calls one with the fewest attempts is next, the oldest of those: a call
that a receiver cannot bear holds up the rest for a pause and not for good.

After two days of that the calls that are as old are given up. Of more than a hundred that wait for one
webhook the oldest are given up at once: what they tell of is in the list of alerts all the same.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from peewee import Database, Expression, fn

from app.db import writing
from app.ledger import Change
from app.mail.delivery import GIVEN_UP_AFTER_MS, LONGEST_PAUSE_MS, pause_ms, tried_for_ms
from app.models import WebhookCall, new_id

MOST_WAITING = 100
_LONGEST_REASON = 255

log = structlog.get_logger(__name__)


def put(change: Change, account_id: str, body: str) -> None:
    """Leave a call to be made after the commit, when the calls are due that wait already."""
    waiting = _waiting_for(account_id)
    due_at = WebhookCall.select(fn.MIN(WebhookCall.next_attempt_at)).where(waiting).scalar()
    WebhookCall.create(
        id=new_id(change.now_ms),
        account=account_id,
        body=body,
        created_at=change.now_ms,
        attempts=0,
        next_attempt_at=max(change.now_ms, due_at or 0),
    )
    kept = WebhookCall.select(WebhookCall.id).where(waiting)
    kept = kept.order_by(WebhookCall.created_at.desc(), WebhookCall.id.desc()).limit(MOST_WAITING)
    _give_up(account_id, waiting & WebhookCall.id.not_in(kept), change.now_ms, "too many calls wait")


class WebhookQueue:
    """What is to be done with the calls that wait. `clock` tells unix seconds.

    Its methods raise `ApiError` DATABASE_UNAVAILABLE if the database cannot be written.
    """

    def __init__(self, db: Database, clock: Callable[[], float]) -> None:
        self._db, self._clock = db, clock

    def bring_forward(self) -> None:
        """Have what was put off by a clock that has been put back since due now."""
        now = self._now_ms()
        too_far_ahead = WebhookCall.next_attempt_at > now + LONGEST_PAUSE_MS
        if not WebhookCall.select().where(too_far_ahead).exists():
            return  # as nearly always, and without the write lock
        with writing(self._db):
            put_off = WebhookCall.update(next_attempt_at=now).where(too_far_ahead).execute()
        log.warning("webhook.due_too_far_ahead", calls=put_off)

    def next_due(self) -> WebhookCall | None:
        """Return the call whose turn it is, if any is due."""
        due = WebhookCall.select().where(WebhookCall.next_attempt_at <= self._now_ms())
        longest: WebhookCall | None = due.order_by(WebhookCall.next_attempt_at).first()
        if longest is None:
            return None
        of_account = due.where(WebhookCall.account == longest.account_id)
        found: WebhookCall | None = of_account.order_by(WebhookCall.attempts, WebhookCall.created_at).first()
        return found

    def claim(self, call: WebhookCall) -> bool:
        """Write an attempt down before it is made, so that a database that cannot be written stops all.

        False if the call does not wait any more.
        """
        with writing(self._db):
            one_more = WebhookCall.update(attempts=WebhookCall.attempts + 1).where(_is(call))
            if not one_more.execute():
                return False
            self._put_off(call.account_id)
        call.attempts += 1
        return True

    def sent(self, call: WebhookCall) -> None:
        """Take note that a call was made; the others of its account are due."""
        now = self._now_ms()
        with writing(self._db):
            ended = {"sent_at": now, "next_attempt_at": None, "last_error": None}
            WebhookCall.update(ended).where(_is(call)).execute()
            WebhookCall.update(next_attempt_at=now).where(_waiting_for(call.account_id)).execute()
        log.info("webhook.sent", **_facts(call))

    def failed(self, call: WebhookCall, reason: str) -> None:
        """Put off all calls of the account, and give up the old ones if it has failed for long enough."""
        log.warning("webhook.deferred", **_facts(call), reason=reason)
        now = self._now_ms()
        with writing(self._db):
            WebhookCall.update(last_error=reason[:_LONGEST_REASON]).where(_is(call)).execute()
            failures = self._put_off(call.account_id)
            old = _waiting_for(call.account_id) & (WebhookCall.created_at <= now - GIVEN_UP_AFTER_MS)
            if tried_for_ms(failures) >= GIVEN_UP_AFTER_MS:
                _give_up(call.account_id, old, now, reason)

    def give_up_all(self, account_id: str, reason: str) -> None:
        """Give up all calls of an account."""
        with writing(self._db):
            _give_up(account_id, _waiting_for(account_id), self._now_ms(), reason)

    def _put_off(self, account_id: str) -> int:
        waiting = _waiting_for(account_id)
        attempts: int = WebhookCall.select(fn.SUM(WebhookCall.attempts)).where(waiting).scalar() or 0
        due_at = self._now_ms() + pause_ms(attempts)
        WebhookCall.update(next_attempt_at=due_at).where(waiting).execute()
        return attempts

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _give_up(account_id: str, which: Expression, now_ms: int, reason: str) -> None:
    ended = {"failed_at": now_ms, "next_attempt_at": None, "last_error": reason[:_LONGEST_REASON]}
    if calls := WebhookCall.update(ended).where(which).execute():
        log.warning("webhook.given_up", account_id=account_id, calls=calls, reason=reason)


def _waiting_for(account_id: str) -> Expression:
    return (WebhookCall.account == account_id) & WebhookCall.next_attempt_at.is_null(False)


def _is(call: WebhookCall) -> Expression:
    return (WebhookCall.id == call.id) & WebhookCall.next_attempt_at.is_null(False)


def _facts(call: WebhookCall) -> dict[str, object]:
    return {"call_id": call.id, "account_id": call.account_id, "attempts": call.attempts}
