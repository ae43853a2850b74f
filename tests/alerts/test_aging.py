"""ROTATION_DUE and EXPIRING: keys that somebody should replace."""

from __future__ import annotations

import pytest

from app.alerts import watch
from app.models import Alert, Key, Mail
from tests.alerts.tower import DAY, Tower
from tests.db.installation import CLI


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
