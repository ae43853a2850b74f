"""Limits, windows, headers."""

from __future__ import annotations

import pytest

from gateway.limits import Limit, Usage, limit_headers, limits_for
from gateway.records import AccountRecord
from tests.gateway.records import new_key

HOUR_START = 1_700_002_800  # 23:00:00 UTC
QUOTAS = {"free": 1000, "pro": 10_000}


def usage(scope: str, quota: int, window: int, used: int) -> Usage:
    return Usage(Limit(scope, quota, window, "owner"), HOUR_START, used)


@pytest.mark.parametrize(
    ("key_fields", "account_fields", "expected"),
    [
        ({}, {}, [("tier", 1000)]),
        ({}, {"tier": "pro"}, [("tier", 10_000)]),
        ({}, {"tier": "enterprise", "hourly_limit": 77}, [("tier", 77)]),
        ({}, {"tier": "enterprise"}, []),
        ({"rate_limit": 5}, {"tier": "enterprise"}, [("second", 5)]),
        (
            {"rate_limit": 5, "hourly_limit": 9},
            {"hourly_limit": 3},
            [("second", 5), ("key", 9), ("tier", 1000)],
        ),
    ],
)
def test_which_limits_apply(
    key_fields: dict[str, int], account_fields: dict[str, object], expected: list[tuple[str, int]]
) -> None:
    key = new_key(**key_fields)[1]
    account = AccountRecord("account-1", 1, **account_fields)  # type: ignore[arg-type]
    limits = limits_for(key, account, QUOTAS)
    assert [(limit.scope, limit.quota) for limit in limits] == expected
    owners = {"second": key.lineage_id, "key": key.lineage_id, "tier": "account-1"}
    assert all(limit.owner == owners[limit.scope] for limit in limits)


@pytest.mark.parametrize(
    ("now", "start"),
    [
        (HOUR_START, HOUR_START),
        (HOUR_START + 3599.999, HOUR_START),
        (HOUR_START + 3600, HOUR_START + 3600),
        (HOUR_START - 0.001, HOUR_START - 3600),
    ],
)
def test_hours_begin_at_the_top_of_the_hour(now: float, start: int) -> None:
    assert Limit("tier", 1, 3600, "a").window_start(now) == start


@pytest.mark.parametrize(
    ("now", "left"), [(HOUR_START, 3600), (HOUR_START + 0.5, 3600), (HOUR_START + 3599.2, 1)]
)
def test_seconds_left_are_whole_and_at_least_one(now: float, left: int) -> None:
    assert usage("tier", 1, 3600, 0).seconds_left(now) == left


def test_headers_speak_of_the_tightest_window() -> None:
    usages = [usage("second", 10, 1, 4), usage("key", 100, 3600, 99), usage("tier", 1000, 3600, 500)]
    headers = dict(limit_headers(usages, HOUR_START + 0.25))
    assert headers == {
        "X-RateLimit-Limit": "100",
        "X-RateLimit-Remaining": "1",
        "X-RateLimit-Reset": str(HOUR_START + 3600),
        "RateLimit-Policy": '"second";q=10;w=1, "key";q=100;w=3600, "tier";q=1000;w=3600',
        "RateLimit": '"second";r=6;t=1, "key";r=1;t=3600, "tier";r=500;t=3600',
    }


def test_of_two_equal_windows_the_one_that_resets_last_is_told() -> None:
    usages = [usage("second", 10, 1, 5), usage("tier", 1000, 3600, 995)]
    assert dict(limit_headers(usages, HOUR_START))["X-RateLimit-Limit"] == "1000"


def test_remaining_is_never_negative() -> None:
    assert usage("tier", 10, 3600, 12).remaining == 0


def test_no_limit_no_headers() -> None:
    assert limit_headers([], HOUR_START) == []
