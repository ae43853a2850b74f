"""What is gathered in memory: sums, and no more of anything than its bound."""

from __future__ import annotations

from app.usage.clients import OTHER
from app.usage.tally import (
    ACTION,
    MOST_NETWORKS,
    MOST_SPLITS,
    MOST_WRONG,
    NETWORK,
    REFUSAL,
    STATUS,
    TOOL,
    Gathered,
    Tally,
)

HOUR = 1_700_002_800_000
NET = "192.0.2.0/24"


def count(tally: Tally, key_id: str = "a", hour: int = HOUR, network: str = NET, **names: str) -> None:
    named = {"tool": "curl", "action": "GET /v1/me", "status": "2xx", **names}
    tally.count(key_id, hour, network=network, **named)


def networks(gathered: Gathered, key_id: str) -> dict[str, int]:
    return {split[3]: n for split, n in gathered.splits.items() if split[0] == key_id and split[2] == NETWORK}


def test_requests_are_summed_by_key_hour_kind_and_name() -> None:
    tally = Tally()
    count(tally)
    count(tally, status="4xx")
    count(tally, tool="Go")
    count(tally, "b")
    count(tally, hour=HOUR + 3_600_000)
    tally.count_refusal("a", HOUR, "NOT_FOUND")

    of_one = {TOOL: "curl", ACTION: "GET /v1/me", STATUS: "2xx", NETWORK: NET}.items()
    assert tally.take().splits == {
        ("a", HOUR, TOOL, "curl"): 2,
        ("a", HOUR, TOOL, "Go"): 1,
        ("a", HOUR, ACTION, "GET /v1/me"): 3,
        ("a", HOUR, STATUS, "2xx"): 2,
        ("a", HOUR, STATUS, "4xx"): 1,
        ("a", HOUR, NETWORK, NET): 3,
        ("a", HOUR, REFUSAL, "NOT_FOUND"): 1,
        **{("b", HOUR, kind, name): 1 for kind, name in of_one},
        **{("a", HOUR + 3_600_000, kind, name): 1 for kind, name in of_one},
    }
    assert tally.take().is_empty


def test_networks_beyond_the_bound_are_other_for_each_key_by_itself() -> None:
    tally = Tally()
    for number in range(2 * MOST_NETWORKS):
        count(tally, network=f"10.0.{number}.0/24")
    count(tally, network="10.0.1.0/24")
    count(tally, "b")
    gathered = tally.take()

    assert len(networks(gathered, "a")) == MOST_NETWORKS + 1
    assert networks(gathered, "a")["10.0.1.0/24"] == 2
    assert networks(gathered, "a")[OTHER] == MOST_NETWORKS
    assert networks(gathered, "b") == {NET: 1}


def test_with_too_many_of_all_only_those_that_are_there_go_on() -> None:
    tally = Tally()
    for number in range(MOST_SPLITS + 500):
        count(tally, f"key-{number}")
        tally.count_refusal(f"key-{number}", HOUR, "RATE_LIMITED")
    count(tally, "key-0")
    gathered = tally.take()
    assert len(gathered.splits) == MOST_SPLITS
    tally.count_refusal("key-0", HOUR, "RATE_LIMITED")
    tally.count_refusal("another", HOUR, "RATE_LIMITED")
    gathered.add(tally.take())

    assert len(gathered.splits) == MOST_SPLITS
    assert gathered.splits["key-0", HOUR, REFUSAL, "RATE_LIMITED"] == 2


def test_wrong_keys_and_where_they_come_from_are_bounded() -> None:
    tally = Tally()
    for number in range(MOST_WRONG + 500):
        tally.count_wrong(f"vxk_{number:06x}", f"192.0.2.{number}", HOUR, "INVALID_API_KEY")
    tally.count_wrong("vxk_000000", "192.0.2.0", HOUR, "INVALID_API_KEY")
    tally.count_wrong(None, "192.0.2.0", HOUR, "INVALID_API_KEY")
    gathered = tally.take()

    assert len(gathered.wrong_keys) == len(gathered.wrong_from) == MOST_WRONG
    assert gathered.wrong_keys["vxk_000000", HOUR, "INVALID_API_KEY"] == 2
    assert gathered.wrong_from["192.0.2.0", HOUR] == 3


def test_what_could_not_be_written_and_what_came_since_are_added_up_within_the_bounds() -> None:
    tally = Tally()
    for number in range(60):
        count(tally, network=f"10.0.{number}.0/24")
    tally.count_wrong("vxk_000000", "192.0.2.7", HOUR, "INVALID_API_KEY")
    gathered = tally.take()
    for number in range(30, 160):
        count(tally, network=f"10.0.{number}.0/24")
    tally.count_wrong("vxk_000000", "192.0.2.7", HOUR, "INVALID_API_KEY")
    gathered.add(tally.take())

    assert gathered.splits["a", HOUR, TOOL, "curl"] == 190
    assert (len(networks(gathered, "a")), networks(gathered, "a")[OTHER]) == (MOST_NETWORKS + 1, 60)
    assert gathered.wrong_keys == {("vxk_000000", HOUR, "INVALID_API_KEY"): 2}
    assert gathered.wrong_from == {("192.0.2.7", HOUR): 2}
