"""A key that may not act any more changes nothing, although it was admitted before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from app.errors import ApiError
from app.keyring import Issued
from app.ledger import Actor
from app.models import Account, Audit, Heads, Key
from tests.db.installation import CLI, HOUR, Installation

ADDRESS = "192.0.2.7"

Withdrawal = Callable[[Installation, Account, Key], object]
WITHDRAWALS: dict[str, Withdrawal] = {
    "KEY_REVOKED": lambda at, owner, key: at.keyring.revoke_all(CLI, owner),
    "KEY_EXPIRED": lambda at, owner, key: _passing(at, expires=key),
    "KEY_ROTATED": lambda at, owner, key: at.rotate(key, grace_hours=0),
    "INVALID_API_KEY": lambda at, owner, key: at.keyring.delete(CLI, Key.select(), key.id),
    "IP_NOT_ALLOWED": lambda at, owner, key: at.change(key, ip_whitelist=["198.51.100.0/24"]),
    "ACCOUNT_SUSPENDED": lambda at, owner, key: at.accounts.update(CLI, owner.id, status="SUSPENDED"),
    "ACCOUNT_RESTRICTED": lambda at, owner, key: at.accounts.update(CLI, owner.id, status="RESTRICTED"),
    "MANAGEMENT_SCOPE_REQUIRED": lambda at, owner, key: at.change(key, scopes=["vibe:mgmt:portals"]),
}


def _passing(installation: Installation, expires: Key) -> None:
    installation.change(expires, expires_at=installation.clock.ms + 1)
    installation.clock.now += HOUR


CHANGES: dict[str, Callable[[Installation, Actor, Account, Key], object]] = {
    "issue": lambda at, actor, owner, key: at.keyring.issue(
        actor, type="management", owner=owner, name="late", scopes=["vibe:mgmt:keys"]
    ),
    "change": lambda at, actor, owner, key: at.change(key, actor, name="late"),
    "rotate": lambda at, actor, owner, key: at.keyring.rotate(actor, Key.select(), key.id),
    "delete": lambda at, actor, owner, key: at.keyring.delete(actor, Key.select(), key.id),
}


def _acting(installation: Installation, owner: Account) -> tuple[Actor, Issued]:
    issued = installation.key(owner, type="management", scopes=["vibe:mgmt:keys"], integrations=())
    return Actor("key", owner.id, issued.key.id, ADDRESS, "vibe:mgmt:keys"), issued


def _written() -> tuple[Any, ...]:
    return Heads.get_by_id(1).revision, Audit.select().count(), sorted(Key.select().tuples(), key=repr)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("code", WITHDRAWALS)
def test_what_was_withdrawn_since_the_key_was_admitted_ends_its_change(
    installation: Installation, code: str, change: str
) -> None:
    owner = installation.account()
    _, target = _acting(installation, installation.account("other@example.com"))
    actor, acting = _acting(installation, owner)
    WITHDRAWALS[code](installation, owner, acting.key)
    before = _written()
    with pytest.raises(ApiError) as refused:
        CHANGES[change](installation, actor, owner, target.key)
    assert refused.value.code == code
    assert _written() == before


@pytest.mark.parametrize("change", CHANGES)
def test_a_rotated_key_acts_until_its_grace_is_over(installation: Installation, change: str) -> None:
    owner = installation.account()
    _, target = _acting(installation, installation.account("other@example.com"))
    actor, acting = _acting(installation, owner)
    installation.rotate(acting.key, grace_hours=1)
    before = _written()
    CHANGES[change](installation, actor, owner, target.key)
    assert _written() != before


def test_a_key_of_another_type_needs_the_scope_that_the_route_asked_for(installation: Installation) -> None:
    owner = installation.account()
    portal = installation.portal(owner)
    acting = installation.key(owner, type="api", portal=portal, scopes=["crm"], integrations=()).key
    actor = Actor("key", owner.id, acting.id, ADDRESS, "crm")
    installation.change(acting, actor, name="renamed")
    with pytest.raises(ApiError) as refused:
        installation.change(acting, replace(actor, scope="vibe:infra"), name="again")
    assert (refused.value.code, refused.value.details) == (
        "SCOPE_DENIED",
        {"requiredScope": "vibe:infra", "scopes": ["crm"]},
    )


def test_a_personal_key_needs_one_of_the_integrations_that_the_route_asked_for(
    installation: Installation,
) -> None:
    owner = installation.account()
    actor = replace(installation.holder(owner), integrations=frozenset({"ai_tools", "cli"}))
    acting = Key.get_by_id(actor.key_id)
    installation.change(acting, integrations=["ai_tools"])
    installation.change(acting, actor, name="renamed")
    with pytest.raises(ApiError) as refused:
        installation.change(acting, replace(actor, integrations=frozenset({"cli"})), name="again")
    assert (refused.value.code, refused.value.details) == (
        "INTEGRATION_REQUIRED",
        {"requiredIntegrations": ["cli"], "integrations": ["ai_tools"]},
    )
