"""What a key can open, in the groups in which a form offers it, each with its meaning; and who grants it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from app.dashboard.visitor import visitor
from app.ledger import Actor
from app.models import Account, Key
from app.scopes import (
    INTEGRATIONS,
    LEGACY_INTEGRATIONS,
    MANAGEMENT_SCOPES,
    OPERATOR_SCOPES,
    PORTAL_SCOPES,
)

Groups = Mapping[str, Mapping[str, str]]
"""By heading, which is empty if there is one group only: names with their meaning."""

PORTAL_GROUPS: Mapping[str, Sequence[str]] = {
    "CRM and tasks": ("crm", "task", "tasks_extended", "crm.documentgenerator", "documentgenerator"),
    "People": ("user", "user_basic", "user_brief", "department", "timeman", "user.userfield", "userconsent"),
    "Chats and news": (
        *("im", "im.import", "imbot", "imopenlines", "imconnector", "contact_center"),
        *("log", "sonet_group", "socialnetwork", "forum", "smile", "pull", "pull_channel"),
    ),
    "Files and calendars": ("disk", "calendar", "calendarmobile", "mobile"),
    "Sales": ("sale", "salescenter", "catalog", "pay_system", "cashbox", "delivery"),
    "Calls and messages": ("telephony", "call", "mailservice", "messageservice"),
    "Automation and data": (
        *("bizproc", "rpa", "lists", "entity", "iblock", "userfieldconfig", "biconnector", "ai_admin"),
        *("landing", "landing_cloud", "placement", "basic"),
    ),
    "Servers": ("vibe:infra",),
}


def offered(key_type: str, account: Account, held_by: Key | None = None) -> Groups:
    """Return what a key of a type can be given by an account, and what the key holds already."""
    held = frozenset(() if held_by is None else (*held_by.scopes, *held_by.integrations))
    if key_type == "personal":
        return _without(INTEGRATIONS, LEGACY_INTEGRATIONS - held)
    if key_type == "management":
        return _without(MANAGEMENT_SCOPES, frozenset() if account.is_operator else OPERATOR_SCOPES - held)
    return {group: {name: PORTAL_SCOPES[name] for name in names} for group, names in PORTAL_GROUPS.items()}


def granting(openings: Iterable[str]) -> Actor:
    """Return the visitor as who grants these: as an operator only where that is needed and true."""
    found = visitor()
    needed = not OPERATOR_SCOPES.isdisjoint(openings)
    return found.actor(as_operator=needed and found.account.is_operator)


def _without(meanings: Mapping[str, str], left_out: frozenset[str]) -> Groups:
    return {"": {name: meaning for name, meaning in meanings.items() if name not in left_out}}
