"""From a host's name to a connection, with a deadline that all of it shares.

What a name leads to is known when it is looked up, and checked then. `may_be_public` refuses beforehand what
can never pass, so that whoever gives a URL hears of it.

A deadline is monotonic, in seconds; TimeoutError says that it is over.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import threading
import time

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_UNICAST = ipaddress.IPv6Network("2000::/3")  # all that IANA gives out to the internet
# Not of the internet, though `is_global` says so.
_PROTOCOLS = ipaddress.IPv4Network("192.0.0.0/24")  # RFC 6890
_RELAYS = ipaddress.IPv4Network("192.88.99.0/24")  # RFC 7526
_DOCUMENTATION = ipaddress.IPv6Network("3fff::/20")  # RFC 9637

_NAME = re.compile(r"(?=.{1,254}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+\.?")
# The system's resolver takes such a name for an IPv4 address: 127.1, 0x7f.1, 0177.0.0.1.
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
# RFC 6761, RFC 6762 with its appendix G, RFC 8375, and what ICANN has set aside for private networks.
_PRIVATE_ENDS = tuple(
    f".{name}"
    for name in ("localhost", "local", "corp", "home", "intranet", "lan", "private", "home.arpa", "internal")
)


def seconds_left(deadline: float) -> float:
    """Return the time until the deadline, which is more than nothing. Raises TimeoutError."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def look_up(host: str, port: int, seconds: float) -> list[str]:
    """Return the addresses of a host; none if there is no such name. Raises TimeoutError."""
    found: list[str] = []

    def ask() -> None:
        try:
            found.extend(str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            return

    # The system's resolver takes no time limit; a thread that is late is left behind, and ends by itself.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError
    return found


def connect(addresses: list[str], port: int, deadline: float) -> socket.socket:
    """Return a connection to the first of the addresses that takes one. Raises OSError."""
    for place, address in enumerate(addresses):
        # So that an address that swallows everything leaves time for the next.
        share = seconds_left(deadline) / (len(addresses) - place)
        with contextlib.suppress(OSError):
            return socket.create_connection((address, port), share)
    seconds_left(deadline)
    raise ConnectionError


def may_be_public(host: str) -> bool:
    """Tell whether a host may be one of the internet, as far as its name tells; an address tells all."""
    name = host.lower()
    with contextlib.suppress(ValueError):
        return is_public(name.removesuffix("."))
    bare = name.removesuffix(".")
    if not _NAME.fullmatch(name) or _ENDS_IN_NUMBER.fullmatch(bare):
        return False
    return not f".{bare}".endswith(_PRIVATE_ENDS)


def is_public(text: str) -> bool:
    """Tell whether an address is one of the internet, and not of this machine or a private network.

    An IPv6 address that leads to IPv4 ones is judged by those.
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return _is_public_v4(address)
    within = _within(address)
    if within:
        return all(map(_is_public_v4, within))
    return address.is_global and address in _UNICAST and address not in _DOCUMENTATION


def _is_public_v4(address: ipaddress.IPv4Address) -> bool:
    return address.is_global and not (address.is_multicast or address in _PROTOCOLS or address in _RELAYS)


def _within(address: ipaddress.IPv6Address) -> tuple[ipaddress.IPv4Address, ...]:
    """Return the IPv4 addresses that an IPv6 address leads to, or by way of: Teredo has two."""
    if address in _NAT64:
        return (ipaddress.IPv4Address(address.packed[-4:]),)
    one = address.ipv4_mapped or address.sixtofour
    return (one,) if one is not None else address.teredo or ()
