"""What a key has left, against what its next request is told."""

from __future__ import annotations

import random

import pytest

from gateway.authorize import Allowed, Refused
from gateway.limits import limits_for
from gateway.quota import Quota, read_quota
from gateway.records import AccountRecord, KeyRecord, Snapshot
from tests.conftest import ValkeyServer
from tests.gateway.rig import MakeRig, Rig, Worker, known


def quota(worker: Worker, record: KeyRecord, rig: Rig) -> Quota:
    snapshot = Snapshot(rig.source.keys[record.digest], rig.source.accounts[record.account_id])
    limits = limits_for(snapshot.key, snapshot.account, rig.policy.tier_quotas)
    return read_quota(
        snapshot.account.account_id, limits, rig.policy, worker.store, worker.host_table, rig.clock.now
    )


def used(found: Quota) -> dict[str, tuple[int, int]]:
    return {usage.limit.scope: (usage.used, usage.remaining) for usage in found.usages}


def test_an_unused_key_has_all_of_its_limits(rig: Rig) -> None:
    _, record = known(rig, rate_limit=5, hourly_limit=70)
    found = quota(rig.workers[0], record, rig)
    assert used(found) == {"second": (0, 5), "key": (0, 70), "tier": (0, 1000)}
    assert (found.mode, found.refusal(rig.clock.now)) == (None, None)


def test_a_key_without_limits_has_nothing_to_tell(rig: Rig) -> None:
    _, record = known(rig, AccountRecord("account-1", 1, tier="enterprise"))
    assert quota(rig.workers[0], record, rig) == Quota((), None)


def test_requests_of_every_worker_are_seen_and_looking_costs_nothing(rig: Rig) -> None:
    raw_key, record = known(rig, rate_limit=4)
    first, second = rig.workers[0], rig.worker()
    for worker in (first, second, second):
        assert worker.code(raw_key) == "allowed"
    for worker in (first, second) * 3:
        assert used(quota(worker, record, rig)) == {"second": (3, 1), "tier": (3, 997)}
    assert first.code(raw_key) == "allowed"
    assert first.code(raw_key) == "RATE_LIMITED"


def test_what_the_host_has_seen_is_never_undercut(make_rig: MakeRig, valkey_server: ValkeyServer) -> None:
    rig = make_rig(valkey_server.url)
    raw_key, record = known(rig, hourly_limit=2)
    worker = rig.workers[0]
    worker.ask(raw_key)
    valkey_server.flush()
    assert used(quota(worker, record, rig))["key"] == (1, 1)


def test_a_lowered_limit_has_nothing_left(rig: Rig) -> None:
    raw_key, record = known(rig, hourly_limit=5)
    worker = rig.workers[0]
    for _ in range(3):
        worker.ask(raw_key)
    rig.source.change_key(record.digest, hourly_limit=2)
    found = quota(worker, record, rig)
    assert used(found)["key"] == (3, 0)
    decision = worker.ask(raw_key)
    assert isinstance(decision, Refused)
    assert found.refusal(rig.clock.now) == decision.denial


@pytest.mark.parametrize("mode", ["local", "open", "closed"])
def test_while_redis_is_away_the_host_tells(
    make_rig: MakeRig, valkey_server: ValkeyServer, mode: str
) -> None:
    rig = make_rig(valkey_server.url, redis_down=mode)
    raw_key, record = known(rig, hourly_limit=2)
    worker = rig.workers[0]
    worker.ask(raw_key)
    valkey_server.kill()
    # First by a trip that fails, then by the word in the host table.
    for _ in range(3):
        found = quota(worker, record, rig)
        assert found.mode == mode
        decision = worker.ask(raw_key)
        refusal = found.refusal(rig.clock.now)
        assert refusal == (decision.denial if isinstance(decision, Refused) else None)
    assert used(found)["key"] == {"local": (2, 0), "open": (3, 0), "closed": (1, 1)}[mode]


def test_looking_does_not_decide_that_redis_is_away(make_rig: MakeRig, valkey_server: ValkeyServer) -> None:
    rig = make_rig(valkey_server.url)
    _, record = known(rig)
    worker = rig.workers[0]
    valkey_server.kill()
    assert quota(worker, record, rig).mode == "local"
    assert worker.trust.believed()


def test_what_is_told_is_what_the_next_request_gets(rig: Rig) -> None:
    chance = random.Random(8)
    held = [
        known(
            rig,
            AccountRecord(
                f"account-{number}", 1, tier="enterprise", hourly_limit=chance.choice([3, 9, None])
            ),
            account_id=f"account-{number}",
            rate_limit=chance.choice([1, 2, None]),
            hourly_limit=chance.choice([2, 5, None]),
        )
        for number in range(4)
    ]
    workers = [rig.workers[0], rig.worker()]
    refused = 0
    for _ in range(200):
        raw_key, record = chance.choice(held)
        found = quota(chance.choice(workers), record, rig)
        decision = chance.choice(workers).ask(raw_key)
        if isinstance(decision, Allowed):
            assert found.refusal(rig.clock.now) is None
            assert [usage.used for usage in decision.usages] == [usage.used + 1 for usage in found.usages]
        else:
            refused += 1
            assert found.refusal(rig.clock.now) == decision.denial
            assert found.usages == decision.usages
        rig.clock.now += chance.choice([0, 0, 0.3, 700])
    assert 20 < refused < 180


def test_a_rotated_key_has_what_its_lineage_has(rig: Rig) -> None:
    raw_key, record = known(rig, hourly_limit=5)
    rig.workers[0].ask(raw_key)
    _, successor = known(rig, lineage_id=record.lineage_id, hourly_limit=5)
    assert used(quota(rig.workers[0], successor, rig))["key"] == (1, 4)
