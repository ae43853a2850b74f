"""The bucket of a portal: on a real server, on one host and on several, and without Redis."""

from __future__ import annotations

import itertools
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import redis

from app.bitrix.host_buckets import HostBuckets
from app.bitrix.throttle import CALLS_AT_ONCE, LONGEST_WAIT, Throttle
from app.errors import ApiError
from gateway.redis_link import ClientLink, Link, open_link
from tests.conftest import ValkeyServer

Worker = Callable[..., Throttle]

_numbers = itertools.count(1)


@pytest.fixture
def portal() -> str:
    return f"throttled-{next(_numbers)}"


def _server_link(url: str) -> Link:
    return open_link(url, 1.0, "vk:published", lambda greeting: None)


def _client_link(url: str) -> Link:
    return ClientLink(lambda: redis.Redis.from_url(url))


@pytest.fixture(params=[_server_link, _client_link])
def link(request: pytest.FixtureRequest, valkey_url: str) -> Iterator[Link]:
    with closing(request.param(valkey_url)) as made:
        yield made


@pytest.fixture
def own_link(valkey_server: ValkeyServer) -> Iterator[Link]:
    with closing(_server_link(valkey_server.url)) as made:
        yield made


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    """Makes the throttle of one worker more, on this host or another."""
    with ExitStack() as held:

        def make(link: Link | None, host: str = "this", redis_timeout: float = 5.0) -> Throttle:
            folder = tmp_path / host
            folder.mkdir(exist_ok=True)
            return held.enter_context(closing(Throttle(link, folder, redis_timeout=redis_timeout)))

        yield make


def _about(seconds: float) -> object:
    """What a wait comes to when the test itself has taken a while."""
    return pytest.approx(seconds - 0.2, abs=0.21)


def _refused(throttle: Throttle, portal: str, patience: float = LONGEST_WAIT) -> ApiError:
    with pytest.raises(ApiError) as refused:
        throttle.take(portal, patience)
    return refused.value


def _fill(throttle: Throttle, portal: str) -> None:
    assert {throttle.take(portal, 0.0) for _ in range(CALLS_AT_ONCE)} == {0.0}


class TestTogether:
    """Redis is there."""

    def test_a_burst_goes_at_once_and_the_rest_one_after_the_other(
        self, link: Link, worker: Worker, portal: str
    ) -> None:
        throttle = worker(link)
        _fill(throttle, portal)
        waits = [throttle.take(portal, LONGEST_WAIT) for _ in range(6)]
        assert waits == [_about(0.5 * place) for place in range(1, 7)]
        refused = _refused(throttle, portal)
        assert (refused.code, refused.retry_after) == ("RATE_LIMITED", 4)
        assert refused.details == {"scope": "portal"}

    def test_a_refused_caller_has_no_place(self, link: Link, worker: Worker, portal: str) -> None:
        throttle = worker(link)
        _fill(throttle, portal)
        assert {_refused(throttle, portal, patience=0.1).retry_after for _ in range(50)} == {1}
        assert throttle.take(portal, LONGEST_WAIT) == _about(0.5)

    def test_retry_after_obeyed_admits(self, link: Link, worker: Worker, portal: str) -> None:
        throttle = worker(link)
        _fill(throttle, portal)
        time.sleep(_refused(throttle, portal, patience=0.0).retry_after or 0)
        assert throttle.take(portal, 0.0) == 0.0

    @pytest.mark.parametrize("host", ["this", "another"])
    def test_workers_share_a_bucket_and_portals_do_not(
        self, link: Link, worker: Worker, portal: str, host: str
    ) -> None:
        one, other = worker(link), worker(link, host)
        for _ in range(CALLS_AT_ONCE // 2):
            assert one.take(portal, 0.0) == other.take(portal, 0.0) == 0.0
        one.take(portal, 0.0)
        assert one.take(portal, LONGEST_WAIT) < other.take(portal, LONGEST_WAIT)
        assert other.take(f"another than {portal}", 0.0) == 0.0

    def test_a_portal_that_says_it_is_full_is_full_for_everybody(
        self, link: Link, worker: Worker, portal: str
    ) -> None:
        one, other = worker(link), worker(link, "another")
        assert one.take(portal, LONGEST_WAIT, full=True) == _about(0.5)
        assert other.take(portal, LONGEST_WAIT) == _about(1.0)

    def test_a_bucket_leaves_nothing_behind(
        self, link: Link, worker: Worker, portal: str, shared_valkey: ValkeyServer
    ) -> None:
        worker(link).take(portal, 0.0)
        assert 0 < shared_valkey.client().pttl(f"vk:t:{portal}") <= 500

    def test_a_clock_that_was_set_back_closes_no_portal(
        self, link: Link, worker: Worker, portal: str, shared_valkey: ValkeyServer
    ) -> None:
        shared_valkey.client().set(f"vk:t:{portal}", int((time.time() + 3600) * 1000))
        throttle = worker(link)
        assert (_refused(throttle, portal).retry_after or 0) <= LONGEST_WAIT + 1
        time.sleep(0.6)
        assert throttle.take(portal, LONGEST_WAIT) <= LONGEST_WAIT


class TestRedisFails:
    """What it forgets the host knows; while it is away the host counts."""

    def test_an_emptied_redis_goes_on_from_what_the_host_knows(
        self, own_link: Link, worker: Worker, portal: str, valkey_server: ValkeyServer
    ) -> None:
        _fill(worker(own_link), portal)
        valkey_server.flush()
        assert worker(own_link).take(portal, LONGEST_WAIT) == _about(0.5)
        assert worker(own_link, "another").take(portal, LONGEST_WAIT) == _about(1.0)

    @pytest.mark.parametrize("away", ["killed", "paused", "refuses to write", "garbage", "another type"])
    def test_without_redis_the_workers_of_a_host_go_on_together(
        self, own_link: Link, worker: Worker, portal: str, valkey_server: ValkeyServer, away: str
    ) -> None:
        one, other = worker(own_link, redis_timeout=0.05), worker(own_link, redis_timeout=0.05)
        for _ in range(CALLS_AT_ONCE - 1):
            one.take(portal, 0.0)
        _spoil(valkey_server, portal, away)
        assert one.take(portal, LONGEST_WAIT) == 0.0
        assert other.take(portal, LONGEST_WAIT) == _about(0.5)
        assert one.take(portal, LONGEST_WAIT) == _about(1.0)
        assert other.take(f"another than {portal}", 0.0) == 0.0

    def test_the_trips_of_one_request_share_their_time(
        self, own_link: Link, worker: Worker, portal: str, valkey_server: ValkeyServer
    ) -> None:
        throttle = worker(own_link, redis_timeout=0.5)
        throttle.take(portal, 0.0)
        valkey_server.pause()
        for _ in range(2):  # the second has as much as the first
            throttle.begin_request()
            began = time.monotonic()
            for _ in range(6):
                throttle.take(portal, 0.0)
            assert 0.5 <= time.monotonic() - began < 3 * 0.5

    def test_a_redis_that_returns_hears_what_was_called_meanwhile(
        self, own_link: Link, worker: Worker, portal: str, valkey_server: ValkeyServer
    ) -> None:
        throttle = worker(own_link)
        throttle.take(portal, 0.0)
        valkey_server.kill()
        for _ in range(CALLS_AT_ONCE - 1):
            throttle.take(portal, 0.0)
        valkey_server.start()
        assert throttle.take(portal, LONGEST_WAIT) == _about(0.5)
        assert worker(own_link, "another").take(portal, LONGEST_WAIT) == _about(1.0)


def _spoil(server: ValkeyServer, portal: str, way: str) -> None:
    name = f"vk:t:{portal}"
    match way:
        case "killed":
            server.kill()
        case "paused":
            server.pause()
        case "refuses to write":
            server.client().config_set("maxmemory", 1)
        case "garbage":
            server.client().set(name, "garbage")
        case "another type":
            server.client().delete(name)
            server.client().rpush(name, 1)


class TestHostBuckets:
    """The file that the workers of a host share."""

    def test_with_nobody_to_share_with_there_is_no_file(self, portal: str) -> None:
        with closing(Throttle(None, None, redis_timeout=1.0)) as throttle:
            _fill(throttle, portal)
            assert throttle.take(portal, LONGEST_WAIT) == _about(0.5)

    def test_of_more_portals_than_there_is_room_the_fullest_are_remembered(self, tmp_path: Path) -> None:
        with closing(HostBuckets(tmp_path, longest=1_000.0)) as buckets:
            buckets.note("full", 900.0, time.monotonic())
            for number in range(20_000):
                buckets.note(f"portal {number}", 1.0, time.monotonic())
            assert buckets.ahead("full") == pytest.approx(900.0, abs=60.0)
        assert (tmp_path / "portals").stat().st_size < 100_000

    def test_a_bucket_never_gets_emptier_by_what_is_noted(self, tmp_path: Path) -> None:
        with closing(HostBuckets(tmp_path, longest=1_000.0)) as buckets:
            buckets.note("portal", 500.0, time.monotonic())
            buckets.note("portal", 5.0, time.monotonic())
            assert buckets.ahead("portal") == pytest.approx(500.0, abs=60.0)

    @pytest.mark.parametrize("odd", [float("nan"), float("inf"), -1.0, 1e300])
    def test_what_cannot_be_is_an_empty_bucket(self, tmp_path: Path, odd: float) -> None:
        with closing(HostBuckets(tmp_path, longest=10.0)) as buckets:
            at, _ = buckets._find("portal")
            buckets._write(at, "portal", odd)
            assert buckets.ahead("portal") == 0.0

    def test_a_torn_file_is_begun_anew(self, tmp_path: Path) -> None:
        (tmp_path / "portals").write_bytes(struct.pack("<16s", b"something else"))
        with closing(HostBuckets(tmp_path, longest=10.0)) as buckets:
            buckets.note("portal", 5.0, time.monotonic())
            assert buckets.ahead("portal") > 0.0
