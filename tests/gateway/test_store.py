"""The contract of the store, run on fakeredis, on a real server, on a cluster of one node, by a Sentinel."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fakeredis
import pytest
import redis

from gateway.limits import Limit
from gateway.records import AccountRecord, KeyRecord, PortalState, Snapshot, Tombstone
from gateway.redis_link import ClientLink, LinkError, open_link
from gateway.store import PUBLISHED_KEY, Absent, Changed, Counted, Store, StoreError
from tests.conftest import ValkeyServer
from tests.gateway.records import new_key
from tests.gateway.servers import until

NOW = 1_700_000_000.0
SECOND = Limit("second", 2, 1, "lineage-x")
HOUR = Limit("key", 3, 3600, "lineage-x")
TIER = Limit("tier", 5, 3600, "account-1")
NOTHING_TO_FILL = None


@pytest.fixture(params=["fakeredis", "server", "cluster", "sentinel"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "fakeredis":
        opened = Store(ClientLink(fakeredis.FakeRedis))
    elif request.param == "server":
        url = request.getfixturevalue("valkey_url")
        opened = Store(open_link(url, 5.0, PUBLISHED_KEY, lambda greeting: None))
    else:
        url = request.getfixturevalue(f"{request.param}_url")
        opened = Store(open_link(url, 5.0, PUBLISHED_KEY, lambda greeting: None))
    yield opened
    opened.close()


@pytest.fixture
def snapshot() -> Snapshot:
    return Snapshot(new_key(revision=4)[1], AccountRecord("account-1", 7))


def publish(store: Store, snapshot: Snapshot) -> None:
    store.publish(snapshot.key)
    store.publish(snapshot.account)


def consume(
    store: Store,
    snapshot: Snapshot,
    *limits: Limit,
    floors: tuple[int, ...] = (),
    fill: Absent | None = NOTHING_TO_FILL,
    now: float = NOW,
) -> Counted | Changed | Absent:
    floors = floors or (0,) * len(limits)
    return store.consume(snapshot, limits, now, floors, time.monotonic() + 5, fill)


def test_a_current_snapshot_is_counted_against_each_limit(store: Store, snapshot: Snapshot) -> None:
    publish(store, snapshot)
    assert consume(store, snapshot, HOUR, TIER) == Counted((1, 1), None)
    assert consume(store, snapshot, HOUR, TIER) == Counted((2, 2), None)


def test_a_current_snapshot_without_limits_is_confirmed(store: Store, snapshot: Snapshot) -> None:
    publish(store, snapshot)
    assert consume(store, snapshot) == Counted((), None)


def test_exactly_the_quota_is_counted_and_the_first_broken_limit_refuses(
    store: Store, snapshot: Snapshot
) -> None:
    publish(store, snapshot)
    answers = [consume(store, snapshot, SECOND, HOUR, TIER) for _ in range(3)]
    assert answers == [Counted((1, 1, 1), None), Counted((2, 2, 2), None), Counted((2, 2, 2), 0)]


def test_a_refused_request_consumes_no_limit(store: Store, snapshot: Snapshot) -> None:
    publish(store, snapshot)
    for _ in range(2):
        consume(store, snapshot, SECOND, TIER)
    for _ in range(5):
        assert consume(store, snapshot, SECOND, TIER) == Counted((2, 2), 0)
    assert consume(store, snapshot, TIER) == Counted((3,), None)


def test_a_window_begins_at_nothing(store: Store, snapshot: Snapshot) -> None:
    publish(store, snapshot)
    for _ in range(3):
        consume(store, snapshot, SECOND)
    assert consume(store, snapshot, SECOND, now=NOW + 1) == Counted((1,), None)
    assert consume(store, snapshot, SECOND, now=NOW) == Counted((2,), 0)


@pytest.mark.parametrize(
    ("floor", "answer"), [(0, Counted((2,), None)), (1, Counted((2,), None)), (2, Counted((3,), None))]
)
def test_counting_goes_on_from_the_floor(
    store: Store, snapshot: Snapshot, floor: int, answer: Counted
) -> None:
    publish(store, snapshot)
    consume(store, snapshot, HOUR)
    assert consume(store, snapshot, HOUR, floors=(floor,)) == answer


def test_a_floor_at_the_quota_refuses(store: Store, snapshot: Snapshot) -> None:
    publish(store, snapshot)
    assert consume(store, snapshot, HOUR, floors=(3,)) == Counted((3,), 0)


def test_a_counter_expires_after_its_window_also_when_the_clock_is_in_the_past(
    valkey_url: str, snapshot: Snapshot
) -> None:
    store = Store(open_link(valkey_url, 5.0, PUBLISHED_KEY, lambda greeting: None))
    publish(store, snapshot)
    consume(store, snapshot, SECOND, TIER, now=1000.0)
    consume(store, snapshot, TIER, floors=(4,), now=1000.0)
    client = redis.Redis.from_url(valkey_url)
    left = {name.split(b":")[3]: client.ttl(name) for name in client.scan_iter("vk:*:c:*")}
    assert 1 < left[b"second"] <= 61
    assert 3600 < left[b"tier"] <= 3660


def test_a_newer_key_record_is_returned_and_nothing_counted(store: Store, snapshot: Snapshot) -> None:
    publish(store, snapshot)
    newer = dataclasses.replace(snapshot.key, revision=9, ip_whitelist=("10.0.0.0/8",), name='"ключ"')
    store.publish(newer)
    assert consume(store, snapshot, TIER) == Changed(newer, snapshot.account)
    assert consume(store, Snapshot(newer, snapshot.account), TIER) == Counted((1,), None)


def test_a_newer_account_record_is_returned(store: Store, snapshot: Snapshot) -> None:
    publish(store, snapshot)
    newer = dataclasses.replace(
        snapshot.account, revision=8, status="SUSPENDED", portals={"p": PortalState(True, False)}
    )
    store.publish(newer)
    assert consume(store, snapshot) == Changed(snapshot.key, newer)


def test_a_deleted_key_is_told(store: Store, snapshot: Snapshot) -> None:
    publish(store, snapshot)
    store.publish(Tombstone(snapshot.key.digest, snapshot.account.account_id, 9))
    assert consume(store, snapshot) == Changed(None, snapshot.account)


def test_an_older_record_is_never_published_over_a_newer_one(store: Store, snapshot: Snapshot) -> None:
    publish(store, snapshot)
    store.publish(dataclasses.replace(snapshot.key, revision=3, revoked=True))
    assert consume(store, snapshot) == Counted((), None)


def test_an_unknown_record_is_filled_in_by_who_holds_its_token(store: Store, snapshot: Snapshot) -> None:
    absent = consume(store, snapshot, TIER)
    assert isinstance(absent, Absent)
    assert absent.lost
    assert consume(store, snapshot, TIER, fill=absent) == Counted((1,), None)
    assert consume(store, snapshot, TIER) == Counted((2,), None)


def test_all_who_find_a_record_absent_hold_the_same_token(store: Store, snapshot: Snapshot) -> None:
    first, second = consume(store, snapshot), consume(store, snapshot)
    assert isinstance(first, Absent)
    assert first == second
    assert consume(store, snapshot, fill=first) == Counted((), None)
    assert consume(store, snapshot, fill=second) == Counted((), None)


def test_without_the_token_nothing_is_filled_in(store: Store, snapshot: Snapshot) -> None:
    consume(store, snapshot)
    assert isinstance(consume(store, snapshot, fill=Absent("f00", "f00")), Absent)


def test_who_read_before_a_change_cannot_fill_in_what_was_lost_since(
    store: Store, snapshot: Snapshot
) -> None:
    late = consume(store, snapshot)
    assert isinstance(late, Absent)
    publish(store, Snapshot(dataclasses.replace(snapshot.key, revision=9, revoked=True), snapshot.account))
    store.forget_records(0)
    again = consume(store, snapshot, fill=late)
    assert isinstance(again, Absent)
    assert again.lost
    assert again.key_token != late.key_token


def test_a_record_that_redis_has_in_an_older_revision_is_read_anew_and_replaced(
    store: Store, snapshot: Snapshot
) -> None:
    publish(store, snapshot)
    newer = Snapshot(dataclasses.replace(snapshot.key, revision=6), snapshot.account)
    absent = consume(store, newer)
    assert absent == Absent("", "")
    assert consume(store, newer, fill=absent) == Counted((), None)
    assert consume(store, snapshot) == Changed(newer.key, snapshot.account)


def test_a_record_filled_in_beside_a_newer_one_is_returned_whole(store: Store, snapshot: Snapshot) -> None:
    newer_account = dataclasses.replace(snapshot.account, revision=20)
    store.publish(newer_account)
    absent = consume(store, snapshot)
    assert isinstance(absent, Absent)
    assert consume(store, snapshot, fill=absent) == Changed(snapshot.key, newer_account)


def test_a_late_request_is_not_run(valkey_url: str, snapshot: Snapshot) -> None:
    link = open_link(valkey_url, 5.0, PUBLISHED_KEY, lambda greeting: None)
    store = Store(link)
    publish(store, snapshot)
    link.server_deadline_ms = lambda deadline: 1  # type: ignore[method-assign]
    with pytest.raises(StoreError, match="late"):
        consume(store, snapshot, TIER)
    del link.server_deadline_ms  # type: ignore[attr-defined]
    assert consume(store, snapshot, TIER) == Counted((1,), None)


def test_a_deadline_that_has_passed_asks_nobody(store: Store, snapshot: Snapshot) -> None:
    with pytest.raises(StoreError):
        store.consume(snapshot, (), NOW, (), time.monotonic() - 1)


def test_publications_are_numbered(store: Store, snapshot: Snapshot) -> None:
    assert store.published() == 0
    assert [store.publish(snapshot.key), store.publish(snapshot.account)] == [1, 2]
    assert store.published() == 2


def test_many_records_are_published_together(store: Store, snapshot: Snapshot) -> None:
    publish(store, snapshot)
    keys = [new_key(revision=5)[1] for _ in range(20)]
    gone = Tombstone(snapshot.key.digest, snapshot.account.account_id, 9)

    assert store.publish(*keys, dataclasses.replace(keys[0], revision=6, revoked=True), gone) == 2 + 22

    deadline = time.monotonic() + 5
    recalled = [store.recall(key.digest, deadline) for key in keys]
    assert [found and found.key.revoked for found in recalled] == [True, *[False] * 19]
    assert store.recall(snapshot.key.digest, deadline) is None
    assert consume(store, Snapshot(keys[1], snapshot.account)) == Counted((), None)


def test_many_records_take_three_trips(valkey_url: str) -> None:
    link = open_link(valkey_url, 5.0, PUBLISHED_KEY, lambda greeting: None)
    store = Store(link)
    trips = 0
    exchange = link._exchange  # type: ignore[attr-defined]

    def counted(*arguments: object) -> object:
        nonlocal trips
        trips += 1
        return exchange(*arguments)

    link._exchange = counted  # type: ignore[attr-defined]
    store.publish(new_key(revision=4)[1])
    trips = 0
    store.publish(*(new_key(revision=4)[1] for _ in range(200)))
    assert trips == 3


def test_of_many_records_one_that_redis_refuses_fails_them_all_and_numbers_none(
    store: Store, snapshot: Snapshot
) -> None:
    publish(store, snapshot)
    before = store.published()
    broken = dataclasses.replace(snapshot.key, revision="x")  # type: ignore[arg-type]
    following = new_key(revision=4)[1]

    with pytest.raises(StoreError):
        store.publish(new_key(revision=4)[1], broken, following)

    # The connection is in step: no reply is left over.
    assert store.published() == before
    assert store.recall(following.digest, time.monotonic() + 5) == Snapshot(following, snapshot.account)


def test_forgotten_records_are_absent_and_counters_stay(store: Store, snapshot: Snapshot) -> None:
    publish(store, snapshot)
    consume(store, snapshot, TIER)
    assert store.forget_records(40) == 2
    assert store.published() == 40
    absent = consume(store, snapshot, TIER)
    assert isinstance(absent, Absent)
    assert consume(store, snapshot, TIER, fill=absent) == Counted((2,), None)


def test_what_is_used_is_told_and_not_counted(store: Store, snapshot: Snapshot) -> None:
    publish(store, snapshot)
    for _ in range(2):
        consume(store, snapshot, HOUR, TIER)
    for _ in range(3):
        used = store.used("account-1", (SECOND, HOUR, TIER), NOW, time.monotonic() + 5)
        assert used == (0, 2, 2)
    assert store.used("account-1", (HOUR,), NOW + 3600, time.monotonic() + 5) == (0,)
    assert store.used("account-1", (), NOW, time.monotonic() + 5) == ()
    assert consume(store, snapshot, SECOND, HOUR, TIER) == Counted((1, 3, 3), None)


def test_what_is_used_is_asked_in_one_trip_that_writes_nothing(valkey_url: str, snapshot: Snapshot) -> None:
    store = Store(open_link(valkey_url, 5.0, PUBLISHED_KEY, lambda greeting: None))
    publish(store, snapshot)
    client = redis.Redis.from_url(valkey_url)
    held, _ = sorted(client.scan_iter()), client.config_resetstat()
    store.used("account-1", (SECOND, HOUR, TIER), NOW, time.monotonic() + 5)
    calls = {name: figures["calls"] for name, figures in client.info("commandstats").items()}
    assert (calls["cmdstat_mget"], calls.keys() - {"cmdstat_config|resetstat"}) == (1, {"cmdstat_mget"})
    assert sorted(client.scan_iter()) == held


def test_records_are_recalled_without_the_source(store: Store, snapshot: Snapshot) -> None:
    digest, deadline = snapshot.key.digest, time.monotonic() + 5
    assert store.recall(digest, deadline) is None
    publish(store, snapshot)
    assert store.recall(digest, deadline) == snapshot
    store.publish(Tombstone(digest, snapshot.account.account_id, 9))
    assert store.recall(digest, deadline) is None


def test_a_lost_script_is_sent_again(valkey_url: str, snapshot: Snapshot) -> None:
    store = Store(open_link(valkey_url, 5.0, PUBLISHED_KEY, lambda greeting: None))
    publish(store, snapshot)
    redis.Redis.from_url(valkey_url).script_flush()
    assert consume(store, snapshot, TIER) == Counted((1,), None)
    redis.Redis.from_url(valkey_url).script_flush()
    assert store.publish(*(new_key(revision=4)[1] for _ in range(3))) == 5


def test_a_warm_request_is_one_command_as_the_server_counts(valkey_url: str, snapshot: Snapshot) -> None:
    store = Store(open_link(valkey_url, 5.0, PUBLISHED_KEY, lambda greeting: None))
    publish(store, snapshot)
    consume(store, snapshot, SECOND, HOUR, TIER)
    client = redis.Redis.from_url(valkey_url)
    client.config_resetstat()
    for number in range(50):
        consume(store, snapshot, SECOND, HOUR, TIER, now=NOW + number * 3600)
    calls = {name: figures["calls"] for name, figures in client.info("commandstats").items()}
    calls.pop("cmdstat_config|resetstat", None)
    by_clients = {name: count for name, count in calls.items() if name in ("cmdstat_evalsha", "cmdstat_info")}
    inside_the_script = {"cmdstat_time", "cmdstat_mget", "cmdstat_set", "cmdstat_incr"}
    assert by_clients["cmdstat_evalsha"] == 50
    assert set(calls) - set(by_clients) <= inside_the_script


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:1",
        "rediss://127.0.0.1:1",
        "unix:///nowhere.sock",
        "redis+cluster://127.0.0.1:1",
        "redis+sentinel://127.0.0.1:1,127.0.0.1:2/first",
    ],
)
def test_a_redis_that_is_not_there_is_a_store_error_when_it_is_asked(url: str, snapshot: Snapshot) -> None:
    store = Store(open_link(url, 0.5, PUBLISHED_KEY, lambda greeting: None))
    store.close()
    with pytest.raises(StoreError):
        consume(store, snapshot)


def test_a_full_redis_is_a_store_error(valkey_server: ValkeyServer, snapshot: Snapshot) -> None:
    store = Store(open_link(valkey_server.url, 5.0, PUBLISHED_KEY, lambda greeting: None))
    publish(store, snapshot)
    valkey_server.client().config_set("maxmemory", "1")
    with pytest.raises(StoreError):
        consume(store, snapshot, TIER)


def test_a_dead_server_is_a_store_error_within_the_deadline(
    valkey_server: ValkeyServer, snapshot: Snapshot
) -> None:
    store = Store(open_link(valkey_server.url, 0.05, PUBLISHED_KEY, lambda greeting: None))
    publish(store, snapshot)
    valkey_server.pause()
    with pytest.raises(StoreError):
        store.consume(snapshot, (), NOW, (), time.monotonic() + 0.05)
    valkey_server.kill()
    with pytest.raises(StoreError):
        consume(store, snapshot)
    valkey_server.start()
    # What was written in the last moment before a kill may be lost, and is then told to be absent.
    assert isinstance(consume(store, snapshot), Counted | Absent)


def test_one_broken_connection_takes_the_idle_ones_with_it(
    valkey_server: ValkeyServer, snapshot: Snapshot
) -> None:
    store = Store(open_link(valkey_server.url, 5.0, PUBLISHED_KEY, lambda greeting: None))
    valkey_server.pause()
    with ThreadPoolExecutor(4) as pool:
        trips = [pool.submit(store.published) for _ in range(4)]
        until(lambda: all(trip.running() for trip in trips))
        valkey_server.resume()
        assert [trip.result() for trip in trips] == [0] * 4
    assert len(valkey_server.client().client_list()) > 2
    valkey_server.kill()
    valkey_server.start()
    with pytest.raises(StoreError):
        store.published()
    assert store.published() == 0


def test_a_late_publication_is_refused(valkey_url: str, snapshot: Snapshot) -> None:
    link = open_link(valkey_url, 5.0, PUBLISHED_KEY, lambda greeting: None)
    store = Store(link)
    link.server_deadline_ms = lambda deadline: 1  # type: ignore[method-assign]
    with pytest.raises(StoreError, match="late"):
        store.publish(snapshot.key)
    assert store.published() == 0


def test_a_request_that_timed_out_is_not_counted_later(
    valkey_server: ValkeyServer, snapshot: Snapshot
) -> None:
    store = Store(open_link(valkey_server.url, 5.0, PUBLISHED_KEY, lambda greeting: None))
    publish(store, snapshot)
    consume(store, snapshot, TIER)
    valkey_server.pause()
    for _ in range(3):
        with pytest.raises(StoreError):
            store.consume(snapshot, (TIER,), NOW, (0,), time.monotonic() + 0.03)
    valkey_server.resume()
    assert consume(store, snapshot, TIER) == Counted((2,), None)


def test_a_refused_greeting_is_a_store_error(valkey_url: str, snapshot: Snapshot) -> None:
    def refuse(greeting: object) -> None:
        raise LinkError("not this one")

    store = Store(open_link(valkey_url, 5.0, PUBLISHED_KEY, refuse))
    with pytest.raises(StoreError, match="not this one"):
        consume(store, snapshot)


@pytest.mark.parametrize("record", [new_key(rate_limit=5, scopes=("crm",), expires_at=1.5)[1]], ids=["full"])
def test_a_record_survives_its_dump(record: KeyRecord) -> None:
    assert KeyRecord.load(record.dump()) == record


def test_scripts_are_shipped_beside_the_module() -> None:
    import gateway

    folder = Path(gateway.__file__).parent
    assert {path.name for path in folder.glob("*.lua")} == {"consume.lua", "publish.lua"}
