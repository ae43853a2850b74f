"""Memories, as they are sent and as they are shown."""

from __future__ import annotations

from marshmallow import fields

from app.schemas.base import StrictSchema
from app.schemas.document import Content, DocumentQuery, ProjectName, listed_text, metadata_field
from app.schemas.fields import Instant, refuse_raw_key


class CreateMemory(StrictSchema):
    """The body of `POST /api/v1/memories`."""

    text = Content(required=True, validate=refuse_raw_key)
    project_name = ProjectName(allow_none=True)
    metadata = metadata_field()


class ChangeMemory(CreateMemory):
    """The body of `PUT /api/v1/memories/{id}`; load it with `partial=True`."""


class ListMemories(DocumentQuery):
    """The query of `GET /api/v1/memories`."""

    project_name = ProjectName(metadata={"description": "Only memories of this project."})


class MemoryAnswer(StrictSchema):
    """A memory."""

    id = fields.String(required=True, metadata={"format": "uuid"})
    project_name = fields.String(required=True, allow_none=True)
    text = fields.String(required=True)
    metadata = fields.Dict(required=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class ListedMemory(MemoryAnswer):
    """A memory in a list."""

    text = listed_text()
