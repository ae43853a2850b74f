"""What becomes of the mails in the outbox: the worker hands them to an SMTP server.

Every mail is sent at least once. An attempt is written down, with the time of the next one, before it is
made; that the server took the mail is written down right after its answer. So a worker that is killed in
between sends the mail again, and where the database cannot be written nothing is sent at all, instead of the
same mail over and over. A mail that is marked as sent is never sent again. No transaction is open during a
conversation.

After a failure a mail waits for five seconds, then twice as long each time, up to an hour. It is given up
after two days of that, or at once if the server refuses the recipient or the message for good. It then stays
as a dead letter until an operator has it tried again or discards it. A server that is away ends the round.

Without a server mails rest. Once there is one, those of the last two days are sent, and older ones given up:
nobody expects them any more. A mail that is due later than any pause would have it was put off by a clock
that has been put back since, and counts as due.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from peewee import Database, Expression, ModelSelect

from app.config import Config
from app.db import writing
from app.mail.message import Sender, Undeliverable, written
from app.mail.smtp import Mailer, Rejected, Relay, Unavailable
from app.models import Mail

FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 5_000, 3_600_000
GIVEN_UP_AFTER_MS = 2 * 24 * 3_600_000
"""Of pauses together: time in which nobody tried does not count."""
NEWS_MS = 2 * 24 * 3_600_000
"""For how long a mail may have rested to be sent when a server comes."""
RESTING_KEPT_MS = 30 * 24 * 3_600_000
"""How long a mail that rests is kept."""
KEPT_MS = 7 * 24 * 3_600_000
"""How long a mail that was sent is kept."""

_ROUND_SECONDS = 1.0
_AT_ONCE = 100
_LONGEST_REASON = 255
_NO_SERVER = "SMTP_URL is not set"
_NO_NEWS = "older than two days when a server came"

log = structlog.get_logger(__name__)


def mailer_from(config: Config) -> Mailer | None:
    """Return what hands mails in, as the settings say; None if there is no SMTP_URL."""
    if not config.smtp_url:
        return None
    return Mailer(Relay.from_url(config.smtp_url), Sender.from_setting(config.mail_from).domain)


def waiting() -> Expression:
    """Mails that are neither sent nor given up, in the words of the index `mail_waiting`."""
    return Mail.sent_at.is_null() & Mail.failed_at.is_null()


def resting() -> Expression:
    """Mails that wait for a server to be handed to."""
    return waiting() & Mail.next_attempt_at.is_null()


def given_up() -> Expression:
    """Dead letters, in the words of the index `mail_failed`."""
    return Mail.failed_at.is_null(False)


def due_too_far_ahead(now_ms: int) -> Expression:
    """Mails that were put off by a clock that has been put back since."""
    return waiting() & (Mail.next_attempt_at > now_ms + LONGEST_PAUSE_MS)


def pause_ms(attempts: int) -> int:
    """Return how long to wait after so many attempts."""
    return min(FIRST_PAUSE_MS << min(attempts - 1, 30), LONGEST_PAUSE_MS)


def tried_for_ms(attempts: int) -> int:
    """Return how long all the pauses were until this attempt."""
    return sum(map(pause_ms, range(1, attempts)))


class Delivery:
    """Works off the outbox. `clock` tells unix seconds.

    Without a `mailer` mails rest: each is logged once, and waits for a worker that has one.
    """

    def __init__(
        self, db: Database, clock: Callable[[], float], sender: Sender, mailer: Mailer | None
    ) -> None:
        self._db = db
        self._clock = clock
        self._sender = sender
        self._mailer = mailer

    @classmethod
    def from_config(cls, config: Config, db: Database, clock: Callable[[], float]) -> Delivery:
        """Return one that does as the settings say."""
        return cls(db, clock, Sender.from_setting(config.mail_from), mailer_from(config))

    def deliver(self) -> None:
        """Do what is due, for about a second: then it is time to see whether to go on.

        One process at a time may do so. Raises `ApiError` DATABASE_UNAVAILABLE if the database cannot be
        written.
        """
        self._bring_forward()
        if self._mailer is None:
            self._let_rest()
            return
        self._wake()
        ends_at = time.monotonic() + _ROUND_SECONDS
        try:
            while time.monotonic() < ends_at and (mail := self._claim()) is not None:
                if not self._attempt(mail, self._mailer):
                    return
        finally:
            self._mailer.close()

    def _bring_forward(self) -> None:
        now = self._now_ms()
        if put_off := self._end_all(due_too_far_ahead(now), next_attempt_at=now):
            log.warning("mail.due_too_far_ahead", mails=put_off)

    def _due(self, at_most: int) -> ModelSelect[Mail]:
        due = waiting() & (Mail.next_attempt_at <= self._now_ms())
        return Mail.select().where(due).order_by(Mail.next_attempt_at).limit(at_most)

    def _claim(self) -> Mail | None:
        """Write an attempt down before it is made: at the mail that has been due for longest, if any is."""
        if not self._due(1).exists():
            return None  # as nearly always, and without the write lock
        with writing(self._db):
            mail: Mail | None = self._due(1).first()
            if mail is not None:
                mail.attempts += 1
                mail.next_attempt_at = self._now_ms() + pause_ms(mail.attempts)
                mail.save(only=(Mail.attempts, Mail.next_attempt_at))
        return mail

    def _attempt(self, mail: Mail, mailer: Mailer) -> bool:
        """Send one mail and write down what came of it; False if there is no use in trying others now."""
        try:
            mailer.send(written(mail, self._sender))
        except Unavailable as away:
            self._failed(mail, str(away), for_good=False)
            return False
        except Rejected as rejected:
            self._failed(mail, str(rejected), for_good=rejected.for_good)
        except Undeliverable as undeliverable:
            self._failed(mail, str(undeliverable), for_good=True)
        else:
            self._change(Mail.id == mail.id, sent_at=self._now_ms(), next_attempt_at=None, last_error=None)
            log.info("mail.sent", **_facts(mail))
        return True

    def _failed(self, mail: Mail, reason: str, *, for_good: bool) -> None:
        # An operator may have had it tried again meanwhile: its attempts then begin anew.
        as_it_was = (Mail.id == mail.id) & (Mail.attempts == mail.attempts)
        now, error = self._now_ms(), reason[:_LONGEST_REASON]
        if for_good or tried_for_ms(mail.attempts) >= GIVEN_UP_AFTER_MS:
            self._change(as_it_was, failed_at=now, next_attempt_at=None, last_error=error)
            log.error("mail.given_up", **_facts(mail), reason=error)
        else:
            due_at = now + pause_ms(mail.attempts)
            self._change(as_it_was, next_attempt_at=due_at, last_error=error)
            log.warning("mail.deferred", **_facts(mail), reason=error)

    def _let_rest(self) -> None:
        for mail in list(self._due(_AT_ONCE)):  # read to its end before anything is written
            self._change(Mail.id == mail.id, next_attempt_at=None, last_error=_NO_SERVER)
            log.info("mail.queued", **_facts(mail), recipient=mail.recipient, subject=mail.subject)

    def _wake(self) -> None:
        now = self._now_ms()
        old = resting() & (Mail.created_at <= now - NEWS_MS)
        if given_up := self._end_all(old, failed_at=now, last_error=_NO_NEWS):
            log.error("mail.given_up", mails=given_up, reason=_NO_NEWS)
        self._end_all(resting(), next_attempt_at=now, last_error=None)

    def _change(self, which: Expression, **values: object) -> int:
        with writing(self._db):
            changed: int = Mail.update(**values).where(which).execute()
        return changed

    def _end_all(self, state: Expression, **values: object) -> int:
        """Set values that end a state, of all mails that are in it; return of how many."""
        few = Mail.select(Mail.id).where(state).limit(_AT_ONCE)
        ended = 0
        while few.exists():
            # Few at once: others wait for the write lock meanwhile.
            ended += self._change(Mail.id.in_(few), **values)
        return ended

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _facts(mail: Mail) -> dict[str, object]:
    return {"mail_id": mail.id, "kind": mail.kind, "ref": mail.ref, "attempts": mail.attempts}
