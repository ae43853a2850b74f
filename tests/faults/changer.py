"""What is done to an installation from a process of its own, as the command line does it.

The process can be killed at a chosen moment, and the test run itself opens no database.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

from app.config import Config
from app.db import connect
from app.ledger import Actor
from app.migrations import migrate
from app.models import Key
from app.secrets import Secrets
from app.services import Services
from app.wiring import open_services

CLI = Actor("cli")
Environ = Mapping[str, str]
Task = tuple[str, str, dict[str, Any]]
"""What is to be done, the id of its target, and the rest."""


def install(environ: Environ, portal_keys: int, pipe: Connection) -> dict[str, Any]:
    """Make a database with one portal: an admin with a management key, a member with portal keys.

    Returns ids, raw keys, and the portal keys' own ids by their raw keys.
    """
    config = Config.from_env(environ)
    db = connect(config, create=True)
    migrate(db, config.state_dir)
    Secrets.load(config, create=True)
    db.close()
    services = open_services(config, redis="none")
    issue = services.keyring.issue
    admin = services.accounts.create(CLI, "admin@example.test", tier="enterprise", hourly_limit=None)
    member = services.accounts.create(CLI, "member@example.test", tier="pro")
    portal = services.portals.create(CLI, "portal.example.test")
    services.portals.set_member(CLI, portal.id, admin.id, "ADMIN")
    services.portals.set_member(CLI, portal.id, member.id, "MEMBER")
    scopes = ["vibe:mgmt:keys", "vibe:mgmt:portals", "vibe:mgmt:feedback"]
    management = issue(CLI, type="management", owner=admin, name="all", scopes=scopes)
    issued = [
        issue(CLI, type="api", owner=member, portal=portal, name=f"key {number}", scopes=["crm"])
        for number in range(portal_keys)
    ]
    made = {
        "portal": portal.id,
        "member": member.id,
        "admin": admin.id,
        "management_key": management.raw_key,
        "keys": {one.raw_key: one.key.id for one in issued},
    }
    services.close()
    return made


def serve(environ: Environ, pipe: Connection) -> None:
    """Make each change that comes through the pipe, and answer once it is in force."""
    services = open_services(Config.from_env(environ), redis="required")
    pipe.send(("state", "ready"))
    while True:
        _change(services, *pipe.recv())
        pipe.send(("state", "done"))


def change_and_die(environ: Environ, stage: str, task: Task, pipe: Connection) -> None:
    """Be killed by signal 9 when the change is `committed`, or `published` but not noted as such."""
    services = open_services(Config.from_env(environ), redis="required")
    if stage == "committed":
        services.publisher.publish = _die  # type: ignore[assignment]
    else:
        services.publisher._confirm = _die  # type: ignore[assignment]
    _change(services, *task)


def _change(services: Services, what: str, target: str, arguments: dict[str, Any]) -> None:
    if what == "key":
        fields = dict(arguments)
        if "revoked" in fields:
            fields["status"] = "REVOKED" if fields.pop("revoked") else "ACTIVE"
        services.keyring.change(CLI, Key.select(), target, fields)
    elif what == "delete":
        services.keyring.delete(CLI, Key.select(), target)
    elif what == "account":
        services.accounts.update(CLI, target, **arguments)
    elif what == "portal":
        services.portals.update(CLI, target, **arguments)
    elif what == "join":
        services.portals.set_member(CLI, target, arguments["account"], "MEMBER")
    elif what == "leave":
        services.portals.remove_member(CLI, target, arguments["account"])
    else:
        raise ValueError(what)


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
