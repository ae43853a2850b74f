"""NEW_LOCATION: a network that a lineage was never used from."""

from __future__ import annotations

import pytest

from app.alerts import locations
from app.models import KnownNetwork
from tests.alerts.tower import ABROAD, DAY, HOME, HOUR, OFFICE, Tower


def test_networks_of_the_first_day_are_learned_and_a_new_one_later_is_told_once(tower: Tower) -> None:
    key = tower.key(name="laptop").key
    tower.use(key, address=OFFICE)
    tower.wait(23 * HOUR)
    tower.use(key, address=HOME)
    assert tower.look() == []
    tower.wait(2 * HOUR)

    tower.use(key, 3, ABROAD)
    (alert,) = tower.look()

    assert (alert.type, alert.status, alert.key_id) == ("NEW_LOCATION", "OPEN", key.id)
    assert alert.account_id == tower.account.id
    assert alert.facts == {
        "key_name": "laptop",
        "key_prefix": key.key_prefix,
        "network": "2001:db8:7::/48",
        "hour_starts_at": int(tower.clock.now // HOUR * HOUR) * 1000,
        "request_count": 3,
        "known_networks": 2,
    }
    for address in (OFFICE, HOME, ABROAD, ABROAD.replace("::1", ":5::2"), "192.0.2.99"):
        tower.use(key, address=address)
        assert tower.look() == []
        tower.wait(HOUR)


def test_the_day_of_learning_begins_with_the_first_use_not_with_the_making_of_the_key(tower: Tower) -> None:
    key = tower.key().key
    tower.wait(10 * DAY)
    tower.use(key, address=OFFICE)
    tower.look()
    tower.wait(2 * HOUR)
    tower.use(key, address=HOME)
    assert tower.look() == []


def test_it_belongs_to_the_lineage(tower: Tower) -> None:
    old = tower.key()
    tower.use(old.key)
    tower.look()
    tower.wait(2 * DAY)
    new = tower.installation.rotate(old.key).key
    tower.use(new, address=OFFICE)
    assert tower.look() == []
    tower.use(new, address=HOME)
    assert [alert.key_id for alert in tower.look()] == [new.id]
    tower.use(old.key, address=HOME)
    assert tower.look() == []


def test_it_is_remembered_when_the_usage_is_not_kept_any_more(tower: Tower) -> None:
    key = tower.key().key
    for address in (OFFICE, HOME):
        tower.use(key, address=address)
    tower.look()
    tower.wait(89 * DAY)
    tower.look()
    tower.wait(20 * DAY)
    tower.rollup.remove_outdated()
    tower.use(key, address=HOME)
    assert "NEW_LOCATION" not in tower.types()
    tower.use(key, address=ABROAD)
    assert tower.types() == ["NEW_LOCATION"]


def test_each_key_learns_for_itself(tower: Tower) -> None:
    first, second = tower.key().key, tower.key(tower.installation.account("bob@example.com")).key
    for key, address in ((first, OFFICE), (second, HOME)):
        tower.use(key, address=address)
    tower.look()
    tower.wait(2 * DAY)
    for key, address in ((first, HOME), (second, OFFICE)):
        tower.use(key, address=address)
    opened = tower.look()
    assert {(alert.account_id, alert.facts["network"]) for alert in opened} == {
        (first.owner_id, "198.51.100.0/24"),
        (second.owner_id, "192.0.2.0/24"),
    }


def test_what_has_no_address_is_no_network(tower: Tower) -> None:
    key = tower.key().key
    tower.use(key)
    tower.look()
    tower.wait(2 * DAY)
    tower.use(key, address="unix:")
    assert tower.look() == []


def test_it_is_over_after_a_week_and_the_network_is_known_for_ever(tower: Tower) -> None:
    key = tower.key().key
    tower.use(key)
    tower.look()
    tower.wait(2 * DAY)
    tower.use(key, address=HOME)
    tower.look()
    tower.wait(7 * DAY - 1)
    tower.look()
    assert tower.states() == {"NEW_LOCATION": "OPEN"}
    tower.wait(1)
    tower.use(key, address=HOME)
    assert tower.look() == []
    assert tower.states() == {"NEW_LOCATION": "CLOSED"}


def test_what_was_before_the_first_look_of_all_is_taken_for_known(tower: Tower) -> None:
    key = tower.key().key
    tower.use(key, address=OFFICE)
    tower.wait(3 * DAY)
    tower.use(key, address=HOME)
    tower.rollup.roll_up()
    tower.installation.db.execute_sql("DELETE FROM alert_progress")
    assert tower.look() == []
    tower.use(key, address=ABROAD)
    assert tower.types() == ["NEW_LOCATION"]


def test_a_key_that_is_used_from_everywhere_is_not_told_of_for_ever(
    tower: Tower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locations, "MOST_KNOWN", 5)
    key = tower.key().key
    tower.use(key)
    tower.look()
    tower.wait(2 * DAY)
    for number in range(9):
        tower.use(key, address=f"203.0.{number}.1")
    assert len(tower.look()) == 4
    assert KnownNetwork.select().count() == 5
