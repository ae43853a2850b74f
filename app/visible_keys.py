"""Which keys an account sees and may manage: each query begins with one of these.

A key that an account does not see is one that does not exist for it.
"""

from __future__ import annotations

from peewee import ModelSelect

from app.keyring import PORTAL_TYPES
from app.models import Key, Membership


def personal_keys(account_id: str) -> ModelSelect[Key]:
    """Select the account's personal keys."""
    return Key.select().where(Key.owner == account_id, Key.type == "personal")


def managed_keys(account_id: str) -> ModelSelect[Key]:
    """Select the keys of portals that the account manages: where it is ADMIN all, else its own."""
    member = (Membership.portal == Key.portal) & (Membership.account == account_id)
    return (
        Key.select(Key)
        .join(Membership, on=member)
        .where(Key.type.in_(PORTAL_TYPES), (Membership.role == "ADMIN") | (Key.owner == account_id))
    )


def management_keys(account_id: str) -> ModelSelect[Key]:
    """Select the account's management keys."""
    return Key.select().where(Key.owner == account_id, Key.type == "management")


def every_key_of(account_id: str) -> ModelSelect[Key]:
    """Select all of them."""
    mine = Membership.select(Membership.portal).where(Membership.account == account_id)
    unbound_or_mine = Key.portal.is_null() | Key.portal.in_(mine)
    return Key.select().where(
        (Key.owner == account_id) & unbound_or_mine | Key.portal.in_(mine.where(Membership.role == "ADMIN"))
    )
