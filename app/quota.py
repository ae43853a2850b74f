"""What a key or an account has left of its limits just now, for people to see; looking costs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.errors import DATABASE_RETRY_AFTER, ApiError
from app.models import Account
from app.records import read_holder
from app.services import Services
from gateway.denial import Denial
from gateway.limits import Limit, Usage, limits_for, tier_limit
from gateway.quota import read_quota
from gateway.records import AccountRecord, Snapshot
from gateway.source import SourceError

UNKNOWN = "unknown"
"""The mode while no service runs: nobody can tell what is used of a limit."""


@dataclass(frozen=True, slots=True)
class Window:
    """One limit as it stands, of a window of `window` seconds that ends at `resets_at` (unix milliseconds).

    `used` and `remaining` are None where nobody can tell.
    """

    scope: str
    limit: int
    window: int
    used: int | None
    remaining: int | None
    resets_at: int


@dataclass(frozen=True, slots=True)
class Quota:
    """Each limit that applies. `mode` is None when Redis counts, else what REDIS_DOWN says, or
    UNKNOWN; `refusal` is what the next request would get for want of room."""

    windows: tuple[Window, ...]
    mode: str | None
    refusal: Denial | None


def quota_now(services: Services, key_id: str) -> Quota:
    """Return what the key with this id has left. Raises what `holder_of` does."""
    return quota_of(services, holder_of(services, key_id), services.clock())


def holder_of(services: Services, key_id: str) -> Snapshot:
    """Return the records by which a key is judged.

    Raises `ApiError` ENTITY_NOT_FOUND and DATABASE_UNAVAILABLE.
    """
    try:
        holder = read_holder(services.db, key_id)
    except SourceError as error:
        raise ApiError("DATABASE_UNAVAILABLE", retry_after=DATABASE_RETRY_AFTER) from error
    if holder is None:
        raise ApiError("ENTITY_NOT_FOUND")
    return holder


def quota_of(services: Services, holder: Snapshot, now: float) -> Quota:
    """Return what a key has left at `now` (unix seconds)."""
    limits = limits_for(holder.key, holder.account, services.policy.tier_quotas)
    return _quota(services, holder.account.account_id, limits, now)


def quota_of_account(services: Services, account: Account) -> Quota:
    """Return what all keys of an account together have left of its tier's limit."""
    limit = hourly_limit_of(services, account)
    return _quota(services, account.id, () if limit is None else (limit,), services.clock())


def hourly_limit_of(services: Services, account: Account) -> Limit | None:
    """Return the limit of an account's tier, None if it has none."""
    record = AccountRecord(account.id, account.revision, tier=account.tier, hourly_limit=account.hourly_limit)
    return tier_limit(record, services.policy.tier_quotas)


def _quota(services: Services, account_id: str, limits: Sequence[Limit], now: float) -> Quota:
    if services.store is None or services.host_table is None:
        return Quota(tuple(_uncounted(limit, now) for limit in limits), UNKNOWN, None)
    found = read_quota(account_id, limits, services.policy, services.store, services.host_table, now)
    return Quota(tuple(map(_counted, found.usages)), found.mode, found.refusal(now))


def _counted(usage: Usage) -> Window:
    limit = usage.limit
    return Window(limit.scope, limit.quota, limit.window, usage.used, usage.remaining, usage.resets_at * 1000)


def _uncounted(limit: Limit, now: float) -> Window:
    ends = limit.window_start(now) + limit.window
    return Window(limit.scope, limit.quota, limit.window, None, None, ends * 1000)
