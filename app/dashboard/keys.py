"""The lists of what belongs to an account itself: its API keys, and its management keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Response
from peewee import ModelSelect

from app.dashboard.key_table import show, table_of_keys
from app.dashboard.page import get
from app.dashboard.visitor import visitor
from app.models import Key
from app.scopes import INTEGRATIONS, MANAGEMENT_SCOPES
from app.visible_keys import management_keys, personal_keys


@dataclass(frozen=True, slots=True)
class Kind:
    """What the list of one kind of keys says of them. `opens` is what they can open, with its meaning."""

    section: str
    title: str
    new: str
    purpose: str
    opens: Mapping[str, str]
    has_legacy: bool = False


_PERSONAL = Kind(
    section="keys",
    title="API keys",
    new="Create New API Key",
    purpose="For tools, IDEs and scripts that work with your prompts, artifacts and memories.",
    opens=INTEGRATIONS,
    has_legacy=True,
)
_MANAGEMENT = Kind(
    section="management-keys",
    title="Management keys",
    new="Create management key",
    purpose="For programs that manage the keys of your portals. They cannot call Bitrix24 themselves.",
    opens=MANAGEMENT_SCOPES,
)


@get("/dashboard/keys")
def personal() -> Response:
    """The account's API keys."""
    return _list(_PERSONAL, personal_keys(visitor().account_id))


@get("/dashboard/management-keys")
def management() -> Response:
    """The account's management keys."""
    return _list(_MANAGEMENT, management_keys(visitor().account_id))


def _list(kind: Kind, keys: ModelSelect[Key]) -> Response:
    table = table_of_keys(keys, kind.opens, legacy=kind.has_legacy)
    return show(table, "keys/list.html", "keys/_list.html", title=kind.title, section=kind.section, kind=kind)
