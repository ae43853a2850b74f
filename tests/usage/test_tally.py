"""What is gathered in memory: sums, and no more of anything than its bound."""

from __future__ import annotations

from app.usage.clients import OTHER
from app.usage.tally import (
    MOST_NETWORKS,
    MOST_SPLITS,
    MOST_WRONG,
    NETWORK,
    STATUS,
    TOOL,
    Gathered,
    Tally,
)

HOUR = 1_700_002_800_000


def networks(gathered: Gathered, key_id: str) -> dict[str, int]:
    return {split[3]: n for split, n in gathered.splits.items() if split[0] == key_id and split[2] == NETWORK}


def test_requests_are_summed_by_key_hour_kind_and_name() -> None:
    tally = Tally()
    for key_id, hour in (("a", HOUR), ("a", HOUR), ("b", HOUR), ("a", HOUR + 3_600_000)):
        tally.count(key_id, hour, ((TOOL, "curl"), (STATUS, "2xx")))

    assert tally.take().splits == {
        ("a", HOUR, TOOL, "curl"): 2,
        ("a", HOUR, STATUS, "2xx"): 2,
        ("b", HOUR, TOOL, "curl"): 1,
        ("b", HOUR, STATUS, "2xx"): 1,
        ("a", HOUR + 3_600_000, TOOL, "curl"): 1,
        ("a", HOUR + 3_600_000, STATUS, "2xx"): 1,
    }
    assert tally.take().is_empty


def test_networks_beyond_the_bound_are_other_for_each_key_by_itself() -> None:
    tally = Tally()
    for number in range(2 * MOST_NETWORKS):
        tally.count("a", HOUR, ((NETWORK, f"10.0.{number}.0/24"),))
    tally.count("a", HOUR, ((NETWORK, "10.0.1.0/24"),))
    tally.count("b", HOUR, ((NETWORK, "192.0.2.0/24"),))
    gathered = tally.take()

    assert len(networks(gathered, "a")) == MOST_NETWORKS + 1
    assert networks(gathered, "a")["10.0.1.0/24"] == 2
    assert networks(gathered, "a")[OTHER] == MOST_NETWORKS
    assert networks(gathered, "b") == {"192.0.2.0/24": 1}


def test_with_too_many_of_all_only_those_that_are_there_go_on() -> None:
    tally = Tally()
    for number in range(MOST_SPLITS + 500):
        tally.count(f"key-{number}", HOUR, ((TOOL, "curl"),))
    tally.count("key-0", HOUR, ((TOOL, "curl"), (NETWORK, "192.0.2.0/24")))
    gathered = tally.take()

    assert len(gathered.splits) == MOST_SPLITS
    assert gathered.splits["key-0", HOUR, TOOL, "curl"] == 2
    assert gathered.networks == {}


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


def test_what_is_put_back_is_added() -> None:
    tally = Tally()
    tally.count("a", HOUR, ((TOOL, "curl"), (NETWORK, "192.0.2.0/24")))
    tally.count_wrong("vxk_000000", "192.0.2.7", HOUR, "INVALID_API_KEY")
    taken = tally.take()
    tally.count("a", HOUR, ((TOOL, "curl"),))
    tally.count_wrong("vxk_000000", "192.0.2.7", HOUR, "INVALID_API_KEY")
    tally.put_back(taken)

    assert tally.take() == Gathered(
        splits={("a", HOUR, TOOL, "curl"): 2, ("a", HOUR, NETWORK, "192.0.2.0/24"): 1},
        wrong_keys={("vxk_000000", HOUR, "INVALID_API_KEY"): 2},
        wrong_from={("192.0.2.7", HOUR): 2},
        networks={("a", HOUR): 1},
    )
