"""SPIKE: an hour above five times the trailing mean, of at least 50 requests, after 24 hours of use."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.models import Key
from tests.alerts.tower import DAY, HOUR, MINUTE, Tower
from tests.db.installation import CLI


def steady(tower: Tower, key: Key, hours: int, times: int = 10) -> None:
    """Use the key evenly."""
    for _ in range(hours):
        tower.use(key, times)
        assert tower.look() == []
        tower.wait(HOUR)


@pytest.mark.parametrize(
    ("hours", "each", "now", "is_spike"),
    [
        (24, 10, 50, False),
        (24, 10, 51, True),
        (23, 10, 51, False),
        (24, 1, 49, False),
        (24, 1, 50, True),
        (48, 100, 500, False),
        (48, 100, 501, True),
    ],
)
def test_above_five_times_the_mean_of_at_least_a_day(
    tower: Tower, hours: int, each: int, now: int, is_spike: bool
) -> None:
    key = tower.key().key
    steady(tower, key, hours, each)
    tower.use(key, now)
    assert tower.types() == (["SPIKE"] if is_spike else [])


def test_the_facts_are_those_of_the_moment_at_which_it_was_seen(tower: Tower) -> None:
    key = tower.key(name="ci").key
    steady(tower, key, 30, 3)
    tower.wait(10 * MINUTE)
    tower.use(key, 77)
    (alert,) = tower.look()
    assert (alert.key_id, alert.created_at) == (key.id, tower.clock.ms)
    assert alert.facts == {
        "key_name": "ci",
        "key_prefix": key.key_prefix,
        "hour_starts_at": int(tower.clock.now // HOUR * HOUR) * 1000,
        "request_count": 77,
        "mean": 3.0,
        "mean_of_hours": 30,
        "factor": 5,
    }


def test_hours_without_a_request_count_for_the_mean(tower: Tower) -> None:
    key = tower.key().key
    tower.use(key, 480)
    tower.look()
    tower.wait(DAY)
    tower.use(key, 100)
    assert tower.look() == []
    tower.wait(HOUR)
    tower.use(key, 117)  # (480 + 100) / 25 hours, five times
    (alert,) = tower.look()
    assert (alert.facts["mean"], alert.facts["mean_of_hours"]) == (23.2, 25)


def test_only_the_last_seven_days_count_and_all_of_their_hours(tower: Tower) -> None:
    key = tower.key().key
    steady(tower, key, 5, 1_000)
    tower.wait(8 * DAY)
    tower.use(key, 50)
    (alert,) = tower.look()
    assert (alert.facts["mean"], alert.facts["mean_of_hours"]) == (0.0, 168)


def test_a_spike_that_lasts_is_one_and_is_over_when_an_hour_without_has_gone_by(tower: Tower) -> None:
    key = tower.key().key
    steady(tower, key, 48)
    tower.use(key, 1_000)
    assert tower.types() == ["SPIKE"]
    for _ in range(2):
        tower.wait(HOUR)
        tower.use(key, 1_000)
        assert tower.look() == []
    tower.wait(HOUR)
    tower.use(key, 10)
    assert tower.look() == []
    assert tower.states() == {"SPIKE": "OPEN"}
    tower.wait(HOUR + 2 * MINUTE)
    assert tower.look() == []
    assert tower.states() == {"SPIKE": "CLOSED"}


def test_the_next_spike_is_another_one(tower: Tower) -> None:
    key = tower.key().key
    steady(tower, key, 24 * 6, 100)
    for _ in range(2):
        tower.use(key, 4_000)
        assert tower.types() == ["SPIKE"]
        tower.wait(HOUR)
        for _ in range(4):
            tower.use(key, 100)
            assert tower.look() == []
            tower.wait(HOUR)
    assert [alert.status for alert in tower.alerts()] == ["CLOSED", "CLOSED"]


def test_rotation_begins_no_new_history(tower: Tower) -> None:
    old = tower.key().key
    steady(tower, old, 30)
    new = tower.installation.rotate(old, grace_hours=24).key
    tower.use(old, 30)
    tower.use(new, 30)
    (alert,) = tower.look()
    assert (alert.facts["request_count"], alert.facts["mean"], alert.key_id) == (60, 10.0, new.id)


def test_with_hours_kept_for_one_day_that_day_is_compared_with(tmp_path: Path) -> None:
    tower = Tower(tmp_path, USAGE_HOURS_KEPT_DAYS="1")
    key = tower.key().key
    steady(tower, key, 72)
    tower.rollup.remove_outdated()
    tower.use(key, 51)
    (alert,) = tower.look()
    assert alert.facts["mean_of_hours"] == 24
    tower.close()


def test_a_lineage_of_which_no_key_is_left_is_nobodys(tower: Tower) -> None:
    key = tower.key().key
    steady(tower, key, 30)
    tower.use(key, 500)
    tower.installation.keyring.delete(CLI, Key.select(), key.id)
    assert tower.look() == []
