"""`/v1/infra/servers`: the servers of the calling key's lineage.

A server of another key of the same portal is told from one that does not exist, so that somebody who took the
wrong key sees it; a server of another portal does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response
from peewee import ModelSelect

from app.api.answers import ApiBlueprint, answer, id_of_path, page_answer
from app.auth import principal
from app.json_body import read_object
from app.models import Server
from app.openapi import answer_of, page_of
from app.paging import newest_first
from app.schemas.base import Deleted
from app.schemas.query import PageQuery
from app.schemas.server import CreateServer, ServerAnswer, server_answers
from app.servers import find, newest_keys
from app.services import services

blueprint = ApiBlueprint("servers", __name__, description="The servers that run on behalf of a portal key.")


@blueprint.operation("GET", "/v1/infra/servers", query=PageQuery, gives=page_of(ServerAnswer))
def list_servers(page: int, limit: int) -> Response:
    """The servers of the key's lineage, newest first."""
    rows, total = newest_first(_of_portal().where(Server.lineage_id == _lineage()), page, limit)
    return page_answer(_shown(rows), page=page, limit=limit, total=total)


@blueprint.operation(
    "POST", "/v1/infra/servers", body=CreateServer, gives=answer_of(ServerAnswer), status=201
)
def create_server() -> Response:
    """A new server of the key's lineage."""
    name = CreateServer().load(read_object())["name"]
    caller = principal()
    server, key_id = services().servers.create(
        caller.actor(), portal_id=caller.portal_id, lineage_id=_lineage(), name=name
    )
    return answer(server_answers([server], {server.lineage_id: key_id})[0], 201)


@blueprint.operation("GET", "/v1/infra/servers/<id>", gives=answer_of(ServerAnswer))
def get_server(id: str) -> Response:
    """One server."""
    return answer(_shown([find(_of_portal(), id_of_path(id), _lineage())])[0])


@blueprint.operation("DELETE", "/v1/infra/servers/<id>", gives=answer_of(Deleted))
def delete_server(id: str) -> Response:
    """Delete a server."""
    server_id = id_of_path(id)
    services().servers.delete(principal().actor(), _of_portal(), server_id, _lineage())
    return answer({"id": server_id, "deleted": True})


def _of_portal() -> ModelSelect[Server]:
    return Server.select().where(Server.portal == principal().portal_id)


def _shown(servers: Sequence[Server]) -> list[dict[str, Any]]:
    """Servers of the calling key's lineage. The key may have been deleted since it was admitted."""
    key = principal().key
    return server_answers(servers, {key.lineage_id: key.key_id} | newest_keys([key.lineage_id]))


def _lineage() -> str:
    return principal().key.lineage_id
