"""One worker that calls a portal as often as its throttle lets it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from app.bitrix.throttle import LONGEST_WAIT, Throttle
from app.errors import ApiError
from gateway.redis_link import open_link
from tests.faults.crowd import wait


@dataclass(frozen=True)
class Seat:
    """Where a worker finds Redis and what its host shares, and how long it works, in seconds."""

    url: str
    folder: Path
    seconds: float


@dataclass(frozen=True)
class Calls:
    """When calls were made, by the clock that all processes share, and how long the longest wait was."""

    made_at: list[float]
    refused: int
    longest: float


def call_a_portal(seat: Seat, pipe: Connection) -> Calls:
    """Call until the time is over."""
    link = open_link(seat.url, 0.05, "vk:published", lambda greeting: None)
    throttle = Throttle(link, seat.folder, redis_timeout=0.05)
    wait(pipe)
    made_at, refused, longest = [], 0, 0.0
    end = time.monotonic() + seat.seconds
    while (began := time.monotonic()) < end:
        try:
            time.sleep(throttle.take("portal", LONGEST_WAIT))
            made_at.append(time.monotonic())
        except ApiError:
            refused += 1
            time.sleep(0.1)
        longest = max(longest, time.monotonic() - began)
    throttle.close()
    link.close()
    return Calls(made_at, refused, longest)
