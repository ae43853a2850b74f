"""Limits, their windows, the refusal by a full one, and the headers that tell of them.

A limit admits `quota` requests in each window of the clock: windows of 3,600 s begin at the top of
the hour (UTC), windows of 1 s at the second. Three can apply to a request at once, and either all
of them count it or none does:

======== ============================== ======== ================================
scope    counts                         window   counter belongs to
======== ============================== ======== ================================
second   the key's ``rate_limit``       1 s      the lineage
key      the key's ``hourly_limit``     3,600 s  the lineage
tier     the account's tier             3,600 s  the account, shared by its keys
======== ============================== ======== ================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import NamedTuple

from gateway.denial import Denial
from gateway.records import AccountRecord, KeyRecord

SECOND = 1
HOUR = 3600


class Limit(NamedTuple):
    """At most `quota` requests in each window of `window` seconds, counted for `owner`.

    `owner` is the id of a lineage or an account; with `scope` it names the counter.
    """

    scope: str
    quota: int
    window: int
    owner: str

    def window_start(self, now: float) -> int:
        """Return the unix second at which the window that holds `now` began."""
        return int(now // self.window) * self.window


class Usage(NamedTuple):
    """One limit as a request left it: `used` of its quota, in the window that began at `start`."""

    limit: Limit
    start: int
    used: int

    @property
    def remaining(self) -> int:
        """How many more requests this window admits; never negative, also after a limit was lowered."""
        return max(0, self.limit.quota - self.used)

    @property
    def resets_at(self) -> int:
        """The unix second at which the window ends."""
        return self.start + self.limit.window

    def seconds_left(self, now: float) -> int:
        """Return the whole seconds until the window ends, at least 1: what ``Retry-After`` tells."""
        return max(1, ceil(self.resets_at - now))


def limits_for(key: KeyRecord, account: AccountRecord, tier_quotas: Mapping[str, int]) -> tuple[Limit, ...]:
    """Return the limits that apply to a key, in the order in which they refuse.

    `tier_quotas` are those of `tier_limit`.
    """
    limits = []
    if key.rate_limit is not None:
        limits.append(Limit("second", key.rate_limit, SECOND, key.lineage_id))
    if key.hourly_limit is not None:
        limits.append(Limit("key", key.hourly_limit, HOUR, key.lineage_id))
    of_tier = tier_limit(account, tier_quotas)
    if of_tier is not None:
        limits.append(of_tier)
    return tuple(limits)


def tier_limit(account: AccountRecord, tier_quotas: Mapping[str, int]) -> Limit | None:
    """Return the limit that all keys of an account share, None if it has none.

    `tier_quotas` are the hourly figures of the tiers that have a common one. An account of another
    tier (enterprise) has its own number, or none.
    """
    quota = tier_quotas.get(account.tier, account.hourly_limit)
    return None if quota is None else Limit("tier", quota, HOUR, account.account_id)


def limited(usages: Sequence[Usage], now: float) -> Denial:
    """Refuse by the full window that ends last: who waited for an earlier end would be refused again.

    At least one of `usages` has nothing remaining.
    """
    usage = max((usage for usage in usages if not usage.remaining), key=lambda usage: usage.resets_at)
    limit = usage.limit
    return Denial(
        "RATE_LIMITED",
        retry_after=usage.seconds_left(now),
        details={"limit": limit.quota, "window": limit.window, "scope": limit.scope},
    )


def limit_headers(usages: Sequence[Usage], now: float) -> list[tuple[str, str]]:
    """Return the headers that tell a client what it has left.

    ``X-RateLimit-*`` speak of the window with the fewest remaining requests, and among equals of
    the one that resets last. ``RateLimit`` and ``RateLimit-Policy``
    (draft-ietf-httpapi-ratelimit-headers) speak of each, as lists of RFC 9651 items.
    """
    if not usages:
        return []
    tightest = min(usages, key=lambda usage: (usage.remaining, -usage.resets_at))
    return [
        ("X-RateLimit-Limit", str(tightest.limit.quota)),
        ("X-RateLimit-Remaining", str(tightest.remaining)),
        ("X-RateLimit-Reset", str(tightest.resets_at)),
        ("RateLimit-Policy", ", ".join(_policy_items(usages))),
        ("RateLimit", ", ".join(_usage_items(usages, now))),
    ]


def _policy_items(usages: Iterable[Usage]) -> Iterable[str]:
    return (f'"{u.limit.scope}";q={u.limit.quota};w={u.limit.window}' for u in usages)


def _usage_items(usages: Iterable[Usage], now: float) -> Iterable[str]:
    return (f'"{u.limit.scope}";r={u.remaining};t={u.seconds_left(now)}' for u in usages)
