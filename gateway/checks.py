"""The checks that a known key passes, in the order of `CHECKS`.

A check is a pure function of the snapshot, the client's address and the time. It returns None, or
the denial; it asks nobody, writes nothing and never raises. What comes before (is there one key,
has it the form of a key, is it known) is read from the request, and what comes after (the limits)
is counted in Redis.

Who explains a refusal walks the same `CHECKS` by their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.address import parse_address
from gateway.denial import Denial
from gateway.records import Snapshot

Check = Callable[[Snapshot, str, float], Denial | None]


def key_in_force(snapshot: Snapshot, address: str, now: float) -> Denial | None:
    """The key is not revoked, not expired, not past the grace that its rotation left it."""
    key = snapshot.key
    if key.revoked:
        return Denial("KEY_REVOKED")
    if key.expires_at is not None and key.expires_at <= now:
        return Denial("KEY_EXPIRED")
    if key.grace_ends_at is not None and key.grace_ends_at <= now:
        return Denial("KEY_ROTATED", hint="Use the key that rotation made from this one.")
    return None


def account_in_good_standing(snapshot: Snapshot, address: str, now: float) -> Denial | None:
    """The account is not suspended. A restricted one still reads: that is the app's to judge."""
    if snapshot.account.status == "SUSPENDED":
        return Denial("ACCOUNT_SUSPENDED")
    return None


def portal_active(snapshot: Snapshot, address: str, now: float) -> Denial | None:
    """The key's portal, if it has one, is active."""
    portal = snapshot.account.portals.get(snapshot.key.portal_id or "")
    if portal is not None and not portal.active:
        return Denial("PORTAL_INACTIVE")
    return None


def owner_is_member(snapshot: Snapshot, address: str, now: float) -> Denial | None:
    """The key's portal, if it has one, still has the owner as a member."""
    portal_id = snapshot.key.portal_id
    if portal_id is None:
        return None
    portal = snapshot.account.portals.get(portal_id)
    if portal is None or not portal.member:
        return Denial("NOT_PORTAL_MEMBER")
    return None


def address_allowed(snapshot: Snapshot, address: str, now: float) -> Denial | None:
    """The address is in the key's whitelist. No whitelist means anywhere."""
    if not snapshot.key.ip_whitelist:
        return None
    parsed = parse_address(address)
    if parsed is None or parsed not in snapshot.key.networks:
        return Denial("IP_NOT_ALLOWED", details={"address": address})
    return None


CHECKS: Mapping[str, Check] = {
    "status": key_in_force,
    "account": account_in_good_standing,
    "portal": portal_active,
    "member": owner_is_member,
    "address": address_allowed,
}


def ended_by_time(denial: Denial, snapshot: Snapshot, address: str, now: float) -> bool:
    """Tell whether nothing speaks against a key but that it has expired, or that its grace is over."""
    others = (check(snapshot, address, now) for check in CHECKS.values() if check is not key_in_force)
    return denial.code in ("KEY_EXPIRED", "KEY_ROTATED") and all(other is None for other in others)


def first_denial(snapshot: Snapshot, address: str, now: float) -> Denial | None:
    """Return what the first failing check says; None when all pass."""
    for check in CHECKS.values():
        denial = check(snapshot, address, now)
        if denial is not None:
            return denial
    return None
