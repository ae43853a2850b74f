"""AUTH_FAILURES: ten failures an hour with keys that begin like one of the account's, or from one address."""

from __future__ import annotations

import pytest

from app.models import Key
from tests.alerts.tower import ABROAD, HOME, HOUR, MINUTE, Tower


def test_ten_wrong_keys_that_begin_like_one_of_the_account(tower: Tower) -> None:
    key = tower.key().key
    tower.guess(key.key_prefix, 9)
    assert tower.look() == []
    tower.wait(30 * MINUTE)
    tower.guess(key.key_prefix, 1)
    (alert,) = tower.look()
    assert (alert.type, alert.account_id, alert.key_id) == ("AUTH_FAILURES", tower.account.id, key.id)
    assert alert.facts == {
        "key_prefix": key.key_prefix,
        "hour_starts_at": int(tower.clock.now // HOUR * HOUR) * 1000,
        "failures": 10,
        "codes": {"INVALID_API_KEY": 10},
    }


def test_nine_an_hour_are_none(tower: Tower) -> None:
    key = tower.key().key
    for _ in range(5):
        tower.guess(key.key_prefix, 9)
        assert tower.look() == []
        tower.wait(HOUR)


@pytest.mark.parametrize("code", ["KEY_REVOKED", "KEY_EXPIRED", "KEY_ROTATED"])
def test_a_key_that_does_not_work_any_more_counts(tower: Tower, code: str) -> None:
    key = tower.key().key
    tower.refuse(key, code, 6)
    tower.guess(key.key_prefix, 4)
    (alert,) = tower.look()
    assert alert.facts["codes"] == {"INVALID_API_KEY": 4, code: 6}


@pytest.mark.parametrize("code", ["RATE_LIMITED", "IP_NOT_ALLOWED", "VALIDATION_ERROR", "SCOPE_DENIED"])
def test_what_is_refused_for_another_reason_is_no_failure(tower: Tower, code: str) -> None:
    tower.refuse(tower.key().key, code, 1_000)
    assert tower.look() == []


def test_it_goes_on_and_is_over_when_an_hour_without_has_gone_by(tower: Tower) -> None:
    key = tower.key().key
    for _ in range(3):
        tower.guess(key.key_prefix, 50)
        tower.look()
        tower.wait(HOUR)
    assert [alert.status for alert in tower.alerts()] == ["OPEN"]
    tower.wait(HOUR + 2 * MINUTE)
    tower.look()
    assert [alert.status for alert in tower.alerts()] == ["CLOSED"]
    tower.guess(key.key_prefix, 50)
    assert tower.types() == ["AUTH_FAILURES"]


def test_where_keys_of_several_accounts_begin_alike_none_is_told_of_wrong_ones(tower: Tower) -> None:
    mine, other = tower.key().key, tower.key(tower.installation.account("bob@example.com")).key
    Key.update(key_prefix="old_12").where(Key.id.in_([mine.id, other.id])).execute()
    tower.guess("old_12", 50)
    assert tower.look() == []
    tower.refuse(other, "KEY_REVOKED", 10)
    (alert,) = tower.look()
    assert (alert.account_id, alert.facts["codes"]) == (other.owner_id, {"KEY_REVOKED": 10})


def test_keys_of_one_account_that_begin_alike_are_counted_once(tower: Tower) -> None:
    keys = [tower.key().key for _ in range(2)]
    Key.update(key_prefix="old_12").execute()
    tower.guess("old_12", 9)
    assert tower.look() == []
    tower.guess("old_12", 1)
    (alert,) = tower.look()
    assert (alert.facts["failures"], alert.key_id) == (10, None)
    assert len(keys) == 2


def test_from_one_address_the_operators_are_told(tower: Tower) -> None:
    operators = [tower.installation.account(f"op{n}@example.com", operator=True) for n in range(2)]
    tower.guess(None, 9, HOME)
    tower.guess(None, 10, ABROAD)
    opened = tower.look()
    assert {alert.account_id for alert in opened} == {operator.id for operator in operators}
    assert {alert.facts["address"] for alert in opened} == {"2001:db8:7::/64"}
    assert {alert.facts["failures"] for alert in opened} == {10}
    tower.guess(None, 1, HOME)
    assert [alert.facts["address"] for alert in tower.look()] == [HOME, HOME]


def test_of_many_addresses_the_worst_are_told(tower: Tower) -> None:
    tower.installation.account("op@example.com", operator=True)
    for number in range(120):
        tower.guess(None, 10 + number, f"203.0.113.{number}")
    opened = tower.look()
    assert len(opened) == 100
    assert min(alert.facts["failures"] for alert in opened) == 30


def test_of_ever_other_addresses_no_more_are_told_than_a_hundred_at_a_time(tower: Tower) -> None:
    tower.installation.account("op@example.com", operator=True)
    for minute in range(3):
        for number in range(60):
            tower.guess(None, 10 + minute, f"203.0.{minute}.{number}")
        tower.look()
        tower.wait(MINUTE)
    assert len(tower.alerts()) == 100
    tower.wait(HOUR)
    for number in range(60):
        tower.guess(None, 10, f"203.0.0.{number}")
        tower.guess(None, 50, f"203.0.9.{number}")
    assert tower.look() == []
    tower.wait(HOUR)  # sixty have gone on until now
    tower.guess(None, 10, HOME)
    assert [alert.facts["address"] for alert in tower.look()] == [HOME]


def test_without_an_operator_nobody_is_told_of_an_address(tower: Tower) -> None:
    tower.guess(None, 1_000)
    assert tower.look() == []
