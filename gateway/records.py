"""What the gateway knows of a key and of its account: two records, each with a revision.

A record is made by the management service, kept as compact JSON in Redis and in the memory of
each worker, and never changed in place: a change is a new record with a higher revision. The
key's record speaks of the key alone and the account's of the account alone, so that suspending
an account or changing its tier writes one record, however many keys it has.

Times are unix seconds, absent ones None.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from gateway.address import Networks


@dataclass(frozen=True)
class KeyRecord:
    """One key. `lineage_id` is shared by the keys that rotation made one from another, and names
    their counters; `deprecated_at` and `grace_ends_at` are set once the key has a successor."""

    digest: str
    key_id: str
    lineage_id: str
    account_id: str
    revision: int
    type: str
    name: str
    prefix: str
    suffix: str
    revoked: bool = False
    expires_at: float | None = None
    grace_ends_at: float | None = None
    deprecated_at: float | None = None
    portal_id: str | None = None
    scopes: tuple[str, ...] = ()
    integrations: tuple[str, ...] = ()
    ip_whitelist: tuple[str, ...] = ()
    rate_limit: int | None = None
    hourly_limit: int | None = None
    is_legacy: bool = False

    @cached_property
    def networks(self) -> Networks:
        """The whitelist, parsed once for the life of the record."""
        return Networks(self.ip_whitelist)

    def dump(self) -> str:
        """Return the record as compact JSON, defaults left out."""
        return _dump({f.name: getattr(self, f.name) for f in dataclasses.fields(self)}, _KEY_DEFAULTS)

    @classmethod
    def load(cls, text: str | bytes) -> KeyRecord:
        """Return the record that `dump` wrote."""
        values = json.loads(text)
        for name in ("scopes", "integrations", "ip_whitelist"):
            values[name] = tuple(values.get(name, ()))
        return cls(**_of_this_release(cls, values))


@dataclass(frozen=True, slots=True)
class PortalState:
    """One portal as seen from an account."""

    active: bool
    member: bool


@dataclass(frozen=True)
class AccountRecord:
    """One account. `hourly_limit` is the own number of an enterprise account; the figures of the
    other tiers come from the settings when deciding. `portals` has each portal that the account
    is a member of or holds keys on."""

    account_id: str
    revision: int
    status: str = "ACTIVE"
    tier: str = "free"
    hourly_limit: int | None = None
    portals: dict[str, PortalState] = field(default_factory=dict)

    def dump(self) -> str:
        """Return the record as compact JSON, defaults left out."""
        portals = {name: [state.active, state.member] for name, state in self.portals.items()}
        return _dump({**vars(self), "portals": portals}, _ACCOUNT_DEFAULTS)

    @classmethod
    def load(cls, text: str | bytes) -> AccountRecord:
        """Return the record that `dump` wrote."""
        values = json.loads(text)
        portals = values.get("portals", {})
        values["portals"] = {name: PortalState(*state) for name, state in portals.items()}
        return cls(**_of_this_release(cls, values))


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A deleted key: published over its record, so that no older copy is believed again."""

    digest: str
    account_id: str
    revision: int


class Snapshot(NamedTuple):
    """The two records on which a request is judged."""

    key: KeyRecord
    account: AccountRecord


_KEY_DEFAULTS = {
    f.name: f.default for f in dataclasses.fields(KeyRecord) if f.default is not dataclasses.MISSING
}
_ACCOUNT_DEFAULTS: dict[str, Any] = {
    **{f.name: f.default for f in dataclasses.fields(AccountRecord) if f.default is not dataclasses.MISSING},
    "portals": {},
}


def _of_this_release(record: type[KeyRecord] | type[AccountRecord], values: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a newer release has added: while it is brought in, both read the same records."""
    return {f.name: values[f.name] for f in dataclasses.fields(record) if f.name in values}


def _dump(values: dict[str, Any], defaults: dict[str, Any]) -> str:
    told = {name: value for name, value in values.items() if name not in defaults or value != defaults[name]}
    return json.dumps(told, separators=(",", ":"))
