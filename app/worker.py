"""The background worker of `vibekeys worker`: what nobody waits for.

Each second it sends the mails and makes the webhook calls that are due (`app.mail.delivery`,
`app.alerts.webhooks`) and logs how far the audit log has got; every other second it stores for good what the
web workers have counted (`app.usage.rollup`); each minute it looks for reasons for alerts
(`app.alerts.watch`) and removes what was kept for long enough: answers, mails that were sent, mails that
rest, webhook calls, sessions that are over, activity, what hooks sent, usage. Of several workers on a host
one at a time does each of these. A database that is away stops neither it nor the log: a chore that fails
says so once, is tried again at its next turn, and says once that it works again. A mail server that does not
answer holds up nothing but mail, and who gets webhook calls nothing but those.

What a killed process left unpublished is none of its business: every web worker looks for that each second
(`gateway.trust.Watch`), and where none runs nobody relies on Redis.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import apsw
import structlog
from peewee import Expression, PeeweeException

from app import audit, hooks
from app.alerts.watch import AlertWatch
from app.alerts.webhooks import WebhookDelivery
from app.db import writing
from app.errors import ApiError
from app.idempotency import KEPT_MS as ANSWERS_KEPT_MS
from app.mail.delivery import KEPT_MS as MAILS_KEPT_MS
from app.mail.delivery import RESTING_KEPT_MS, Delivery, resting
from app.models import Event, Idempotency, Mail, Session, WebhookCall
from app.services import Services
from app.usage.rollup import Rollup
from gateway.usage_table import UsageTable

TIDY_SECONDS = 60.0
USAGE_SECONDS = 2.0
MAIL_SECONDS = 1.0
ALERTS_SECONDS = 60.0
WEBHOOKS_SECONDS = 1.0
HEAD_SECONDS = 1.0
EVENTS_KEPT_MS = 400 * 24 * 3_600_000
_TIDIED_AT_ONCE = 500
_LEFT_AFTER_SECONDS = 8.0
"""Of all that goes on beside: a mail whose sending is cut off is sent again, and the supervisor waits for ten
seconds."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


def work(services: Services, stopped: Callable[[float], T]) -> T:
    """Do what is due until told to stop, and return by what.

    `stopped` waits for the given seconds, or until the worker is to end: then it returns at once something
    true. `threading.Event.wait` is one.
    """
    delivery = Delivery.from_config(services.config, services.db, services.clock)
    usage_table = UsageTable(services.config.state_dir)
    rollup = Rollup(services.db, usage_table, services.clock, services.config)
    chores = (
        Chore("usage", USAGE_SECONDS, lambda: alone(services, "rollup", rollup.roll_up)),
        Chore("tidy", TIDY_SECONDS, lambda: alone(services, "worker", lambda: tidy(services))),
        Chore("audit", HEAD_SECONDS, AuditHead().note),
        Chore("old usage", TIDY_SECONDS, lambda: alone(services, "rollup", rollup.remove_outdated)),
    )
    watch = AlertWatch(services.db, services.ledger, services.config, services.clock, usage_table.stored_at)
    calls = WebhookDelivery(services.db, services.preferences, services.clock)
    asides = [
        Aside(chore, services.db.close)
        for chore in (
            Chore("mail", MAIL_SECONDS, lambda: alone(services, "mail", delivery.deliver)),
            Chore("alerts", ALERTS_SECONDS, lambda: alone(services, "alerts", watch.look)),
            Chore("webhooks", WEBHOOKS_SECONDS, lambda: alone(services, "webhooks", calls.deliver)),
        )
    ]
    log.info("worker.started")
    while not (told := stopped(min(chore.due_in(time.monotonic()) for chore in chores))):
        for chore in chores:
            chore.do_if_due(time.monotonic())
            # From the first rollup on: the first look for alerts has the counts of the time without a worker.
            for aside in asides:
                aside.keep_going()
    left_at = time.monotonic() + _LEFT_AFTER_SECONDS
    for aside in asides:
        aside.tell_to_end()
    for aside in asides:
        aside.wait_for_end(left_at)
    usage_table.close()
    log.info("worker.stopped")
    return told


class Chore:
    """Something done again and again, whose failing is logged when it begins and when it ends."""

    def __init__(self, name: str, seconds: float, do: Callable[[], None]) -> None:
        self._name = name
        self._seconds = seconds
        self._do = do
        self._due_at = 0.0
        self._fails = False

    def due_in(self, now: float) -> float:
        """Return the seconds until it is due, by a monotonic clock."""
        return max(self._due_at - now, 0.0)

    def do_if_due(self, now: float) -> None:
        """Do it if its time has come; a database that is away is no exception here."""
        if now < self._due_at:
            return
        self._due_at = now + self._seconds
        try:
            self._do()
        except (ApiError, PeeweeException, apsw.Error, OSError) as error:
            if not self._fails:
                log.warning("worker.chore_fails", chore=self._name, reason=str(error))
            self._fails = True
        else:
            if self._fails:
                log.info("worker.chore_works_again", chore=self._name)
            self._fails = False


class Aside:
    """A chore in a thread of its own, since it may wait for others for a minute; `finish` is its last act."""

    def __init__(self, chore: Chore, finish: Callable[[], object]) -> None:
        self._chore = chore
        self._finish = finish
        self._told_to_end = threading.Event()
        self._fault: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def keep_going(self) -> None:
        """Begin, or raise the fault of the program that has ended it: nobody else would notice."""
        if self._thread.ident is None:
            self._thread.start()
        elif self._fault is not None:
            raise self._fault

    def tell_to_end(self) -> None:
        """Have it end when it is done with what it does."""
        self._told_to_end.set()

    def wait_for_end(self, left_at: float) -> None:
        """Wait until it has ended, or `left_at` (monotonic): it has to bear being killed at any time."""
        if self._thread.ident is not None:
            self._thread.join(max(left_at - time.monotonic(), 0.0))

    def _run(self) -> None:
        try:
            while not self._told_to_end.wait(self._chore.due_in(time.monotonic())):
                self._chore.do_if_due(time.monotonic())
        except Exception as fault:
            self._fault = fault
        finally:
            self._finish()


class AuditHead:
    """Notes in the service's log how far the audit log has got.

    Web workers note each row that they write; a command has no log that anybody keeps. Without this, the rows
    of commands could be cut off unnoticed.
    """

    def __init__(self) -> None:
        self._noted: tuple[int, str] | None = None

    def note(self) -> None:
        """Log number and MAC of the newest row, once."""
        head = audit.head()
        if head is not None and head != self._noted:
            log.info("audit.head", seq=head[0], mac=head[1])
        self._noted = head


def alone(services: Services, lease: str, do: Callable[[], None]) -> None:
    """Do something unless another worker of this host is at it, or at something else with the same lease.

    Each lease has a file of its own, so that a slow SMTP server keeps no other worker from tidying.
    """
    with _lease(services.config.state_dir / f"{lease}.lock") as mine:
        if mine:
            do()


def tidy(services: Services) -> None:
    """Remove what was kept for long enough."""
    now = int(services.clock() * 1000)
    _remove(services, Idempotency, Idempotency.started_at <= now - ANSWERS_KEPT_MS)
    _remove(services, Mail, Mail.sent_at <= now - MAILS_KEPT_MS)
    if ended := _remove(services, Mail, resting() & (Mail.created_at <= now - RESTING_KEPT_MS)):
        log.warning("mail.rested_too_long", mails=ended)
    _remove(services, WebhookCall, WebhookCall.sent_at <= now - MAILS_KEPT_MS)
    _remove(services, WebhookCall, WebhookCall.failed_at <= now - MAILS_KEPT_MS)
    _remove(services, Session, Session.expires_at <= now)
    _remove(services, Event, Event.created_at <= now - EVENTS_KEPT_MS)
    hooks.remove_outdated(services.db, now)


def _remove(
    services: Services, model: type[Event | Idempotency | Mail | Session | WebhookCall], outdated: Expression
) -> int:
    few = model.select(model.id).where(outdated).limit(_TIDIED_AT_ONCE)
    removed = 0
    while few.exists():
        # Few at once: writers of keys wait for the lock meanwhile.
        with writing(services.db):
            removed += model.delete().where(model.id.in_(few)).execute()
    return removed


@contextmanager
def _lease(path: Path) -> Iterator[bool]:
    """Whether this process is the one that may; the kernel takes the lease from a process that ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _locked(descriptor)
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
