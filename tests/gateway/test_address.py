"""Who the client is, and whether it is in a list."""

from __future__ import annotations

import pytest

from gateway import address
from gateway.address import Networks, client_address, parse_address, parse_network

PROXIES = Networks(["10.0.0.0/8", "2001:db8:1::/48"])


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1, 10.0.0.2,10.0.0.3", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "198.51.100.1, nonsense, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1,,10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8:9::1]:4711", "2001:db8:9::1"),
        ("10.0.0.1", "2001:db8:9::1", "2001:db8:9::1"),
        ("::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("2001:db8:1::7", "198.51.100.1", "198.51.100.1"),
        ("::1", "198.51.100.1", "::1"),
        ("", "198.51.100.1", ""),
        ("10.0.0.1", ", ".join(["198.51.100.1"] + ["10.0.0.2"] * 100), "10.0.0.2"),
    ],
)
def test_the_client_is_the_right_most_hop_that_is_not_trusted(
    peer: str, forwarded_for: str, client: str
) -> None:
    assert client_address(peer, forwarded_for, PROXIES) == client


def test_nobody_is_trusted_without_a_setting() -> None:
    assert client_address("127.0.0.1", "198.51.100.1", Networks(())) == "127.0.0.1"


@pytest.mark.parametrize(
    ("networks", "address", "inside"),
    [
        (["10.0.0.0/8"], "10.255.255.255", True),
        (["10.0.0.0/8"], "11.0.0.0", False),
        (["10.0.0.0/8"], "::ffff:10.1.2.3", True),
        (["::ffff:10.0.0.0/104"], "10.1.2.3", True),
        (["2001:db8::/32"], "2001:db8:ffff::1", True),
        (["2001:db8::/32"], "2001:db9::1", False),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["::/0"], "10.0.0.1", False),
        (["192.0.2.7"], "192.0.2.7", True),
        (["192.0.2.7"], "192.0.2.8", False),
        (["10.0.0.0/9", "10.128.0.0/9"], "10.200.0.1", True),
        (["10.0.0.0/8", "10.1.0.0/16"], "10.200.0.1", True),
        ([], "10.0.0.1", False),
        (["fe80::1"], "fe80::1%eth0", True),
    ],
)
def test_membership(networks: list[str], address: str, inside: bool) -> None:
    parsed = parse_address(address)
    assert parsed is not None
    assert (parsed in Networks(networks)) is inside


def test_a_thousand_networks_are_all_found() -> None:
    listed = [f"10.{n // 256}.{n % 256}.0/24" for n in range(0, 2000, 2)]
    networks = Networks(reversed(listed))
    for number in range(2000):
        address = parse_address(f"10.{number // 256}.{number % 256}.200")
        assert address is not None
        assert (address in networks) is (number % 2 == 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10",
        "10.0.0.256",
        "10.0.0.0/33",
        "a::b::c",
        "10.0.0.1 ",
        "10.0.0.1/0.0.0.0",
        "1.2.3.4/0.0.0.255",
        "10.0.0.0/",
        "10.0.0.0/8/8",
        "10.0.0.0/08",
        "０.0.0.0",
    ],
)
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_network(text)


def test_a_text_that_is_too_long_for_an_address_is_not_remembered() -> None:
    before = address._parsed.cache_info().currsize
    assert all(parse_address("9" * 1_000_000 + str(number)) is None for number in range(3))
    assert address._parsed.cache_info().currsize == before
