"""AFTER_HOURS: a use outside of the account's business hours."""

from __future__ import annotations

from tests.alerts.tower import DAY, HOUR, MINUTE, MONDAY, Tower

WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"]
HOURS = {"days": WEEKDAYS, "from": "09:30", "to": "18:00"}


def at(tower: Tower, day: int, hour: float) -> None:
    """Move the clock to a time of the week that begins on Monday."""
    tower.clock.now = MONDAY + day * DAY + hour * HOUR


def test_a_use_in_the_night_is_told_once_until_business_begins_again(tower: Tower) -> None:
    key = tower.key(name="ci").key
    tower.set(business_hours=HOURS, timezone="Europe/Berlin")
    at(tower, 0, 12)
    tower.use(key)
    assert tower.look() == []
    at(tower, 0, 21.25)  # 22:15 in Berlin

    tower.use(key, 4)
    (alert,) = tower.look()

    assert (alert.type, alert.key_id) == ("AFTER_HOURS", key.id)
    assert alert.facts == {
        "key_name": "ci",
        "key_prefix": key.key_prefix,
        "hour_starts_at": (int(MONDAY) + 21 * 3600) * 1000,
        "request_count": 4,
        "last_used_at": tower.clock.ms,
        "last_used_ip": "192.0.2.17",
        "local_time": "Mon 22:15",
        "timezone": "Europe/Berlin",
        "business_hours": HOURS,
    }
    for hour in (22.5, 24, 27):
        at(tower, 0, hour)
        tower.use(key)
        assert tower.look() == []
    at(tower, 1, 8.4)  # 09:24
    tower.look()
    assert tower.states() == {"AFTER_HOURS": "OPEN"}
    at(tower, 1, 8.5)  # 09:30
    tower.use(key)
    assert tower.look() == []
    assert tower.states() == {"AFTER_HOURS": "CLOSED"}
    at(tower, 1, 20)
    tower.use(key)
    assert tower.types() == ["AFTER_HOURS"]


def test_of_an_hour_in_which_business_begins_the_last_use_tells(tower: Tower) -> None:
    before, after = tower.key().key, tower.key().key
    tower.set(business_hours=HOURS)
    at(tower, 0, 9.2)
    tower.use(before)
    at(tower, 0, 9.25)
    (alert,) = tower.look()
    assert (alert.key_id, alert.facts["local_time"]) == (before.id, "Mon 09:12")
    at(tower, 0, 9.5)
    tower.use(after)
    assert tower.look() == []
    assert tower.states() == {"AFTER_HOURS": "CLOSED"}


def test_the_weekend_is_told_once(tower: Tower) -> None:
    key = tower.key().key
    tower.set(business_hours=HOURS)
    for hour in range(0, 48, 3):
        at(tower, 5, hour)
        tower.use(key)
        tower.look()
    assert [alert.status for alert in tower.alerts()] == ["OPEN"]
    at(tower, 7, 9.5)
    tower.look()
    assert [alert.status for alert in tower.alerts()] == ["CLOSED"]


def test_within_business_hours_and_without_any_nothing_is_told(tower: Tower) -> None:
    key = tower.key().key
    for preferences in ({}, {"business_hours": HOURS}):
        tower.set(**preferences)
        for hour in (10, 13, 17.9):
            at(tower, 1 if preferences else 0, hour)
            tower.use(key)
            assert tower.look() == []
    at(tower, 2, 3)
    tower.set(business_hours=None)
    tower.use(key)
    assert tower.look() == []


def test_it_is_over_when_there_are_no_business_hours_any_more(tower: Tower) -> None:
    key = tower.key().key
    tower.set(business_hours=HOURS)
    at(tower, 0, 20)
    tower.use(key)
    tower.look()
    tower.set(business_hours=None)
    tower.wait(MINUTE)
    tower.look()
    assert tower.states() == {"AFTER_HOURS": "CLOSED"}


def test_each_lineage_is_told_of_for_itself(tower: Tower) -> None:
    old, other = tower.key().key, tower.key().key
    tower.set(business_hours=HOURS)
    new = tower.installation.rotate(old).key
    at(tower, 0, 20)
    for key in (old, new, other):
        tower.use(key)
    assert tower.types() == ["AFTER_HOURS"] * 2


def test_hours_that_are_set_now_do_not_tell_of_what_was_before(tower: Tower) -> None:
    key = tower.key().key
    at(tower, 0, 21.2)
    tower.use(key)
    at(tower, 0, 21.3)
    tower.set(business_hours=HOURS)
    assert tower.look() == []
    at(tower, 0, 21.4)
    tower.use(key)
    assert [alert.type for alert in tower.look()] == ["AFTER_HOURS"]


def test_it_is_over_when_the_hours_are_corrected_so_that_they_hold_now(tower: Tower) -> None:
    key = tower.key().key
    tower.set(business_hours=HOURS)
    at(tower, 0, 21.2)
    tower.use(key)
    tower.look()
    always = {"days": [*WEEKDAYS, "sat", "sun"], "from": "00:00", "to": "24:00"}
    for hours, state in (({**HOURS, "to": "19:00"}, "OPEN"), (always, "CLOSED")):
        tower.set(business_hours=hours)
        tower.look()
        assert tower.states() == {"AFTER_HOURS": state}
