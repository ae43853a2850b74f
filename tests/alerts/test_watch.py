"""Looking for reasons: each alert opened once whatever happens in between, told, dismissed, closed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.alerts import Alerts, watch
from app.errors import ApiError
from app.ledger import Ledger
from app.mail.alerts import MOST_IN_A_MAIL, sentence
from app.models import Alert, AlertProgress, Event, KnownNetwork, Mail, WebhookCall
from app.usage import rollup
from app.usage.rollup import Rollup
from app.usage.windows import HOUR_MS
from tests.alerts.tower import ABROAD, DAY, HOME, HOUR, MINUTE, Tower

NIGHT = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "20:00"}


class Killed(Exception):
    """What a killed process would not have noticed."""


def everything_at_once(tower: Tower) -> None:
    """Have a reason for an alert of every type within one hour."""
    tower.set(business_hours=NIGHT)
    key = tower.key(expires_at=tower.clock.ms + int(100 * DAY * 1000)).key
    for _ in range(3):
        tower.wait(10 * HOUR)
        tower.use(key)
        assert tower.look() == []
        tower.wait(14 * HOUR)
    tower.wait(92 * DAY)
    tower.wait((7 - (int(tower.clock.now // DAY) + 3) % 7) * DAY + 22 * HOUR)  # a Monday's night
    tower.clock.now = min(tower.clock.now, (key.expires_at or 0) / 1000 - HOUR)
    tower.use(key, 60, HOME)
    tower.guess(key.key_prefix, 12)


ALL = ["AFTER_HOURS", "AUTH_FAILURES", "EXPIRING", "NEW_LOCATION", "ROTATION_DUE", "SPIKE"]


def test_every_type_in_one_look(tower: Tower) -> None:
    everything_at_once(tower)
    assert tower.types() == ALL
    assert tower.look() == []


def test_killed_before_any_of_its_commits_it_has_opened_each_alert_once_in_the_end(
    tower: Tower, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything_at_once(tower)
    monkeypatch.setattr(watch, "_CHANGED_AT_ONCE", 1)
    monkeypatch.setattr(watch, "_PAUSE_SECONDS", 0)
    change, left = Ledger.change, count()

    @contextmanager
    def dying(self: Ledger, actor: Any) -> Iterator[Any]:
        with change(self, actor) as opened:
            yield opened
            if next(left) % 2 == 0:
                raise Killed

    monkeypatch.setattr(Ledger, "change", dying)
    kills = 0
    for _ in range(40):
        try:
            tower.watch.look() if kills else tower.look()
        except Killed:
            kills += 1
    assert kills > len(ALL)
    assert sorted(alert.type for alert in Alert.select()) == ALL
    assert KnownNetwork.select().count() == 2
    opened = Event.select().where(Event.type == "alert.opened")
    assert sorted(event.target_id for event in opened) == sorted(alert.id for alert in Alert.select())
    told = "".join(mail.body for mail in Mail.select())
    assert [told.count(sentence(alert.type, alert.facts)) for alert in Alert.select()] == [1] * len(ALL)


def test_a_worker_that_was_away_looks_at_every_hour_that_it_missed(tower: Tower) -> None:
    key = tower.key().key
    for _ in range(48):
        tower.use(key, 10)
        tower.look()
        tower.wait(HOUR)
    tower.use(key, 500)
    tower.wait(HOUR)
    tower.guess(key.key_prefix, 20)
    for _ in range(30):
        tower.use(key, 10)
        tower.wait(HOUR)

    assert tower.types() == ["AUTH_FAILURES", "SPIKE"]

    assert [alert.status for alert in tower.alerts()] == ["CLOSED", "CLOSED"]
    assert AlertProgress.get().next_hour == int((tower.clock.now - 2 * MINUTE) // HOUR * HOUR) * 1000
    assert tower.look() == []


def test_what_is_counted_late_for_an_hour_is_still_looked_at(tower: Tower) -> None:
    key = tower.key().key
    tower.wait(HOUR - 1)
    tower.guess(key.key_prefix, 9)
    tower.look()
    tower.guess(key.key_prefix, 1)
    tower.wait(2 * MINUTE)
    assert tower.types() == ["AUTH_FAILURES"]


def test_a_clock_that_is_put_back_opens_nothing_again(tower: Tower) -> None:
    key = tower.key().key
    tower.wait(5 * HOUR)
    tower.guess(key.key_prefix, 10)
    assert tower.types() == ["AUTH_FAILURES"]
    tower.wait(4 * HOUR)
    tower.look()
    assert tower.states() == {"AUTH_FAILURES": "CLOSED"}
    tower.wait(-4 * HOUR)
    tower.guess(key.key_prefix, 10)
    assert tower.look() == []


def test_a_clock_that_was_ahead_for_a_minute_hides_no_end_of_an_hour(tower: Tower) -> None:
    key = tower.key().key
    tower.use_daily(key, 3)
    tower.wait(365 * DAY)
    tower.look()
    tower.wait(-365 * DAY)
    with capture_logs() as lines:
        assert tower.look() == []
        tower.wait(HOUR - 30)
        tower.use(key, 60)
        tower.wait(MINUTE)
        assert tower.types() == ["SPIKE"]
    told = [line for line in lines if line["log_level"] == "warning"]
    assert [line["event"] for line in told] == ["alerts.looked_too_far_ahead"]


@pytest.mark.parametrize("closed", [True, False])
def test_what_was_told_by_a_clock_that_was_ahead_is_told_again(tower: Tower, closed: bool) -> None:
    key = tower.key().key
    tower.wait(365 * DAY)
    tower.guess(key.key_prefix, 10)
    assert "AUTH_FAILURES" in tower.types()
    if closed:
        tower.wait(3 * HOUR)
        tower.look()
    tower.wait(-366 * DAY)
    tower.look()
    assert tower.states()["AUTH_FAILURES"] == "CLOSED"
    tower.guess(key.key_prefix, 10)
    assert tower.types() == ["AUTH_FAILURES"]


def test_what_was_learned_by_a_clock_that_was_ahead_is_known_a_day_later(tower: Tower) -> None:
    key = tower.key().key
    tower.wait(30 * DAY)
    tower.use(key)
    tower.look()
    tower.wait(-30 * DAY)
    tower.look()
    tower.wait(DAY + HOUR)
    tower.use(key, 1, HOME)
    assert tower.types() == ["NEW_LOCATION"]


def test_it_is_told_in_the_activity_and_by_one_mail(tower: Tower) -> None:
    everything_at_once(tower)
    opened = {alert.id: alert for alert in tower.look()}

    events = Event.select().where(Event.type == "alert.opened")
    assert {event.target_id for event in events} == set(opened)
    for event in events:
        alert = opened[event.target_id]
        assert (event.account_id, event.key_id, event.by) == (alert.account_id, alert.key_id, "system")

    (mail,) = Mail.select()
    assert (mail.recipient, mail.kind) == ("ada@example.com", "alert.NEW_LOCATION")
    assert mail.subject == "6 alerts about your API keys"
    told = mail.body.split("\n\n")[0].splitlines()
    assert sorted(told) == sorted(f"- {sentence(alert.type, alert.facts)}" for alert in opened.values())
    assert "198.51.100.0/24" in told[0]  # what is found in usage goes before keys that age
    assert "GET http://127.0.0.1:8000/api/v1/alerts" in mail.body
    assert not WebhookCall.select().exists()


def test_what_is_opened_in_many_transactions_is_told_by_one_mail(
    tower: Tower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_CHANGED_AT_ONCE", 2)
    monkeypatch.setattr(watch, "_PAUSE_SECONDS", 0)
    keys = [tower.key() for _ in range(MOST_IN_A_MAIL + 3)]
    tower.wait(91 * DAY)
    tower.look()
    tower.look()
    (mail,) = Mail.select()
    assert mail.subject == "A key should be rotated"
    assert mail.body.count("older than 90 days") == MOST_IN_A_MAIL
    assert "- and 3 more\n" in mail.body
    assert Alert.select().where(Alert.mailed_at == tower.clock.ms).count() == len(keys)


def test_a_dismissed_alert_is_not_opened_again_while_it_lasts_but_after_that(tower: Tower) -> None:
    key, holder = tower.key().key, tower.installation.holder(tower.account)
    tower.guess(key.key_prefix, 10)
    (alert,) = tower.look()
    alerts = Alerts(tower.installation.ledger)

    dismissed = alerts.dismiss(holder, Alert.select(), alert.id)
    again = alerts.dismiss(holder, Alert.select(), alert.id)

    assert (dismissed.status, dismissed.dismissed_at) == ("DISMISSED", tower.clock.ms)
    assert again.dismissed_at == dismissed.dismissed_at
    tower.wait(HOUR)
    tower.guess(key.key_prefix, 100)
    assert tower.look() == []
    tower.wait(3 * HOUR)
    tower.look()
    (over,) = tower.alerts()
    assert (over.status, over.closed_at) == ("DISMISSED", tower.clock.ms)
    tower.guess(key.key_prefix, 10)
    assert tower.types() == ["AUTH_FAILURES"]


def test_an_alert_that_is_not_there_can_not_be_dismissed(tower: Tower) -> None:
    with pytest.raises(ApiError) as refused:
        Alerts(tower.installation.ledger).dismiss(
            tower.installation.holder(tower.account), Alert.select(), "nothing"
        )
    assert refused.value.code == "ENTITY_NOT_FOUND"


def test_hours_are_looked_at_as_far_back_as_they_are_kept(tower: Tower) -> None:
    AlertProgress.update(next_hour=0).execute()
    hours = list(tower.watch._progress.hours(tower.clock.ms))
    assert len(hours) == 90 * 24 + 1
    assert hours[-1].starts_at == tower.clock.ms // HOUR_MS * HOUR_MS


def spike_while_no_worker_ran(tower: Tower) -> None:
    key = tower.key().key
    tower.use_daily(key, 3)
    for _ in range(3):
        tower.use(tower.key().key)
    tower.use(key, 60)
    tower.wait(3 * HOUR)


def test_an_hour_is_not_settled_before_its_counts_are_stored(tower: Tower) -> None:
    spike_while_no_worker_ran(tower)
    tower.watch.look()  # nothing of it is rolled up yet
    assert tower.types() == ["SPIKE"]


def test_nor_before_all_of_its_counts_are_stored(tower: Tower, monkeypatch: pytest.MonkeyPatch) -> None:
    spike_while_no_worker_ran(tower)
    monkeypatch.setattr(rollup, "_STORED_AT_ONCE", 1)
    store = Rollup._store

    def storing(self: Rollup, uses: Any) -> None:
        store(self, uses)
        tower.watch.look()

    monkeypatch.setattr(Rollup, "_store", storing)
    tower.rollup.roll_up()
    monkeypatch.undo()
    assert [alert.type for alert in tower.alerts()] + tower.types() == ["SPIKE"]


def test_without_rollups_nothing_is_over_either(tower: Tower) -> None:
    spike_while_no_worker_ran(tower)
    tower.wait(-3 * HOUR)
    assert tower.types() == ["SPIKE"]
    tower.wait(5 * HOUR)
    tower.watch.look()
    assert tower.states() == {"SPIKE": "OPEN"}
    tower.look()
    assert tower.states() == {"SPIKE": "CLOSED"}


def test_nothing_to_do_writes_nothing(tower: Tower) -> None:
    tower.key()
    tower.look()
    tower.wait(3 * MINUTE)
    tower.look()
    changes = tower.installation.db.connection().total_changes()
    for _ in range(5):
        tower.wait(MINUTE)
        tower.look()
    assert tower.installation.db.connection().total_changes() == changes


def test_alerts_of_two_accounts_are_told_to_each_its_own(tower: Tower) -> None:
    bob = tower.installation.account("bob@example.com")
    for owner in (tower.account, bob):
        key = tower.key(owner).key
        tower.guess(key.key_prefix, 10, ABROAD)
    tower.look()
    assert {(mail.recipient, mail.kind) for mail in Mail.select()} == {
        ("ada@example.com", "alert.AUTH_FAILURES"),
        ("bob@example.com", "alert.AUTH_FAILURES"),
    }
