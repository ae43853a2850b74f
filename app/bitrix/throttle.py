"""How often a portal is called: what Bitrix24 allows, shared by all workers and hosts.

Bitrix24 counts the requests to each portal in a leaky bucket: 50 fit in, 2 a second leak out, one that finds
it full is refused (https://apidocs.bitrix24.com/limits.html). Here is the same bucket, in Redis, by that
server's clock. A caller who finds it full is told how long to wait, and has its place then already.

The workers of a host also remember together how full they saw a bucket. From no less does Redis go on, if it
was emptied or is back from an old file; and from there they count while it is away, each host for itself.
"""

from __future__ import annotations

import threading
import time
from math import ceil
from pathlib import Path

import redis

from app.bitrix.failures import rate_limited
from app.bitrix.host_buckets import HostBuckets, Turn
from gateway.redis_link import Link, LinkError, Patience, Script

CALLS_A_SECOND = 2
CALLS_AT_ONCE = 49
"""One fewer than Bitrix24 admits, for not every request is equally long on its way."""
LONGEST_WAIT = 3.0
"""Seconds that a caller waits for its turn, all its attempts together."""

_ONE = 1 / CALLS_A_SECOND
_ROOM = CALLS_AT_ONCE * _ONE
_SCRIPT = Path(__file__).with_name("throttle.lua")


class _Request(threading.local):
    """The request that a thread answers: what it has left for Redis."""

    patience: Patience | None = None


class Throttle:
    """The buckets of all portals, as one worker sees them."""

    def __init__(self, link: Link | None, folder: Path | None, *, redis_timeout: float) -> None:
        """`folder` holds what the workers of this host share; None, like no `link`: nobody shares.

        `redis_timeout` bounds all trips of one request together, in seconds; one that belongs to none is for
        itself. Raises OSError when the folder can't be written.
        """
        self._link = link
        self._script = Script(_SCRIPT)
        self._redis_timeout = redis_timeout
        self._request = _Request()
        self._host = HostBuckets(folder, longest=_ROOM + LONGEST_WAIT + _ONE)

    def begin_request(self) -> None:
        """Tell that this thread now answers another request, which has its whole time for Redis."""
        self._request.patience = Patience(self._redis_timeout)

    def take(self, portal_id: str, patience: float, *, full: bool = False) -> float:
        """Take a place for one call; return the seconds after which it may be made.

        `patience` is how long the caller can wait; `full`: the portal itself has just refused a call.
        Raises `ApiError` RATE_LIMITED.
        """
        least = _ROOM if full else 0.0
        try:
            turn = self._take_shared(portal_id, patience, least)
        except (LinkError, redis.RedisError):
            turn = self._host.take(portal_id, _ONE, _ROOM, patience, least)
        if not turn.taken:
            raise rate_limited(max(1, ceil(turn.wait)))
        return turn.wait

    def close(self) -> None:
        """Let go of what this host's workers share."""
        self._host.close()

    def _take_shared(self, portal_id: str, patience: float, least: float) -> Turn:
        if self._link is None:
            raise LinkError("there is no Redis")
        known = max(self._host.ahead(portal_id), least)
        numbers = [int(1000 * number) for number in (_ONE, _ROOM, patience, LONGEST_WAIT, known)]
        # Counted from before the trip: what that takes must not be added to the bucket each time.
        now = time.monotonic()
        with self._request.patience or Patience(self._redis_timeout) as deadline:
            reply = self._script.run(self._link, 1, [f"vk:t:{portal_id}", *numbers], deadline)
        taken, wait, ahead = map(int, reply)
        self._host.note(portal_id, ahead / 1000, now)
        return Turn(bool(taken), wait / 1000)
