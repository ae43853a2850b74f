"""A portal's incoming webhook: does it answer?

The URL is the portal administrator's word for where our requests go, so the way there is narrow: the
host's addresses are looked up once, checked, and the connection goes to the one that was checked;
redirects are not followed, proxies of the environment not used; name look-up, connection, TLS and
answer share one time limit; no more than 1 MiB is read. The URL holds the portal's secret and is never
part of a message: refusals name the host.

httpcore is the transport of httpx, used here without httpx because only there can the address be
pinned and each read be given the time that is left. A limit on single reads, which is all that httpx
knows, lets a server that sends a byte a second hold a thread for ever.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import threading
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import httpcore2

from app.errors import ApiError

TIME_LIMIT = 3.0
"""Seconds for the whole call."""
LARGEST_ANSWER = 1_048_576

_RETRY_AFTER = 1
_METHOD = "profile.json"
_HEADERS = [
    (b"Accept", b"application/json"),
    (b"Accept-Encoding", b"identity"),
    (b"Content-Type", b"application/json"),
]


class Prober:
    """Probes at most so many webhooks at once, so that slow ones do not hold every thread of a worker."""

    def __init__(self, at_once: int) -> None:
        self._places = threading.BoundedSemaphore(at_once)

    def probe(self, webhook_url: str, *, allow_private: bool) -> None:
        """Do what the function `probe` does; BITRIX_UNAVAILABLE, to be repeated, when no place is free."""
        # Whoever waited for a place would hold its thread as well.
        if not self._places.acquire(blocking=False):
            message = "Too many webhooks are being tried at this moment; repeat the request."
            raise ApiError("BITRIX_UNAVAILABLE", message, retry_after=_RETRY_AFTER)
        try:
            probe(webhook_url, allow_private=allow_private)
        finally:
            self._places.release()


def probe(webhook_url: str, *, allow_private: bool = False, time_limit: float = TIME_LIMIT) -> None:
    """Call `profile` on the webhook. Raises `ApiError` BITRIX_UNAVAILABLE unless it answers as Bitrix24 does.

    `allow_private` admits plain http and addresses that are not public: for URLs that were given by the
    command line.
    """
    url = f"{webhook_url.rstrip('/')}/{_METHOD}"
    parts = urlsplit(url)
    if parts.scheme != "https" and not allow_private:
        raise _unavailable(parts.hostname, "its webhook is not https")
    try:
        status, body = _post(url, time.monotonic() + time_limit, allow_private)
    except _Refused as error:
        raise _unavailable(parts.hostname, str(error)) from None
    except (httpcore2.TimeoutException, TimeoutError):
        raise _unavailable(parts.hostname, f"no answer within {time_limit:g} s") from None
    except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError):
        # Not chained: what httpcore says may quote the request.
        raise _unavailable(parts.hostname, "no connection, or not HTTP") from None
    if status != 200 or not _is_profile(body):
        raise _unavailable(parts.hostname, f"not the answer of a webhook (status {status})")


class _Refused(Exception):
    """We do not want to go on; the text says why and holds no secret."""


def _unavailable(host: str | None, why: str) -> ApiError:
    return ApiError("BITRIX_UNAVAILABLE", f"The webhook of {host} cannot be used: {why}.")


def _is_profile(body: bytes) -> bool:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and isinstance(answer.get("result"), dict)


def _post(url: str, deadline: float, allow_private: bool) -> tuple[int, bytes]:
    with (
        httpcore2.ConnectionPool(network_backend=_PinnedNetwork(deadline, allow_private)) as pool,
        pool.stream("POST", url, headers=_HEADERS, content=b"{}") as response,
    ):
        body = bytearray()
        for chunk in response.iter_stream():
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise _Refused("the answer is larger than 1 MiB")
        return response.status, bytes(body)


class _PinnedNetwork(httpcore2.NetworkBackend):
    """Connects to an address that was looked up and checked here, and to nothing else."""

    def __init__(self, deadline: float, allow_private: bool) -> None:
        self._deadline = deadline
        self._allow_private = allow_private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        addresses = _look_up(host, port, _left(self._deadline))
        allowed = [address for address in addresses if self._allow_private or _is_public(address)]
        if not allowed:
            raise _Refused("its host has no public address")
        return _TimedStream(self._first_that_answers(allowed, port), self._deadline)

    def _first_that_answers(self, addresses: list[str], port: int) -> httpcore2.NetworkStream:
        for address in addresses:
            with contextlib.suppress(httpcore2.ConnectError):
                return httpcore2.SyncBackend().connect_tcp(address, port, _left(self._deadline))
        raise httpcore2.ConnectError


class _TimedStream(httpcore2.NetworkStream):
    """A connection on which nothing waits beyond the deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline))
        return _TimedStream(stream, self._deadline)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _look_up(host: str, port: int, seconds: float) -> list[str]:
    found: list[str] = []

    def look_up() -> None:
        try:
            found.extend(str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError:
            return

    # The system's resolver takes no time limit; a thread that is late is left behind, and ends by itself.
    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError
    return found


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_global and not address.is_multicast
