"""From a host's name to a connection, with a deadline that all of it shares.

A deadline is monotonic, in seconds; TimeoutError says that it is over.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
import time

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052


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


def is_public(text: str) -> bool:
    """Tell whether an address is one of the internet, and not of this machine or a private network."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        address = _within(address) or address
    return address.is_global and not address.is_multicast


def _within(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to, if it does."""
    translated = ipaddress.IPv4Address(address.packed[-4:]) if address in _NAT64 else None
    return address.ipv4_mapped or address.sixtofour or translated
