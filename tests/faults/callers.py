"""Keys of every type that may do all that keys of their type can do, of one account that has no limit."""

from __future__ import annotations

from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

from app.config import Config
from app.models import Account, Portal
from app.scopes import INTEGRATIONS, LEGACY_INTEGRATIONS, MANAGEMENT_SCOPES
from app.wiring import open_services
from tests.faults.changer import CLI, Environ


def issue_one_of_each_type(environ: Environ, made: Mapping[str, Any], pipe: Connection) -> dict[str, str]:
    """Issue them for the admin of an installation that `changer.install` made; return raw keys by type."""
    services = open_services(Config.from_env(environ))
    owner, portal = Account.get_by_id(made["admin"]), Portal.get_by_id(made["portal"])
    of_portal = {"portal": portal, "scopes": ["crm", "vibe:infra"]}
    settings: dict[str, dict[str, Any]] = {
        "api": of_portal,
        "authorization": of_portal,
        "management": {"scopes": list(MANAGEMENT_SCOPES)},
        "personal": {"integrations": sorted(set(INTEGRATIONS) - LEGACY_INTEGRATIONS)},
    }
    raw_keys = {
        key_type: services.keyring.issue(CLI, type=key_type, owner=owner, name=key_type, **fields).raw_key
        for key_type, fields in settings.items()
    }
    services.close()
    return raw_keys
