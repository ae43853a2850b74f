"""The two limits, with a clock that the test turns."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from app.bitrix.sandbox import Sandbox, running
from tests.sandbox.caller import answer, ask, refusal, result


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limited(clock: Clock) -> Iterator[Sandbox]:
    with running(Sandbox(wall_clock=clock)) as sandbox:
        yield sandbox


def admitted(sandbox: Sandbox) -> int:
    """How many calls in a row are admitted now."""
    count = 0
    while answer(sandbox, "profile")[0] == 200:
        count += 1
    return count


def test_the_bucket_holds_fifty_and_loses_two_a_second(limited: Sandbox, clock: Clock) -> None:
    assert admitted(limited) == 50
    assert refusal(limited, "profile") == (503, "QUERY_LIMIT_EXCEEDED")
    for seconds, calls in ((0.4, 0), (0.1, 1), (3.0, 6), (1_000.0, 50)):
        clock.now += seconds
        assert admitted(limited) == calls


def test_a_wrong_secret_costs_nothing(limited: Sandbox) -> None:
    for _ in range(60):
        assert ask(limited, "POST", "/rest/1/wrong/profile", {})[0] == 401
    assert admitted(limited) == 50


def test_a_method_that_worked_too_long_is_blocked_for_ten_minutes(limited: Sandbox, clock: Clock) -> None:
    limits = limited.portal.limits
    limits.worked("user.current", 479.0)
    assert 479.0 <= limits.operating("user.current") < 479.5
    assert result(limited, "user.current")["ID"] == "1"
    limits.worked("user.current", 1.5)
    assert refusal(limited, "user.current") == (429, "OPERATION_TIME_LIMIT")
    assert result(limited, "profile")["ID"] == "1"
    errors = result(limited, "batch", cmd={"a": "user.current"})["result_error"]
    assert errors["a"]["error"] == "OPERATION_TIME_LIMIT"
    clock.now += 599.0
    assert refusal(limited, "user.current") == (429, "OPERATION_TIME_LIMIT")
    clock.now += 1.0
    assert result(limited, "user.current")["ID"] == "1"


def test_work_is_forgotten_after_ten_minutes(limited: Sandbox, clock: Clock) -> None:
    limits = limited.portal.limits
    limits.worked("user.current", 400.0)
    clock.now += 601.0
    limits.worked("user.current", 400.0)
    assert answer(limited, "user.current")[1]["time"]["operating"] < 401.0


def test_to_wait_is_no_work(limited: Sandbox) -> None:
    limited.portal.call(
        limited.portal.webhook, "batch", {"cmd": ["user.current"]}, lambda method: time.sleep(0.2)
    )
    assert limited.portal.limits.operating("batch") < 0.2


def test_limits_may_be_off(limited: Sandbox) -> None:
    limited.portal.limits.enabled = False
    limited.portal.limits.worked("profile", 10_000.0)
    for _ in range(60):
        assert answer(limited, "profile")[0] == 200
