"""Servers that run on behalf of a portal key.

A server belongs to the lineage of the key that registered it, and so follows every rotation. While it is
there, the newest key of the lineage cannot be deleted, since nobody could delete the server after it.
Registering and deleting hold the write lock in which keys are deleted too: no server is left without a key.
"""

from __future__ import annotations

from peewee import ModelSelect

from app.errors import ApiError
from app.ledger import Actor, Ledger
from app.models import Key, Server, new_id

_HOW_TO_DELETE = (
    "With the key itself: GET and DELETE /v1/infra/servers. If nobody has it any more: set its status to "
    "ACTIVE and its scopes to vibe:infra, rotate it with graceHours 0, delete the servers with the new key, "
    "then both keys. An operator can delete them too: vibekeys servers."
)


class Servers:
    """Registers and deletes servers. Refusals are `ApiError`s and change nothing."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def create(self, actor: Actor, *, portal_id: str, lineage_id: str, name: str) -> tuple[Server, str]:
        """Register a server for the lineage of the acting key; return it with the id of its newest key."""
        server = Server(portal=portal_id, lineage_id=lineage_id, name=name)
        with self._ledger.change(actor) as change:
            server.id = new_id(change.now_ms)
            server.created_at = change.now_ms
            server.save(force_insert=True)
            change.audit("server.created", "server", server.id, None, _facts(server))
            key_id = newest_keys([lineage_id])[lineage_id]
        return server, key_id

    def delete(
        self, actor: Actor, visible: ModelSelect[Server], server_id: str, lineage_id: str | None = None
    ) -> None:
        """Delete a server of `visible`, and of the lineage if one is named. Raises what `find` raises."""
        with self._ledger.change(actor) as change:
            server = find(visible, server_id, lineage_id)
            server.delete_instance()
            change.audit("server.deleted", "server", server.id, _facts(server), None)


def find(visible: ModelSelect[Server], server_id: str, lineage_id: str | None = None) -> Server:
    """Return the server, if it is among those.

    Raises `ApiError`: ENTITY_NOT_FOUND, and WRONG_KEY if it is of another lineage than the one named.
    """
    server: Server | None = visible.where(Server.id == server_id).first()
    if server is None:
        raise ApiError("ENTITY_NOT_FOUND")
    if lineage_id is not None and server.lineage_id != lineage_id:
        raise ApiError("WRONG_KEY")
    return server


def newest_keys(lineages: ModelSelect[Server] | list[str]) -> dict[str, str]:
    """Return the id of the newest existing key of each lineage, by the lineage's id."""
    keys = Key.select(Key.id, Key.lineage_id).where(Key.lineage_id.in_(lineages))
    # By rotations, not by age: after a clock was put back, a successor can be older than its predecessor.
    newest_last = keys.order_by(Key.rotated_at.is_null(), Key.rotated_at, Key.created_at, Key.id)
    return {key.lineage_id: key.id for key in newest_last}


def check_deletable(key: Key) -> None:
    """Raise `ApiError` KEY_HAS_ACTIVE_SERVERS for the newest key of a lineage that has servers."""
    servers = Server.select().where(Server.lineage_id == key.lineage_id).count()
    if servers and newest_keys([key.lineage_id])[key.lineage_id] == key.id:
        raise ApiError("KEY_HAS_ACTIVE_SERVERS", details={"servers": servers}, hint=_HOW_TO_DELETE)


def _facts(server: Server) -> dict[str, str]:
    return {"portal_id": server.portal_id, "lineage_id": server.lineage_id, "name": server.name}
