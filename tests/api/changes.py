"""Every route that changes something, with a call of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.api.alerts import new_alert
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


PROMPT = {"title": "A title", "content": TEXT, "description": TEXT}
ARTIFACT = {"projectName": "acme/website", **PROMPT, "metadata": {"k": TEXT}}
MEMORY = {"text": TEXT, "metadata": {"k": TEXT}}


def create_prompt(world: World) -> Call:
    return Call("/api/v1/prompts", world.personal_key().raw_key, PROMPT, ("prompt.created",))


def update_prompt(world: World) -> Call:
    path, key = _document(world, "/api/v1/prompts", PROMPT)
    return Call(path, key, {"content": f"{TEXT}, changed", "labels": ["new"]}, ("prompt.changed",))


def delete_prompt(world: World) -> Call:
    path, key = _document(world, "/api/v1/prompts", PROMPT)
    return Call(path, key, None, ("prompt.deleted",))


def create_artifact(world: World) -> Call:
    return Call("/api/v1/artifacts", world.personal_key().raw_key, ARTIFACT, ("artifact.created",))


def update_artifact(world: World) -> Call:
    _, key = _document(world, "/api/v1/artifacts", ARTIFACT)
    body = {"content": f"{TEXT}, changed", "slug": "moved"}
    return Call("/api/v1/artifacts/acme/website/a-title", key, body, ("artifact.changed",))


def delete_artifact(world: World) -> Call:
    _, key = _document(world, "/api/v1/artifacts", ARTIFACT)
    return Call("/api/v1/artifacts/acme/website/a-title", key, None, ("artifact.deleted",))


def create_memory(world: World) -> Call:
    return Call("/api/v1/memories", world.personal_key().raw_key, MEMORY, ("memory.created",))


def update_memory(world: World) -> Call:
    path, key = _document(world, "/api/v1/memories", MEMORY)
    return Call(path, key, {"text": f"{TEXT}, changed"}, ("memory.changed",))


def delete_memory(world: World) -> Call:
    path, key = _document(world, "/api/v1/memories", MEMORY)
    return Call(path, key, None, ("memory.deleted",))


def create_personal_key(world: World) -> Call:
    body = {"name": "new", "integrations": ["cli"]}
    return Call("/api/v1/api-keys", world.personal_key().raw_key, body, ("key.issued",))


def update_personal_key(world: World) -> Call:
    path = f"/api/v1/api-keys/{world.personal_key().key.id}"
    return Call(path, world.personal_key().raw_key, {"name": "renamed"}, ("key.changed",))


def delete_personal_key(world: World) -> Call:
    path = f"/api/v1/api-keys/{world.personal_key().key.id}"
    return Call(path, world.personal_key().raw_key, None, ("key.deleted",))


def rotate_personal_key(world: World) -> Call:
    path = f"/api/v1/api-keys/{world.personal_key().key.id}/rotate"
    return Call(path, world.personal_key().raw_key, {}, ("key.issued", "key.rotated"))


def update_account(world: World) -> Call:
    return Call(
        "/api/v1/account", world.personal_key().raw_key, {"timezone": "Europe/Berlin"}, ("account.changed",)
    )


def dismiss_alert(world: World) -> Call:
    path = f"/api/v1/alerts/{new_alert(world, world.admin).id}"
    return Call(path, world.personal_key().raw_key, {"status": "DISMISSED"}, ("alert.dismissed",))


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
    ("POST", "/api/v1/prompts"): (create_prompt,),
    ("PUT", "/api/v1/prompts/{id}"): (update_prompt,),
    ("DELETE", "/api/v1/prompts/{id}"): (delete_prompt,),
    ("POST", "/api/v1/artifacts"): (create_artifact,),
    ("PUT", "/api/v1/artifacts/{project}/{slug}"): (update_artifact,),
    ("DELETE", "/api/v1/artifacts/{project}/{slug}"): (delete_artifact,),
    ("POST", "/api/v1/memories"): (create_memory,),
    ("PUT", "/api/v1/memories/{id}"): (update_memory,),
    ("DELETE", "/api/v1/memories/{id}"): (delete_memory,),
    ("POST", "/api/v1/api-keys"): (create_personal_key,),
    ("PATCH", "/api/v1/api-keys/{id}"): (update_personal_key,),
    ("DELETE", "/api/v1/api-keys/{id}"): (delete_personal_key,),
    ("POST", "/api/v1/api-keys/{id}/rotate"): (rotate_personal_key,),
    ("PATCH", "/api/v1/account"): (update_account,),
    ("PATCH", "/api/v1/alerts/{id}"): (dismiss_alert,),
}
ONLY_TELL = {("POST", "/api/v1/claude-code/hooks"), ("POST", "/api/v1/cursor-ide/hooks")}
"""What hooks tell is never changed, and stands in the activity of its account."""


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


def _document(world: World, path: str, body: Mapping[str, Any]) -> tuple[str, str]:
    """The path of a new document by its id, and the key that made it."""
    key = world.personal_key().raw_key
    made = world.call("POST", path, key, json=body)
    return f"{path}/{made.data['id']}", key
