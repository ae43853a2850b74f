"""Artifacts, as they are sent and as they are shown."""

from __future__ import annotations

from marshmallow import fields

from app.models.document import ARTIFACT_STATUSES, ARTIFACT_TYPES
from app.schemas.base import StrictSchema
from app.schemas.document import (
    Content,
    DocumentQuery,
    ProjectName,
    Slug,
    description_field,
    listed_text,
    metadata_field,
    title_field,
)
from app.schemas.fields import Choice, Instant, refuse_raw_key

DESCRIPTION_LENGTH = 500
CONTENT_BYTES = 1_000_000


class CreateArtifact(StrictSchema):
    """The body of `POST /api/v1/artifacts`."""

    project_name = ProjectName(required=True)
    slug = Slug(metadata={"description": "Its name in the project; without it one is made of the title."})
    title = title_field(required=True)
    content = Content(CONTENT_BYTES, required=True, validate=refuse_raw_key)
    description = description_field(DESCRIPTION_LENGTH)
    type = Choice(ARTIFACT_TYPES, load_default="general")
    status = Choice(ARTIFACT_STATUSES, load_default="active")
    metadata = metadata_field()


class ChangeArtifact(CreateArtifact):
    """The body of `PUT /api/v1/artifacts/{project}/{slug}`; load it with `partial=True`."""


class ListArtifacts(DocumentQuery):
    """The query of `GET /api/v1/artifacts`."""

    project_name = ProjectName(metadata={"description": "Only artifacts of this project."})
    type = Choice(ARTIFACT_TYPES, metadata={"description": "Only artifacts of this type."})
    status = Choice(ARTIFACT_STATUSES, metadata={"description": "Only artifacts with this status."})


class ArtifactAnswer(StrictSchema):
    """An artifact."""

    id = fields.String(required=True, metadata={"format": "uuid"})
    project_name = fields.String(required=True)
    slug = fields.String(required=True, metadata={"description": "Its name in the project."})
    title = fields.String(required=True)
    content = fields.String(required=True)
    description = fields.String(required=True, allow_none=True)
    type = fields.String(required=True, metadata={"enum": list(ARTIFACT_TYPES)})
    status = fields.String(required=True, metadata={"enum": list(ARTIFACT_STATUSES)})
    metadata = fields.Dict(required=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class ListedArtifact(ArtifactAnswer):
    """An artifact in a list."""

    content = listed_text()
