"""Addresses: who the client is behind proxies, and whether an address is in a list of networks.

IPv4 addresses written as IPv6 (``::ffff:10.0.0.1``, as dual-stack sockets report them) count as
the IPv4 addresses that they are, in lists and in requests alike.
"""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# A load balancer adds a hop or two. A longer list is somebody's play, and is not walked to its end.
MAX_HOPS = 32

_LONGEST_ADDRESS = 64
"""The longest form of an IPv6 address has 45 characters, and a scope id may follow."""

_PREFIX_LENGTH = re.compile(r"/(0|[1-9][0-9]{0,2})\Z")


def parse_address(text: str) -> Address | None:
    """Return the address that `text` is; None if it is none. Scope ids (``%eth0``) are no part of it."""
    # What is remembered must not be as long as somebody likes.
    return _parsed(text) if len(text) <= _LONGEST_ADDRESS else None


@lru_cache(maxsize=1024)  # a request's address is asked for more than once, and comes again
def _parsed(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.scope_id is not None:
            return ipaddress.IPv6Address(int(address))
    return address


def parse_network(text: str) -> Network:
    """Return the network of an address or CIDR, host bits cleared.

    Raises ValueError when `text` is neither. A netmask (``10.0.0.1/0.0.0.0``) is not taken for a prefix
    length: a typing error there would open a list to the world.
    """
    if "/" in text and not _PREFIX_LENGTH.search(text):
        raise ValueError(f"{text!r} is no CIDR")
    network = ipaddress.ip_network(text, strict=False)
    if isinstance(network, ipaddress.IPv6Network):
        mapped = network.network_address.ipv4_mapped
        if mapped is not None and network.prefixlen >= 96:
            return ipaddress.IPv4Network((int(mapped), network.prefixlen - 96))
    return network


class Networks:
    """A fixed set of networks, merged into sorted ranges so that a thousand cost no more than ten."""

    def __init__(self, networks: Iterable[str]) -> None:
        """Parse `networks`: addresses or CIDRs. Raises ValueError at the first that is neither."""
        parsed = [parse_network(text) for text in networks]
        self._ranges = {version: _merge(parsed, version) for version in (4, 6)}

    def __contains__(self, address: Address) -> bool:
        starts, ends = self._ranges[address.version]
        place = bisect_right(starts, int(address)) - 1
        return place >= 0 and int(address) <= ends[place]

    def __bool__(self) -> bool:
        return any(starts for starts, _ in self._ranges.values())


def client_address(peer: str, forwarded_for: str, trusted: Networks) -> str:
    """Return the address that a request comes from, as text.

    `peer` is the other end of the socket and `forwarded_for` the joined ``X-Forwarded-For``. Only
    a trusted peer's word is taken, and then the right-most hop that is not itself trusted: each
    proxy appends the peer it saw, so what stands further left was written by the client. A
    malformed hop ends the walk at the last good one. A peer that is no address (a unix socket) is
    returned as it is.
    """
    address = parse_address(peer)
    if address is None:
        return peer
    if forwarded_for and trusted:
        for hop in reversed(forwarded_for.rsplit(",", MAX_HOPS)):
            if address not in trusted:
                break
            parsed = _parse_hop(hop)
            if parsed is None:
                break
            address = parsed
    return str(address)


def _parse_hop(hop: str) -> Address | None:
    """Parse one hop, which some proxies write with a port: ``10.0.0.1:4711``, ``[2001:db8::1]:4711``."""
    text = hop.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return parse_address(text)


def _merge(networks: list[Network], version: int) -> tuple[list[int], list[int]]:
    of_version = [network for network in networks if network.version == version]
    starts: list[int] = []
    ends: list[int] = []
    for network in sorted(of_version, key=lambda network: int(network.network_address)):
        first, last = int(network.network_address), int(network.broadcast_address)
        if ends and first <= ends[-1] + 1:
            ends[-1] = max(ends[-1], last)
        else:
            starts.append(first)
            ends.append(last)
    return starts, ends
