"""The tables, and no rules: those are in `app.keyring`, `app.accounts` and `app.portals`."""

from __future__ import annotations

from app.models.account import Account
from app.models.audit import Audit
from app.models.base import Base, new_id
from app.models.idempotency import Idempotency
from app.models.key import Key, Tombstone
from app.models.portal import Membership, Portal
from app.models.publication import Heads, Unpublished

MODELS = (Account, Portal, Membership, Key, Tombstone, Unpublished, Heads, Audit, Idempotency)

__all__ = [
    "MODELS",
    "Account",
    "Audit",
    "Base",
    "Heads",
    "Idempotency",
    "Key",
    "Membership",
    "Portal",
    "Tombstone",
    "Unpublished",
    "new_id",
]
