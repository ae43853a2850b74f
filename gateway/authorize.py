"""The decision about one request: judge purely, and let it stand only if Redis confirms.

A verdict is made on a snapshot of the key's and the account's records, by pure checks. It stands
only if Redis, in the same trip that counts the request, confirms that both records are current. If
one has changed, Redis returns it and the request is judged again: so a change is in force in the
next request of every worker, and nothing waits for a cache to expire. A refusal is confirmed like
an admission, for a key that was re-activated a moment ago.

When Redis can't be asked, the source is asked for the records, and the limits are counted in the
host table (``local``), not enforced (``open``), or nobody is admitted (``closed``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import NamedTuple

from gateway.address import Networks, parse_address
from gateway.address_failures import MINUTE, network_of
from gateway.checks import ended_by_time, first_denial
from gateway.denial import UNAVAILABLE, Denial
from gateway.host_table import HostTable
from gateway.keys import beginning_of, key_type_of, prefix_of
from gateway.keys import digest as digest_of
from gateway.limits import Limit, Usage, limited, limits_for
from gateway.records import Snapshot
from gateway.redis_link import Patience
from gateway.request import hint_about_form, hint_about_unknown, may_be_of_other_form
from gateway.snapshots import SnapshotCache
from gateway.source import LegacyForms, Source, SourceError
from gateway.store import Absent, Changed, Counted, Store, StoreError
from gateway.trust import Trust
from gateway.usage_table import UsageTable

_log = logging.getLogger(__name__)

# Each round ends the request unless something changed under it. More changes than this in a few
# milliseconds is more than Redis can be asked about; the source is, once.
_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator's settings say to the gateway.

    `tier_quotas`: requests an hour by tier, for tiers with a common figure. `redis_down`:
    ``local``, ``open`` or ``closed``. `redis_timeout`: seconds for all trips of one request.
    `auth_failures_per_minute`: 0 turns that limit off.
    """

    tier_quotas: Mapping[str, int] = field(default_factory=lambda: {"free": 1000, "pro": 10_000})
    redis_down: str = "local"
    redis_timeout: float = 0.05
    auth_failures_per_minute: int = 300
    trusted_proxies: Networks = field(default_factory=lambda: Networks(()))


@dataclass(frozen=True, slots=True)
class Allowed:
    """The request may pass. `usages` has each limit that applies, this request included; `mode` is
    None when Redis counted. `raw_key` is for sealing an answer to its caller, and for nothing else."""

    snapshot: Snapshot
    address: str
    usages: tuple[Usage, ...]
    mode: str | None
    raw_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """The request may not pass. `snapshot` is the key that it carried, if that is known; of a wrong one
    `beginning` is what it can be held against known keys by. `raw_key` is there if time alone has ended the
    key: for opening an answer that was sealed to its caller, and for nothing else."""

    denial: Denial
    snapshot: Snapshot | None = None
    usages: tuple[Usage, ...] = ()
    mode: str | None = None
    beginning: str = field(default="", repr=False)
    raw_key: str | None = field(default=None, repr=False)


class Asked(NamedTuple):
    """One request as the decision sees it."""

    raw_key: str
    digest: str
    address: str
    now: float

    def __repr__(self) -> str:
        return f"Asked(digest={self.digest!r}, address={self.address!r}, now={self.now!r})"


class Authorizer:
    """Decides about requests, in one worker."""

    def __init__(
        self,
        store: Store,
        source: Source,
        host_table: HostTable,
        usage_table: UsageTable,
        trust: Trust,
        policy: Policy,
        clock: Callable[[], float],
        legacy_forms: Callable[[], LegacyForms],
    ) -> None:
        self._store, self._source = store, source
        self._host_table, self._usage_table, self._trust = host_table, usage_table, trust
        self._policy, self._clock = policy, clock
        self._legacy_forms = legacy_forms
        self._snapshots = SnapshotCache()
        self._epoch: int | None = None

    def authorize(self, raw_key: str, address: str) -> Allowed | Refused:
        """Decide about a request that carries `raw_key` and comes from `address`."""
        if not self._may_exist(raw_key):
            return self._invalid(raw_key, address, hint_about_form(raw_key))
        asked = Asked(raw_key, digest_of(raw_key), address, self._clock())
        try:
            try:
                return self._with_redis(asked)
            except StoreError as error:
                self._trust.lose(str(error))
                return self._without_redis(asked)
        except (SourceError, OSError) as error:
            # Neither speaks against Redis: the database is away, or the host table is full.
            _log.error("a request could not be judged: %s", error)
            return Refused(UNAVAILABLE)

    def _may_exist(self, raw_key: str) -> bool:
        if key_type_of(raw_key) is not None:
            return True
        forms = self._legacy_forms()
        if not forms.any or not may_be_of_other_form(raw_key):
            return False
        prefix = prefix_of(raw_key)
        return prefix is None or prefix in forms.unchecked_prefixes

    # --- with Redis ------------------------------------------------------------------------------

    def _with_redis(self, asked: Asked) -> Allowed | Refused:
        patience = Patience(self._policy.redis_timeout)
        snapshot, fill = self._known(asked.digest, patience), None
        for _ in range(_ROUNDS):
            if snapshot is None:
                return self._unknown(asked)
            denial, limits = self._judge(snapshot, asked)
            standing = self._host_table.standing(limits, asked.now)
            if not standing.believed:
                break
            self._enter(standing.epoch)
            with patience as deadline:
                answer = self._store.consume(snapshot, limits, asked.now, standing.floors, deadline, fill)
            fill = None
            match answer:
                case Counted():
                    self._snapshots.put(snapshot)
                    if self._host_table.settle(standing.epoch, limits, answer.counts, asked.now):
                        return self._decided(asked, snapshot, denial, limits, answer.counts, answer.refusing)
                case Changed():
                    snapshot = self._changed(snapshot, answer)
                case Absent():
                    fill = answer
                    if fill.lost:
                        with patience as deadline:
                            self._trust.review(self._store, self._source, deadline)
                    snapshot = self._source.lookup(asked.digest)
        return self._without_redis(asked)

    def _enter(self, epoch: int) -> None:
        """Leave the connections of an older epoch: Redis may have gone and come back since."""
        if self._epoch != epoch:
            self._epoch = epoch
            self._store.close()

    def _known(self, digest: str, patience: Patience) -> Snapshot | None:
        """Return what is known of a key, to be confirmed; None if it is certain that there is none."""
        snapshot = self._snapshots.get(digest)
        if snapshot is not None:
            return snapshot
        try:
            return self._source.lookup(digest)
        except SourceError:
            with patience as deadline:
                snapshot = self._store.recall(digest, deadline)
            if snapshot is None:
                raise
            return snapshot

    def _changed(self, snapshot: Snapshot, changed: Changed) -> Snapshot | None:
        if changed.key is None:
            self._snapshots.drop(snapshot.key.digest)
            return None
        newer = Snapshot(
            max(snapshot.key, changed.key, key=lambda record: record.revision),
            max(snapshot.account, changed.account, key=lambda record: record.revision),
        )
        self._snapshots.put(newer)
        return newer

    # --- without Redis ---------------------------------------------------------------------------

    def _without_redis(self, asked: Asked) -> Allowed | Refused:
        mode = self._policy.redis_down
        snapshot = self._source.lookup(asked.digest)
        if snapshot is None:
            return self._unknown(asked)
        denial, limits = self._judge(snapshot, asked)
        if denial is not None:
            return _denied(asked, snapshot, denial, None if mode == "closed" else mode)
        if mode == "closed":
            return Refused(UNAVAILABLE, snapshot)
        counts, refusing = self._host_table.count(limits, asked.now, enforce=mode == "local")
        return self._decided(asked, snapshot, None, limits, counts, refusing, mode)

    # --- verdicts --------------------------------------------------------------------------------

    def _judge(self, snapshot: Snapshot, asked: Asked) -> tuple[Denial | None, tuple[Limit, ...]]:
        """Return the denial, or the limits to count against."""
        denial = first_denial(snapshot, asked.address, asked.now)
        if denial is not None:
            return denial, ()
        return None, limits_for(snapshot.key, snapshot.account, self._policy.tier_quotas)

    def _decided(
        self,
        asked: Asked,
        snapshot: Snapshot,
        denial: Denial | None,
        limits: tuple[Limit, ...],
        counts: tuple[int, ...],
        refusing: int | None,
        mode: str | None = None,
    ) -> Allowed | Refused:
        if denial is not None:
            return _denied(asked, snapshot, denial, mode)
        usages = tuple(
            Usage(limit, limit.window_start(asked.now), count)
            for limit, count in zip(limits, counts, strict=True)
        )
        if refusing is not None:
            return Refused(limited(usages, asked.now), snapshot, usages, mode)
        # Only here, where nothing can refuse it any more: each request that is let in counts once.
        self._usage_table.count(snapshot.key.key_id, snapshot.key.lineage_id, asked.address, asked.now)
        return Allowed(snapshot, asked.address, usages, mode, asked.raw_key)

    def _unknown(self, asked: Asked) -> Refused:
        self._snapshots.drop(asked.digest)
        return self._invalid(asked.raw_key, asked.address, hint_about_unknown(asked.raw_key))

    def _invalid(self, raw_key: str, address: str, hint: str) -> Refused:
        """Refuse a wrong key, and count it against the address that it came from."""
        most, now = self._policy.auth_failures_per_minute, self._clock()
        parsed = parse_address(address)
        is_proxy = parsed is not None and parsed in self._policy.trusted_proxies
        denial = Denial("INVALID_API_KEY", hint=hint)
        if most and not is_proxy and self._host_table.count_failure(network_of(address), now) > most:
            denial = Denial("AUTH_ATTEMPTS_LIMITED", retry_after=max(1, ceil(MINUTE - now % MINUTE)))
        return Refused(denial, beginning=beginning_of(raw_key))


def _denied(asked: Asked, snapshot: Snapshot, denial: Denial, mode: str | None) -> Refused:
    ended = ended_by_time(denial, snapshot, asked.address, asked.now)
    return Refused(denial, snapshot, mode=mode, raw_key=asked.raw_key if ended else None)
