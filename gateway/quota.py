"""How much of their limits a key or an account has left just now: looked at, never counted.

The same records, counters, floors and mode as those by which the next request is decided, so that what is
told here is what that request would get.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.authorize import Policy
from gateway.denial import UNAVAILABLE, Denial
from gateway.host_table import HostTable
from gateway.limits import Limit, Usage, limited
from gateway.redis_link import Patience
from gateway.store import Store, StoreError


class Quota(NamedTuple):
    """Each of the limits, as it stands. `mode` is None when Redis counts, else what
    ``REDIS_DOWN`` says: ``local``, ``open`` or ``closed``."""

    usages: tuple[Usage, ...]
    mode: str | None

    def refusal(self, now: float) -> Denial | None:
        """Return what the next request is refused with at check 8; None if there is room for it."""
        if self.mode == "closed":
            return UNAVAILABLE
        is_full = any(not usage.remaining for usage in self.usages)
        return limited(self.usages, now) if is_full and self.mode != "open" else None


def read_quota(
    account_id: str, limits: Sequence[Limit], policy: Policy, store: Store, host_table: HostTable, now: float
) -> Quota:
    """Return what is left of `limits`, of an account or of one of its keys, at `now` (unix seconds).

    A Redis that does not answer in time is left to the next request to be judged: until then the host's own
    counts are told, as that request will be decided by them.
    """
    standing = host_table.standing(limits, now)
    counts, mode = standing.floors, policy.redis_down if not standing.believed else None
    if standing.believed:
        try:
            with Patience(policy.redis_timeout) as deadline:
                told = store.used(account_id, limits, now, deadline)
            counts = tuple(map(max, told, standing.floors))
        except StoreError:
            mode = policy.redis_down
    usages = (
        Usage(limit, limit.window_start(now), count) for limit, count in zip(limits, counts, strict=True)
    )
    return Quota(tuple(usages), mode)
