"""ROTATION_DUE and EXPIRING: keys that somebody should replace."""

from __future__ import annotations

import apsw
import pytest

from app.alerts import aging, watch
from app.db import driver
from app.models import Alert, Key, Mail
from tests.alerts.tower import DAY, Tower
from tests.db.installation import CLI
from tests.db.statements import steps_of


def test_a_key_is_due_once_it_is_older_than_90_days(tower: Tower) -> None:
    key = tower.key(name="old one").key
    tower.wait(90 * DAY)
    assert tower.look() == []
    tower.wait(0.001)
    (alert,) = tower.look()
    assert (alert.type, alert.key_id, alert.account_id) == ("ROTATION_DUE", key.id, tower.account.id)
    assert alert.facts == {
        "key_name": "old one",
        "key_prefix": key.key_prefix,
        "created_at": key.created_at,
        "expires_at": None,
    }
    for _ in range(3):
        tower.wait(DAY)
        assert tower.look() == []


def test_a_key_expires_soon_from_seven_days_before(tower: Tower) -> None:
    expires_at = tower.clock.ms + int(30 * DAY * 1000)
    key = tower.key(expires_at=expires_at).key
    tower.wait(23 * DAY - 0.001)
    assert tower.look() == []
    tower.wait(0.001)
    (alert,) = tower.look()
    assert (alert.type, alert.key_id, alert.facts["expires_at"]) == ("EXPIRING", key.id, expires_at)
    tower.wait(7 * DAY - 1)
    assert tower.look() == []
    assert tower.states() == {"EXPIRING": "OPEN"}
    tower.wait(1)
    tower.look()
    assert tower.states() == {"EXPIRING": "CLOSED"}


ENDS = {
    "rotated": lambda tower, key: tower.installation.rotate(key),
    "revoked": lambda tower, key: tower.installation.change(key, status="REVOKED"),
    "deleted": lambda tower, key: tower.installation.keyring.delete(CLI, Key.select(), key.id),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("told_before", [True, False])
def test_a_key_that_is_replaced_or_ended_is_neither_due_nor_expiring(
    tower: Tower, end: str, told_before: bool
) -> None:
    key = tower.key(expires_at=tower.clock.ms + int(95 * DAY * 1000)).key
    if told_before:
        tower.wait(91 * DAY)
        assert tower.types() == ["EXPIRING", "ROTATION_DUE"]
        ENDS[end](tower, key)
    else:
        tower.wait(80 * DAY)
        ENDS[end](tower, key)
        tower.wait(11 * DAY)
    new = [alert for alert in tower.look() if alert.key_id == key.id]
    assert new == []
    ended = {alert.status for alert in tower.alerts() if alert.key_id == key.id}
    assert ended == ({"CLOSED"} if told_before else set())


def test_a_later_expiry_ends_it_and_it_is_told_again_in_its_time(tower: Tower) -> None:
    key = tower.key(expires_at=tower.clock.ms + int(5 * DAY * 1000)).key
    assert tower.types() == ["EXPIRING"]
    tower.installation.change(key, expires_at=tower.clock.ms + int(40 * DAY * 1000))
    tower.look()
    assert tower.states() == {"EXPIRING": "CLOSED"}
    tower.wait(34 * DAY)
    assert tower.types() == ["EXPIRING"]


def test_a_key_that_is_activated_again_is_due_again(tower: Tower) -> None:
    key = tower.key(status="REVOKED").key
    tower.wait(200 * DAY)
    assert tower.look() == []
    tower.installation.change(key, status="ACTIVE")
    assert tower.types() == ["ROTATION_DUE"]


def test_of_hundreds_at_once_there_is_an_alert_each_and_one_mail(
    tower: Tower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_CHANGED_AT_ONCE", 20)
    keys = [tower.key().key for _ in range(70)]
    tower.wait(91 * DAY)
    tower.look()
    assert {alert.key_id for alert in Alert.select()} == {key.id for key in keys}
    (mail,) = Mail.select()
    assert mail.subject == "A key should be rotated"
    for key in keys:
        tower.installation.change(key, status="REVOKED")
    tower.look()
    assert {alert.status for alert in Alert.select()} == {"CLOSED"}


def test_of_thousands_at_once_a_look_takes_some_and_the_last_one_mails(
    tower: Tower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_CHANGED_AT_ONCE", 2)
    monkeypatch.setattr(watch, "_PARTS_A_LOOK", 2)
    keys = [tower.key().key for _ in range(9)]
    tower.wait(91 * DAY)
    tower.installation.change(keys[8], expires_at=tower.clock.ms + int(DAY * 1000))
    assert tower.types() == ["EXPIRING", *["ROTATION_DUE"] * 4]
    assert [mail.subject for mail in Mail.select()] == ["A key expires soon"]
    assert tower.types() == ["ROTATION_DUE"] * 4
    assert tower.types() == ["ROTATION_DUE"]
    expiry, age = Mail.select().order_by(Mail.kind)
    assert (expiry.body.count("expires at"), age.body.count("older than 90 days")) == (1, 9)
    assert tower.look() == []


@pytest.mark.parametrize("same_age", [True, False])
def test_what_was_looked_at_is_not_read_again_for_the_rest(tower: Tower, same_age: bool) -> None:
    for _ in range(60):
        tower.key()
        tower.wait(0 if same_age else 1)
    tower.wait(91 * DAY)
    ids: list[str | None] = []
    pages = aging.pages(driver(tower.installation.db), aging.ROTATION_DUE, tower.clock.ms, 10)

    def read_a_page() -> None:
        ids.extend(finding.key_id for finding in next(pages))

    costs = [steps_of(tower.installation.db, read_a_page) for _ in range(6)]
    assert list(pages) == []
    assert sorted(map(str, ids)) == sorted(key.id for key in Key.select())
    assert max(costs) < 1.2 * min(costs)


def test_between_two_parts_another_process_can_write(tower: Tower, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_CHANGED_AT_ONCE", 2)
    for _ in range(5):
        tower.key()
    tower.wait(91 * DAY)
    pauses = []

    def pause(seconds: float) -> None:
        other = apsw.Connection(str(tower.installation.config.database_path))
        other.execute("BEGIN IMMEDIATE; ROLLBACK")
        other.close()
        pauses.append(seconds)

    monkeypatch.setattr(watch.time, "sleep", pause)
    tower.look()
    assert pauses == [watch._PAUSE_SECONDS] * 2
