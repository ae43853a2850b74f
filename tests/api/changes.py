"""Every route that changes something, with a call of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.api.world import World

TEXT = "a text that is long, and no fact of its ticket"


@dataclass(frozen=True)
class Call:
    """One change: who asks for it with what, and the actions that it leaves, the last one on its target."""

    path: str
    raw_key: str
    body: Mapping[str, Any] | None
    actions: tuple[str, ...]


def create_key(world: World) -> Call:
    body = {"portalId": world.portal.id, "name": "new", "scopes": ["crm"]}
    return Call("/v1/keys", world.admin.management_key, body, ("key.issued",))


def update_key(world: World) -> Call:
    path = f"/v1/keys/{world.portal_key().key.id}"
    return Call(path, world.admin.management_key, {"name": "renamed"}, ("key.changed",))


def revoke_key(world: World) -> Call:
    path = f"/v1/keys/{world.portal_key().key.id}"
    return Call(path, world.admin.management_key, {"status": "REVOKED"}, ("key.revoked",))


def delete_key(world: World) -> Call:
    path = f"/v1/keys/{world.portal_key().key.id}"
    return Call(path, world.admin.management_key, None, ("key.deleted",))


def rotate_key(world: World) -> Call:
    path = f"/v1/keys/{world.portal_key().key.id}/rotate"
    return Call(path, world.admin.management_key, {}, ("key.issued", "key.rotated"))


def create_ticket(world: World) -> Call:
    body = {"category": "BUG", "title": "It is broken", "description": TEXT}
    return Call("/v1/feedback", world.portal_key().raw_key, body, ("ticket.created",))


def update_ticket(world: World) -> Call:
    body = {"status": "RESOLVED", "resolution": "Mended."}
    return Call(f"/v1/feedback/{_ticket(world)}", _team(world), body, ("ticket.changed",))


def answer_ticket(world: World) -> Call:
    body = {"text": TEXT, "status": "AWAITING_USER"}
    return Call(f"/v1/feedback/{_ticket(world)}/comments", _team(world), body, ("ticket.commented",))


def reply_to_ticket(world: World) -> Call:
    path = f"/v1/feedback/{_ticket(world)}/comments"
    return Call(path, world.portal_key().raw_key, {"text": TEXT}, ("ticket.commented",))


def create_server(world: World) -> Call:
    key = world.portal_key(scopes=["vibe:infra"])
    return Call("/v1/infra/servers", key.raw_key, {"name": "builder"}, ("server.created",))


def delete_server(world: World) -> Call:
    key = world.portal_key(scopes=["vibe:infra"])
    made = world.call("POST", "/v1/infra/servers", key.raw_key, json={"name": "builder"}).data
    return Call(f"/v1/infra/servers/{made['id']}", key.raw_key, None, ("server.deleted",))


CHANGES: Mapping[tuple[str, str], tuple[Callable[[World], Call], ...]] = {
    ("POST", "/v1/keys"): (create_key,),
    ("PATCH", "/v1/keys/{id}"): (update_key, revoke_key),
    ("DELETE", "/v1/keys/{id}"): (delete_key,),
    ("POST", "/v1/keys/{id}/rotate"): (rotate_key,),
    ("POST", "/v1/feedback"): (create_ticket,),
    ("PATCH", "/v1/feedback/{id}"): (update_ticket,),
    ("POST", "/v1/feedback/{id}/comments"): (answer_ticket, reply_to_ticket),
    ("POST", "/v1/infra/servers"): (create_server,),
    ("DELETE", "/v1/infra/servers/{id}"): (delete_server,),
}


every_change = pytest.mark.parametrize(
    ("method", "call"),
    [(method, call) for (method, _), calls in CHANGES.items() for call in calls],
    ids=lambda value: getattr(value, "__name__", value),
)


def _team(world: World) -> str:
    return world.issue("management", world.admin.account, scopes=["vibe:mgmt:feedback"]).raw_key


def _ticket(world: World) -> str:
    body = {"category": "BUG", "title": "It is broken", "description": TEXT}
    made = world.call("POST", "/v1/feedback", world.portal_key().raw_key, json=body)
    return str(made.data["id"])
