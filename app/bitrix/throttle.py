"""How often a portal is called: what Bitrix24 allows, shared by all workers and hosts.

Bitrix24 counts the requests to each portal in a leaky bucket: 50 fit in, 2 a second leak out, one that finds
it full is refused (https://apidocs.bitrix24.com/limits.html). Here is the same bucket, in Redis, by that
server's clock. A caller who finds it full is told how long to wait, and has its place then already.

Each worker also remembers how full it saw a bucket, and Redis never goes on from less. Without Redis a worker
counts alone, with its share of both numbers. What others have called since Redis was heard last it can't
know, so it takes every bucket for one that was full then.
"""

from __future__ import annotations

import threading
import time
from math import ceil, inf
from pathlib import Path

import redis

from app.bitrix.failures import rate_limited
from gateway.redis_link import Link, LinkError, Script

CALLS_A_SECOND = 2
CALLS_AT_ONCE = 49
"""One fewer than Bitrix24 admits, for not every request is equally long on its way."""
LONGEST_WAIT = 3.0
"""Seconds that a caller waits for its turn, all its attempts together."""

_ONE = 1 / CALLS_A_SECOND
_ROOM = CALLS_AT_ONCE * _ONE
_BUCKETS_REMEMBERED = 1_000


class Throttle:
    """The buckets of all portals, as one worker sees them."""

    def __init__(self, link: Link | None, *, redis_timeout: float, workers: int) -> None:
        """`redis_timeout` bounds one trip, in seconds; `workers` share a portal when Redis is away."""
        self._link = link
        self._script = Script(Path(__file__).with_name("throttle.lua"))
        self._redis_timeout = redis_timeout
        self._own_one = _ONE * workers
        self._own_room = max(1, CALLS_AT_ONCE // workers) * self._own_one
        self._lock = threading.Lock()
        self._empty_at: dict[str, float] = {}  # by portal; monotonic
        # Of what was called before now nothing is known, unless there is nobody to share with.
        self._heard_at = time.monotonic() if link is not None else -inf

    def take(self, portal_id: str, patience: float, *, full: bool = False) -> float:
        """Take a place for one call; return the seconds after which it may be made.

        `patience` is how long the caller can wait; `full`: the portal itself has just refused a call.
        Raises `ApiError` RATE_LIMITED.
        """
        now = time.monotonic()
        known = _ROOM if full else max(0.0, self._empty_at.get(portal_id, 0.0) - now)
        try:
            taken, wait, ahead = self._take_shared(portal_id, patience, known)
            self._heard_at = now
        except (LinkError, redis.RedisError):
            taken, wait, ahead = self._take_own(portal_id, patience, known)
        # Counted from before the trip: what it takes must not be added to the bucket each time.
        self._remember(portal_id, now + ahead)
        if not taken:
            raise rate_limited(max(1, ceil(wait)))
        return wait

    def _take_shared(self, portal_id: str, patience: float, known: float) -> tuple[bool, float, float]:
        if self._link is None:
            raise LinkError("there is no Redis")
        numbers = [int(seconds * 1000) for seconds in (_ONE, _ROOM, patience, LONGEST_WAIT, known)]
        deadline = time.monotonic() + self._redis_timeout
        reply = self._script.run(self._link, 1, [f"vk:t:{portal_id}", *numbers], deadline)
        taken, wait, ahead = map(int, reply)
        return bool(taken), wait / 1000, ahead / 1000

    def _take_own(self, portal_id: str, patience: float, known: float) -> tuple[bool, float, float]:
        with self._lock:
            now = time.monotonic()
            ahead = max(known, self._empty_at.get(portal_id, 0.0) - now, self._heard_at + _ROOM - now)
            wait = max(0.0, ahead + self._own_one - self._own_room)
            if wait > patience:
                return False, wait, ahead
            self._empty_at[portal_id] = now + ahead + self._own_one
            return True, wait, ahead + self._own_one

    def _remember(self, portal_id: str, empty_at: float) -> None:
        with self._lock:
            self._empty_at[portal_id] = max(self._empty_at.get(portal_id, 0.0), empty_at)
            if len(self._empty_at) > _BUCKETS_REMEMBERED:
                now = time.monotonic()
                self._empty_at = {name: at for name, at in self._empty_at.items() if at > now}
