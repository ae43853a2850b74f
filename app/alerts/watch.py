"""Looking for reasons for alerts, each minute: at the usage since, hour by hour, and at keys that age.

An hour is looked at again until it is settled (`progress`); a worker that was away looks at all hours that
it has missed, as far as they are kept. Nothing is opened twice: what comes of an hour belongs to the alert
that is not over, or that was of the same hour (`life.seen_before`), so it does not matter where a worker was
killed.

What was before the first look of all is not told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import TypeVar

from peewee import Database

from app.alerts import after_hours, aging, failures, locations, spikes
from app.alerts.finding import Finding, Hour
from app.alerts.hours import BusinessHours
from app.alerts.life import close_alert, open_alert, seen_before
from app.alerts.locations import Sighting
from app.alerts.mailing import mail_new_alerts
from app.alerts.progress import Hours, Progress
from app.alerts.webhooks import put_call
from app.config import Config
from app.db import driver
from app.ledger import Actor, Change, Ledger
from app.models import Alert, KnownNetwork
from app.preferences import of_account
from app.usage.windows import DAY_MS, HOUR_MS

NEW_FOR_MS = 7 * DAY_MS
"""How long a new network is told as one."""
_CHANGED_AT_ONCE = 50
"""Writers of keys wait for the lock meanwhile."""
_PAUSE_SECONDS = 0.1
"""Between two such changes: whoever waits for the lock asks for it at least as often."""
_PARTS_A_LOOK = 40
"""Of keys that have come of age, so that thousands at once hold up nothing else."""
_SYSTEM = Actor("system")

T = TypeVar("T")


class AlertWatch:
    """Opens and closes alerts. One process of a host at a time should.

    `clock` tells unix seconds; `stored_at` until when all counts are stored (`UsageTable.stored_at`).
    """

    def __init__(
        self,
        db: Database,
        ledger: Ledger,
        config: Config,
        clock: Callable[[], float],
        stored_at: Callable[[], int | None],
    ) -> None:
        self._db, self._ledger, self._clock = db, ledger, clock
        self._hours_kept_ms = config.usage_hours_kept_days * DAY_MS
        self._progress = Progress(db, ledger, stored_at, self._hours_kept_ms)
        self._host, self._support_url = config.public_url, config.support_url

    def look(self) -> None:
        """Open what there is reason for, and close what is over.

        Raises `ApiError` DATABASE_UNAVAILABLE, and what peewee and APSW raise; the next look makes up for it.
        """
        now_ms = int(self._clock() * 1000)
        hours = self._progress.hours(now_ms)
        for hour in hours:
            self._look_at(hour)
        unfinished = [type for type in aging.TYPES if not self._look_at_keys(type, now_ms)]
        mail_new_alerts(self._ledger, unfinished, host=self._host, support_url=self._support_url)
        self._close(hours)
        self._progress.note(hours)

    # --- opening ---------------------------------------------------------------------------------

    def _look_at(self, hour: Hour) -> None:
        connection = driver(self._db)
        self._open_locations(list(locations.sightings(connection, hour)))
        self._open(
            [
                *spikes.findings(connection, hour, self._hours_kept_ms),
                *failures.findings(connection, hour),
                *after_hours.findings(connection, hour),
            ]
        )

    def _look_at_keys(self, type: str, now_ms: int) -> bool:
        """Look at keys that age; tell whether that was all of them."""
        pages = aging.pages(driver(self._db), type, now_ms, _CHANGED_AT_ONCE)
        for few in _paced(islice(pages, _PARTS_A_LOOK)):
            self._open(few)
        return next(pages, None) is None

    def _open_locations(self, sightings: Sequence[Sighting]) -> None:
        for few in _paced(_parts(sightings)):
            with self._ledger.change(_SYSTEM) as change:
                for one in few:
                    KnownNetwork.create(
                        lineage_id=one.lineage_id, network=one.network, first_seen_at=one.first_seen_at
                    )
                self._open_all(change, [one.finding for one in few if one.finding is not None])

    def _open(self, findings: Sequence[Finding]) -> None:
        for few in _paced(_parts(list(_not_yet(findings)))):
            with self._ledger.change(_SYSTEM) as change:
                self._open_all(change, list(_not_yet(few)))

    def _open_all(self, change: Change, findings: Iterable[Finding]) -> None:
        opened = []
        for finding in findings:
            alert = seen_before(finding)
            if alert is None:
                opened.append(open_alert(change, finding))
            else:
                Alert.update(last_hour=finding.hour).where(Alert.id == alert.id).execute()
        opened.sort(key=lambda alert: alert.account_id)
        for account_id, alerts in groupby(opened, lambda alert: alert.account_id):
            put_call(change, account_id, list(alerts))

    # --- closing ---------------------------------------------------------------------------------

    def _close(self, hours: Hours) -> None:
        for few in _paced(_parts(list(self._over(hours)))):
            with self._ledger.change(_SYSTEM) as change:
                for alert in Alert.select().where(Alert.id.in_(few), Alert.closed_at.is_null()):
                    close_alert(change, alert)

    def _over(self, hours: Hours) -> Iterator[str]:
        """The ids of alerts that are over."""
        goes_on, now_ms = Alert.select(Alert.id).where(Alert.closed_at.is_null()), hours.now_ms
        quiet = Alert.last_hour <= hours.settled - 2 * HOUR_MS  # an hour without it is settled
        for row in goes_on.where(Alert.type.in_((spikes.TYPE, failures.TYPE)), quiet):
            yield row.id
        for row in goes_on.where(Alert.type == locations.TYPE, Alert.last_hour <= now_ms - NEW_FOR_MS):
            yield row.id
        for row in goes_on.select(Alert.id, Alert.account, Alert.last_hour).where(
            Alert.type == after_hours.TYPE
        ):
            if _is_business_again(row, now_ms):
                yield row.id
        for type in aging.TYPES:
            yield from aging.over(driver(self._db), type, now_ms, _PARTS_A_LOOK * _CHANGED_AT_ONCE)


def _not_yet(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Those that make an alert, or make one last for another hour."""
    for finding in findings:
        alert = seen_before(finding)
        goes_on = alert is not None and alert.closed_at is None
        if alert is None or (goes_on and finding.hour is not None and (alert.last_hour or 0) < finding.hour):
            yield finding


def _is_business_again(alert: Alert, now_ms: int) -> bool:
    preferences = of_account(alert.account_id)
    if preferences.business_hours is None:
        return True
    hours = BusinessHours.of(preferences.business_hours, preferences.timezone)
    return hours.hold(now_ms) or hours.next_opening(alert.last_hour or 0) <= now_ms


def _paced(parts: Iterable[T]) -> Iterator[T]:
    """Yield them with pauses in between, in which others get the write lock."""
    for number, part in enumerate(parts):
        if number:
            time.sleep(_PAUSE_SECONDS)
        yield part


def _parts(of: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(of), _CHANGED_AT_ONCE):
        yield of[start : start + _CHANGED_AT_ONCE]
