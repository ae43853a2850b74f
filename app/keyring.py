"""The life of a key: issue, change, rotate, revoke, delete. The only writer of keys, but for
`app.legacy_import`, which takes over those of an older system.

Each operation is one change of the ledger (many, to revoke all keys of an owner): the row is read
again under the write lock, through the caller's own `visible` query (its tenant's WHERE), judged,
written and published. Refusals are `ApiError`s and leave nothing behind.

Rotation makes a second key of the same lineage with the same settings, and gives the first one an
end. At most two keys of a lineage work at any time, since a key with a successor can neither be
rotated again nor come back to life, its end can only come closer, and its successor cannot be
rotated while it works.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from peewee import ModelSelect, fn

from app import servers
from app.audit import difference
from app.config import Config
from app.errors import ApiError, integration_required, invalid
from app.ledger import Actor, Change, Ledger
from app.models import Account, Key, Membership, Portal, new_id
from app.portals import check_linked
from app.scopes import (
    INTEGRATIONS,
    LEGACY_INTEGRATIONS,
    MANAGEMENT_SCOPES,
    OPERATOR_SCOPES,
    PORTAL_SCOPES,
    canonical,
)
from app.unset import UNSET, Unset
from gateway import keys

PORTAL_TYPES = frozenset({"api", "authorization"})
ROTATION_RECOMMENDED_AFTER_MS = 90 * 24 * 3_600_000
"""The age from which a key should be replaced; the seed recommends a rotation every 90 days."""

SETTABLE = (
    "name",
    "scopes",
    "integrations",
    "ip_whitelist",
    "rate_limit",
    "hourly_limit",
    "expires_at",
    "metadata",
)
"""The columns that `Keyring.change` takes, besides `status`."""

NEW_KEYS_OWN = frozenset(
    {
        "id",
        "digest",
        "key_prefix",
        "key_suffix",
        "revoked",
        "rotated_at",
        "grace_ends_at",
        "predecessor_id",
        "successor_id",
        "is_legacy",
        "unchecked_prefix",
        "created_at",
        "revision",
    }
)
"""What a rotated key's successor does not take over. Everything else is copied, new columns too."""

_REVOKED_AT_ONCE = 100
_TURN_SECONDS = 0.02
"""Between two parts: who waits for the write lock of SQLite looks for it again and again, in no queue."""

_SHOWN = ("key_prefix", "key_suffix")
"""What may be shown of the raw key: in every audit row, so that a key is known again once it is deleted."""

_AUDITED = (
    *_SHOWN,
    "type",
    "owner_id",
    "portal_id",
    *SETTABLE,
    "revoked",
    "predecessor_id",
    "successor_id",
    "grace_ends_at",
)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key and its raw form, which exists nowhere else."""

    key: Key
    raw_key: str = field(repr=False)


BeforeCommit = Callable[[Issued], None]
"""Called last inside the transaction: what it writes commits together with the key, or not at all. What it
cannot read undoes the change; read after the commit, that would be answered as a change that was not made.
"""


class Keyring:
    """Issues, changes, rotates and deletes keys."""

    def __init__(self, ledger: Ledger, config: Config) -> None:
        self._ledger = ledger
        self._longest_grace_hours = config.rotation_grace_hours

    def issue(
        self,
        actor: Actor,
        *,
        type: str,
        owner: Account,
        name: str,
        portal: Portal | None = None,
        scopes: Iterable[str] = (),
        integrations: Iterable[str] = (),
        ip_whitelist: Iterable[str] = (),
        rate_limit: int | None = None,
        hourly_limit: int | None = None,
        expires_at: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        status: str = "ACTIVE",
        before_commit: BeforeCommit | None = None,
    ) -> Issued:
        """Make a key. `expires_at` is in unix milliseconds; times and addresses come checked in form.
        A `status` of REVOKED makes one to be activated later.

        Raises `ApiError`: VALIDATION_ERROR if the fields do not fit the type or the actor may not
        grant them, INTEGRATION_REQUIRED if the acting key lacks what it grants, NOT_PORTAL_MEMBER if the
        owner is not a member of the portal, PORTAL_NOT_LINKED if the portal is not linked or not ACTIVE,
        which the command line may pass over.
        """
        key = Key(
            type=type,
            owner=owner,
            portal=portal,
            name=name,
            scopes=canonical(scopes),
            integrations=list(integrations),
            ip_whitelist=list(ip_whitelist),
            rate_limit=rate_limit,
            hourly_limit=hourly_limit,
            expires_at=expires_at,
            metadata=dict(metadata or {}),
            revoked=status == "REVOKED",
        )
        _check_binding(key)
        with self._ledger.change(actor) as change:
            _check_portal(actor, key)
            _check_openings(key)
            _check_grants(actor, key, held=frozenset())
            _check_reach(actor, key)
            _check_future(expires_at, change.now_ms)
            issued = _insert(change, key)
            if before_commit:
                before_commit(issued)
        return issued

    def change(
        self,
        actor: Actor,
        visible: ModelSelect[Key],
        key_id: str,
        fields: Mapping[str, Any],
        *,
        before_commit: Callable[[Key], None] | None = None,
    ) -> Key:
        """Set columns of `SETTABLE` and `status` (ACTIVE or REVOKED); what is already so changes nothing.

        `before_commit` is called as `BeforeCommit` is, also where nothing changes. Raises `ApiError`:
        ENTITY_NOT_FOUND, VALIDATION_ERROR and INTEGRATION_REQUIRED as `issue` does, the latter for what the
        key holds already too, KEY_ALREADY_ROTATED when a rotated key is to be re-activated.
        """
        with self._ledger.change(actor) as change:
            key = _find(visible, key_id)
            _check_reach(actor, key)
            held = frozenset(key.scopes) | frozenset(key.integrations)
            before = _facts(key)
            _assign(key, fields, change.now_ms)
            after = _facts(key)
            # Only if they change: what was granted by other rules must not keep a key from being revoked.
            if any(after[name] != before[name] for name in ("scopes", "integrations")):
                _check_openings(key)
                _check_grants(actor, key, held)
                _check_reach(actor, key)
            if after != before:
                change.key(key)
                _audit(change, _action(before, after), key, *_difference(before, after))
            if before_commit:
                before_commit(key)
        return key

    def rotate(
        self,
        actor: Actor,
        visible: ModelSelect[Key],
        key_id: str,
        *,
        grace_hours: float | None = None,
        expires_at: int | Unset | None = UNSET,
        before_commit: BeforeCommit | None = None,
    ) -> Issued:
        """Make the key's successor, with the same settings, and end the key when the grace is over.

        The grace is the setting's unless `grace_hours` (0 to the setting) says less, and never outlives
        the key's own `expires_at`. The successor has that same `expires_at` unless another is given.
        Raises `ApiError`: ENTITY_NOT_FOUND, VALIDATION_ERROR, INTEGRATION_REQUIRED, KEY_ALREADY_ROTATED,
        PREDECESSOR_IN_GRACE, KEY_NOT_ACTIVE.
        """
        hours = self._longest_grace_hours if grace_hours is None else grace_hours
        if not 0 <= hours <= self._longest_grace_hours:
            raise invalid(graceHours=f"Must be from 0 to {self._longest_grace_hours:g}.")
        with self._ledger.change(actor) as change:
            old = _find(visible, key_id)
            _check_reach(actor, old)
            _check_rotatable(old, change.now_ms)
            new = _successor_of(old)
            if not isinstance(expires_at, Unset):
                _check_future(expires_at, change.now_ms)
                new.expires_at = expires_at
            issued = _insert(change, new)
            _retire(change, old, new, change.now_ms + round(hours * 3_600_000))
            if before_commit:
                before_commit(issued)
        return issued

    def delete(self, actor: Actor, visible: ModelSelect[Key], key_id: str) -> None:
        """Delete the key for good.

        Raises `ApiError` ENTITY_NOT_FOUND, INTEGRATION_REQUIRED, KEY_HAS_ACTIVE_SERVERS.
        """
        with self._ledger.change(actor) as change:
            key = _find(visible, key_id)
            _check_reach(actor, key)
            servers.check_deletable(key)
            change.key_deleted(key)
            _audit(change, "key.deleted", key, _facts(key), None)

    def revoke_all(self, actor: Actor, owner: Account) -> int:
        """Revoke every key of the owner, the newest first, and return how many were not revoked before.

        Part by part, each in force as soon as it is done: all others who write wait for one part, not for
        thousands of keys. Whoever is stopped in between goes on by calling it again. Keys that are issued
        meanwhile are revoked as well.
        """
        revoked = 0
        unrevoked = Key.select(Key.id).where(Key.owner == owner, ~Key.revoked)
        while ids := [key.id for key in unrevoked.order_by(Key.created_at.desc(), Key.id.desc())]:
            for start in range(0, len(ids), _REVOKED_AT_ONCE):
                revoked += self._revoke(actor, ids[start : start + _REVOKED_AT_ONCE])
                time.sleep(_TURN_SECONDS)
        return revoked

    def _revoke(self, actor: Actor, ids: Collection[str]) -> int:
        with self._ledger.change(actor) as change:
            found = list(Key.select().where(Key.id.in_(ids), ~Key.revoked))
            for key in found:
                before = _facts(key)
                _assign(key, {"status": "REVOKED"}, change.now_ms)
                change.key(key)
                _audit(change, "key.revoked", key, *_difference(before, _facts(key)))
        return len(found)


def key_status(key: Key, now_ms: int) -> str:
    """Return REVOKED or ACTIVE as set, EXPIRED from `expires_at` on, ROTATED from the end of the grace on."""
    if key.revoked:
        return "REVOKED"
    if key.expires_at is not None and now_ms >= key.expires_at:
        return "EXPIRED"
    if key.grace_ends_at is not None and now_ms >= key.grace_ends_at:
        return "ROTATED"
    return "ACTIVE"


def status_is(status: str, now_ms: int) -> Any:
    """Return the condition on `Key` under which `key_status` is `status`."""
    expired = Key.expires_at.is_null(False) & (Key.expires_at <= now_ms)
    rotated = Key.grace_ends_at.is_null(False) & (Key.grace_ends_at <= now_ms)
    conditions = {
        "REVOKED": Key.revoked,
        "EXPIRED": ~Key.revoked & expired,
        "ROTATED": ~Key.revoked & ~expired & rotated,
        "ACTIVE": ~Key.revoked & ~expired & ~rotated,
    }
    return conditions[status]


def name_has(part: str) -> Any:
    """Return the condition on `Key` under which `part` stands in its name, in capitals or not."""
    return fn.instr(fn.casefold(Key.name), part.casefold()) > 0


def _find(visible: ModelSelect[Key], key_id: str) -> Key:
    key: Key | None = visible.where(Key.id == key_id).first()
    if key is None:
        raise ApiError("ENTITY_NOT_FOUND")
    return key


def _insert(change: Change, key: Key) -> Issued:
    raw_key = keys.mint(key.type)
    key.id = new_id(change.now_ms)
    key.lineage_id = key.lineage_id or key.id
    key.digest = keys.digest(raw_key)
    key.key_prefix, key.key_suffix = keys.display_parts(raw_key)
    key.created_at = change.now_ms
    change.key(key, new=True)
    _audit(change, "key.issued", key, None, _facts(key))
    return Issued(key, raw_key)


def _successor_of(old: Key) -> Key:
    settings = {name: value for name, value in old.__data__.items() if name not in NEW_KEYS_OWN}
    return Key(**settings, predecessor_id=old.id)


def _retire(change: Change, old: Key, new: Key, grace_ends_at: int) -> None:
    before = _facts(old)
    old.rotated_at = change.now_ms
    old.successor_id = new.id
    old.grace_ends_at = grace_ends_at if old.expires_at is None else min(grace_ends_at, old.expires_at)
    change.key(old)
    _audit(change, "key.rotated", old, *_difference(before, _facts(old)))


def _assign(key: Key, fields: Mapping[str, Any], now_ms: int) -> None:
    for name, value in fields.items():
        if name == "status":
            _set_status(key, value, now_ms)
        elif name == "expires_at":
            _set_expiry(key, value, now_ms)
        elif name == "scopes":
            key.scopes = canonical(value)
        elif name in SETTABLE:
            setattr(key, name, list(value) if isinstance(value, tuple) else value)
        else:
            raise ValueError(f"{name} is not a settable column of a key")


def _set_status(key: Key, status: str, now_ms: int) -> None:
    if status == "REVOKED":
        key.revoked = True
        if key.grace_ends_at is not None:
            key.grace_ends_at = min(key.grace_ends_at, now_ms)
    elif status != "ACTIVE":
        raise invalid(status="Must be ACTIVE or REVOKED.")
    elif key.successor_id is not None and key_status(key, now_ms) != "ACTIVE":
        raise ApiError("KEY_ALREADY_ROTATED", "A rotated key cannot be re-activated.")
    else:
        key.revoked = False


def _set_expiry(key: Key, expires_at: int | None, now_ms: int) -> None:
    _check_future(expires_at, now_ms)
    key.expires_at = expires_at
    # For good: were only the smaller of the two looked at, a later expiry would give back the grace.
    if expires_at is not None and key.grace_ends_at is not None:
        key.grace_ends_at = min(key.grace_ends_at, expires_at)


def _check_future(expires_at: int | None, now_ms: int) -> None:
    if expires_at is not None and expires_at <= now_ms:
        raise invalid(expiresAt="Must be in the future.")


def _check_binding(key: Key) -> None:
    if key.type not in keys.KEY_TYPES:
        raise invalid(type=f"Must be one of {', '.join(keys.KEY_TYPES)}.")
    if key.type in PORTAL_TYPES and key.portal_id is None:
        raise invalid(portalId=f"Keys of type {key.type} are bound to a portal.")
    if key.type not in PORTAL_TYPES and key.portal_id is not None:
        raise invalid(portalId=f"Keys of type {key.type} are not bound to a portal.")


def _check_portal(actor: Actor, key: Key) -> None:
    # Under the lock: membership or link may have ended while the portal was being probed.
    if key.portal_id is None:
        return
    if Membership.get_or_none(Membership.portal == key.portal_id, Membership.account == key.owner_id) is None:
        raise ApiError("NOT_PORTAL_MEMBER")
    if actor.kind != "cli":
        check_linked(Portal.get_by_id(key.portal_id))


def _check_openings(key: Key) -> None:
    """Scopes and integrations: the right kind for the key's type, at least one, each a known one."""
    if key.type == "personal":
        _check_known("integrations", key.integrations, INTEGRATIONS)
        _check_none("scopes", key)
    else:
        _check_known("scopes", key.scopes, PORTAL_SCOPES if key.type in PORTAL_TYPES else MANAGEMENT_SCOPES)
        _check_none("integrations", key)


def _check_known(name: str, given: list[str], known: Iterable[str]) -> None:
    unknown = [item for item in given if item not in known]
    if unknown:
        raise invalid(**{name: f"Not known for this type of key: {', '.join(unknown)}."})
    if not given:
        raise invalid(**{name: "At least one is needed."})


def _check_none(name: str, key: Key) -> None:
    if getattr(key, name):
        raise invalid(**{name: f"Keys of type {key.type} have none."})


def _check_grants(actor: Actor, key: Key, held: frozenset[str]) -> None:
    """What only some may grant; a key keeps what it held before the change."""
    granted = (frozenset(key.scopes) | frozenset(key.integrations)) - held
    if granted & LEGACY_INTEGRATIONS and actor.kind != "cli":
        raise invalid(integrations="mcp_server is no longer granted.")
    if granted & OPERATOR_SCOPES and not _is_operator(actor):
        raise invalid(scopes="vibe:mgmt:feedback is granted by an operator only.")


def _check_reach(actor: Actor, key: Key) -> None:
    """A key neither gives away integrations that it lacks, nor touches a key that has them."""
    if actor.kind != "key" or key.type != "personal":
        return
    held = Key.get_by_id(actor.key_id).integrations
    lacking = frozenset(key.integrations) - frozenset(held) - LEGACY_INTEGRATIONS  # those open nothing
    if lacking:
        message = "A key grants no integration that it lacks, and changes no key that holds one."
        raise integration_required(lacking, held, message)


def _is_operator(actor: Actor) -> bool:
    if actor.kind == "account":
        return actor.as_operator  # which the ledger has looked at
    if actor.kind != "key":
        return True
    account = Account.get_or_none(Account.id == actor.account_id)
    return account is not None and account.is_operator


def _check_rotatable(key: Key, now_ms: int) -> None:
    if key.successor_id is not None:
        raise ApiError("KEY_ALREADY_ROTATED")
    if key.predecessor_id is not None:
        predecessor = Key.get_or_none(Key.id == key.predecessor_id)
        if predecessor is not None and key_status(predecessor, now_ms) == "ACTIVE":
            raise ApiError("PREDECESSOR_IN_GRACE")
    if key_status(key, now_ms) != "ACTIVE":
        raise ApiError("KEY_NOT_ACTIVE")


def _audit(
    change: Change, action: str, key: Key, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    change.audit(action, "key", key.id, before, after, owner_id=key.owner_id)


def _facts(key: Key) -> dict[str, Any]:
    return {name: getattr(key, name) for name in _AUDITED}


def _difference(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return difference(before, after, always=_SHOWN)


def _action(before: dict[str, Any], after: dict[str, Any]) -> str:
    if before["revoked"] == after["revoked"]:
        return "key.changed"
    return "key.revoked" if after["revoked"] else "key.reactivated"
