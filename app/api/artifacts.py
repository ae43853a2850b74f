"""`/api/v1/artifacts`: the artifacts of the caller's account, each by its project and its slug.

A project's name may hold slashes, and does so in the path as well: the slug is what stands behind the last
one. Whether a slash is percent-encoded makes no difference.
"""

from __future__ import annotations

from typing import Any

from flask import Response
from peewee import ModelSelect

from app.api.answers import ApiBlueprint
from app.api.documents import IF_MATCH_PARAMETER, changed, created, deleted, document_answer, listed, own
from app.documents import find
from app.models import Artifact
from app.openapi import answer_of, page_of
from app.registry.documents import ARTIFACT_MAX_BYTES
from app.schemas.artifact import (
    ArtifactAnswer,
    ChangeArtifact,
    CreateArtifact,
    ListArtifacts,
    ListedArtifact,
)
from app.schemas.base import Deleted
from app.services import services

blueprint = ApiBlueprint("artifacts", __name__, description="Artifacts of an account, by project.")


@blueprint.operation("GET", "/api/v1/artifacts", query=ListArtifacts, gives=page_of(ListedArtifact))
def list_artifacts(**query: Any) -> Response:
    """The account's artifacts, newest first."""
    return listed(own(Artifact), Artifact.content, ListedArtifact, **query)


@blueprint.operation(
    "POST", "/api/v1/artifacts", body=CreateArtifact, gives=answer_of(ArtifactAnswer), status=201
)
def create_artifact() -> Response:
    """A new artifact."""
    return created(services().artifacts, CreateArtifact, ArtifactAnswer, ARTIFACT_MAX_BYTES)


@blueprint.operation("GET", "/api/v1/artifacts/<path:project>/<slug>", gives=answer_of(ArtifactAnswer))
def get_artifact(project: str, slug: str) -> Response:
    """One artifact."""
    return document_answer(find(_named(project, slug)), ArtifactAnswer)


@blueprint.operation(
    "PUT",
    "/api/v1/artifacts/<path:project>/<slug>",
    body=ChangeArtifact(partial=True),
    parameters=[IF_MATCH_PARAMETER],
    gives=answer_of(ArtifactAnswer),
)
def update_artifact(project: str, slug: str) -> Response:
    """The artifact after the change; absent fields stay as they are."""
    return changed(
        services().artifacts, _named(project, slug), ChangeArtifact, ArtifactAnswer, ARTIFACT_MAX_BYTES
    )


@blueprint.operation(
    "DELETE",
    "/api/v1/artifacts/<path:project>/<slug>",
    parameters=[IF_MATCH_PARAMETER],
    gives=answer_of(Deleted),
)
def delete_artifact(project: str, slug: str) -> Response:
    """Delete an artifact."""
    return deleted(services().artifacts, _named(project, slug))


def _named(project: str, slug: str) -> ModelSelect[Any]:
    return own(Artifact).where(Artifact.project_name == project, Artifact.slug == slug)
