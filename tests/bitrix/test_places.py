"""Threads that the calls of portals may hold."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from app.bitrix import places as module
from app.bitrix.places import Places
from app.errors import ApiError

ONE, ALL = {"scope": "portal"}, {"scope": "portals"}


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as made:
        yield made


def hold(places: Places, *portals: str) -> ExitStack:
    stack = ExitStack()
    for portal in portals:
        stack.enter_context(places.one(portal))
    return stack


def refusal(places: Places, portal: str) -> ApiError:
    with pytest.raises(ApiError) as refused, places.one(portal):
        pass
    assert (refused.value.code, refused.value.retry_after) == ("RATE_LIMITED", 1)
    return refused.value


def waiting(pool: ThreadPoolExecutor, places: Places, portal: str) -> Future[ExitStack]:
    """Somebody who waits for a place."""
    before = len(places._waiting)
    one = pool.submit(hold, places, portal)
    deadline = time.monotonic() + 5
    while len(places._waiting) == before:
        assert time.monotonic() < deadline
        threading.Event().wait(0.002)
    return one


def test_all_portals_together_have_so_many() -> None:
    places = Places(2, 3)
    with hold(places, "a", "a", "b"):
        began = time.monotonic()
        assert refusal(places, "c").details == ALL
        assert refusal(places, "a").details == ALL
        assert time.monotonic() - began < module.LONGEST_WAIT, "nobody waits"
    hold(places, "c", "c", "a").close()
    assert not places._taken


def test_who_waits_counts_too(pool: ThreadPoolExecutor) -> None:
    places = Places(1, 2)
    with hold(places, "a"):
        late = waiting(pool, places, "a")
        assert refusal(places, "a").details == ALL
    late.result().close()


def test_a_place_that_gets_free_is_taken_by_who_waits(pool: ThreadPoolExecutor) -> None:
    places = Places(1, 2)
    first = hold(places, "a")
    late = waiting(pool, places, "a")
    first.close()
    with late.result():
        assert (places._taken, places._waiting) == ({"a": 1}, [])


def test_nobody_waits_for_long(pool: ThreadPoolExecutor) -> None:
    places = Places(1, 2)
    with hold(places, "a"):
        assert refusal(places, "a").details == ONE
    assert (places._taken, places._waiting) == ({}, [])


def test_who_waits_gives_way_to_another_portal(pool: ThreadPoolExecutor) -> None:
    places = Places(2, 3)
    with hold(places, "slow", "slow"):
        late = waiting(pool, places, "slow")
        with hold(places, "other"):
            with pytest.raises(ApiError) as refused:
                late.result()
            assert refused.value.details == ALL
            assert refusal(places, "third").details == ALL
            assert (places._taken, places._waiting) == ({"slow": 2, "other": 1}, [])
    assert not places._taken


def test_a_place_is_given_back_whatever_happens() -> None:
    places = Places(1, 1)
    with pytest.raises(KeyError), places.one("a"):
        raise KeyError
    hold(places, "a").close()
