"""Servers, as they are registered and as they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import fields

from app.models import Server
from app.schemas.base import StrictSchema
from app.schemas.fields import Instant, Text, refuse_raw_key

NAME_LENGTH = 255


class CreateServer(StrictSchema):
    """The body of `POST /v1/infra/servers`."""

    name = Text(1, NAME_LENGTH, required=True, validate=refuse_raw_key)


class ServerAnswer(StrictSchema):
    """A server of a key's lineage."""

    id = fields.String(required=True, metadata={"format": "uuid"})
    name = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": ["ACTIVE"]})
    key_id = fields.String(
        required=True, metadata={"format": "uuid", "description": "The newest key of the server's lineage."}
    )
    created_at = Instant(required=True)


def server_answers(servers: Iterable[Server], key_ids: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the servers in the shape of `ServerAnswer`; `key_ids` has the newest key of each lineage."""
    shown: list[dict[str, Any]] = ServerAnswer(many=True).dump(
        [{**server.__data__, "status": "ACTIVE", "key_id": key_ids[server.lineage_id]} for server in servers]
    )
    return shown
