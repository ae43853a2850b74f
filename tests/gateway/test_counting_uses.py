"""What counts as a use: each request that is let in, once, whoever has counted it against its limits."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from gateway.authorize import Refused
from gateway.keys import mint
from tests.conftest import ValkeyServer
from tests.gateway.records import new_key
from tests.gateway.rig import MakeRig, Rig, known


def uses(rig: Rig) -> dict[str, int]:
    """Requests by key, as any worker of the host sees them."""
    counts = Counter[str]()
    for use in rig.workers[-1].usage_table.unstored(rig.clock()):
        counts[use.key_id] += use.requests
    return dict(counts)


def test_each_admitted_request_is_a_use_of_its_key_over_all_workers(rig: Rig) -> None:
    one, two = rig.workers[0], rig.worker()
    first, first_record = known(rig, lineage_id="l")
    second, second_record = known(rig, lineage_id="l")
    for worker, raw_key in ((one, first), (two, first), (two, second)):
        assert worker.code(raw_key) == "allowed"

    assert uses(rig) == {first_record.key_id: 2, second_record.key_id: 1}
    assert {use.lineage_id for use in one.usage_table.unstored(rig.clock())} == {"l"}


def test_the_last_use_has_the_time_and_address_of_the_request(rig: Rig) -> None:
    raw_key, _ = known(rig)
    for address in ("192.0.2.1", "2001:db8::1"):
        rig.clock.now += 0.5
        rig.workers[0].ask(raw_key, address)

    (use,) = rig.workers[0].usage_table.unstored(rig.clock())
    assert (use.last_at, use.address) == (int(rig.clock.now * 1000), "2001:db8::1")


def test_a_refused_request_is_no_use(rig: Rig) -> None:
    worker = rig.workers[0]
    limited, record = known(rig, hourly_limit=1)
    refused = [
        known(rig, revoked=True)[0],
        known(rig, ip_whitelist=("198.51.100.0/24",))[0],
        mint("api"),
        "x",
    ]
    for raw_key in (limited, limited, *refused):
        worker.ask(raw_key)

    assert uses(rig) == {record.key_id: 1}


def test_a_request_that_is_decided_again_is_one_use(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = rig.workers[0]
    table, consume = worker.host_table, worker.store.consume
    raw_key, record = known(rig)
    asked = 0

    def consume_in_an_epoch_that_ends(*arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        answer = consume(*arguments)
        if asked < 3:
            table.disbelieve()
            table.believe(table.epoch())
        return answer

    monkeypatch.setattr(worker.store, "consume", consume_in_an_epoch_that_ends)

    assert worker.code(raw_key) == "allowed"
    assert asked >= 3
    assert uses(rig) == {record.key_id: 1}


@pytest.mark.parametrize(("mode", "counted"), [("local", 2), ("open", 3), ("closed", 0)])
def test_without_redis_what_is_let_in_is_counted(
    make_rig: MakeRig, valkey_server: ValkeyServer, mode: str, counted: int
) -> None:
    rig = make_rig(valkey_server.url, redis_down=mode)
    raw_key, record = known(rig, hourly_limit=2)
    valkey_server.kill()
    for _ in range(3):
        rig.workers[0].ask(raw_key)

    assert uses(rig).get(record.key_id, 0) == counted


@pytest.mark.parametrize("prefix", ["api", "management", "personal"])
def test_of_a_wrong_key_its_public_beginning_is_told_and_no_more(rig: Rig, prefix: str) -> None:
    raw_key = mint(prefix)
    shown = new_key(raw_key)[1].prefix
    for wrong in (raw_key, raw_key[:-1] + "x", raw_key[: len(shown) + 1]):
        decision = rig.workers[0].ask(wrong)
        assert isinstance(decision, Refused)
        assert decision.beginning == shown


@pytest.mark.parametrize(
    ("wrong", "beginning"),
    [
        *((" ", ""), ("x", ""), ("vxk_", "vxk"), ("vxk_12345", "vxk_1234"), ("vxk_123456", "vxk_12345")),
        *(("old_" + "1" * 60, "old_11111111"), ("old_11111111", "old_1111111")),
    ],
)
def test_of_any_other_twelve_characters_are_told_and_never_all_of_it(
    rig: Rig, wrong: str, beginning: str
) -> None:
    decision = rig.workers[0].ask(wrong)
    assert isinstance(decision, Refused)
    assert decision.beginning == beginning
