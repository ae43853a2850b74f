"""Reading costs the same however many other keys there are, counted in steps of SQLite's machine."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count, islice
from typing import Any

from app.db import driver
from app.models import Key, Portal
from app.schemas.portal_card import portal_cards
from gateway.keys import PREFIXES
from gateway.records import PortalState
from gateway.source import LegacyForms
from tests.db.installation import CLI, START, Installation

MANY = 500

_numbers = count()


def _steps(installation: Installation, read: Callable[[], object]) -> int:
    taken = 0

    def step() -> bool:
        nonlocal taken
        taken += 1
        return False

    connection = driver(installation.db)
    connection.set_progress_handler(step, 1)
    try:
        read()
    finally:
        connection.set_progress_handler(None)
    return taken


def _multiply(installation: Installation, key: Key) -> None:
    """Make many keys like this one."""
    settings = Key.get_by_id(key.id).__data__
    copies = [
        {**settings, "id": f"copy {number}", "digest": f"{number:064}"} for number in islice(_numbers, MANY)
    ]
    with installation.db.atomic():
        Key.insert_many(copies).execute()


def test_a_look_up_costs_no_more_for_an_owner_of_many_keys(installation: Installation) -> None:
    owner = installation.account()
    joined, left = (installation.portal(owner, domain=f"{name}.example") for name in ("joined", "left"))
    portal_keys = [
        installation.key(owner, type="api", portal=portal, scopes=["crm"], integrations=()).key
        for portal in (joined, left)
    ]
    keys = [*portal_keys, installation.key(owner).key]
    installation.portals.remove_member(CLI, left.id, owner.id)
    before = _steps(installation, lambda: installation.source.lookup(keys[0].digest))
    for key in keys:
        _multiply(installation, key)
    assert _steps(installation, lambda: installation.source.lookup(keys[0].digest)) == before
    snapshot = installation.source.lookup(keys[0].digest)
    assert snapshot is not None
    assert snapshot.account.portals == {
        joined.id: PortalState(active=True, member=True),
        left.id: PortalState(active=True, member=False),
    }


def test_legacy_forms_cost_no_more_with_many_legacy_keys(installation: Installation) -> None:
    owner = installation.account()
    foreign, checked, unchecked = (installation.key(owner).key for _ in range(3))
    Key.update(is_legacy=True, key_prefix="old_12").where(Key.id == foreign.id).execute()
    Key.update(is_legacy=True, key_prefix="vibe_app_123456").where(Key.id == checked.id).execute()
    Key.update(is_legacy=True, unchecked_prefix=True).where(Key.id == unchecked.id).execute()
    before = _steps(installation, installation.source.legacy_forms)
    for key in (foreign, checked, unchecked):
        _multiply(installation, key)
    assert _steps(installation, installation.source.legacy_forms) == before
    assert installation.source.legacy_forms() == LegacyForms(
        any=True, unchecked_prefixes=frozenset({PREFIXES["personal"]})
    )


def test_showing_one_portal_costs_no_more_when_another_has_many_keys_and_members(
    installation: Installation,
) -> None:
    owner = installation.account()
    shown, other = (installation.portal(owner, domain=f"{name}.example") for name in ("shown", "other"))
    for portal in (shown, other, other):
        key = installation.key(owner, type="api", portal=portal, scopes=["crm"], integrations=()).key

    def cards() -> list[dict[str, Any]]:
        return portal_cards(Portal.select().where(Portal.id == shown.id), START)

    before = _steps(installation, cards)
    _multiply(installation, key)
    for number in range(20):
        account = installation.account(f"member-{number}@example.com")
        installation.portals.set_member(CLI, other.id, account.id, "MEMBER")
    assert _steps(installation, cards) == before
    (card,) = cards()
    assert card["appKeyCount"] == len(card["members"]) == 1
    by_domain = {card["domain"]: card for card in portal_cards(installation.portals.list(), START)}
    assert by_domain["other.example"]["appKeyCount"] == 2 + MANY
    assert len(by_domain["other.example"]["members"]) == 21
