"""The three kinds of documents, and how each is named."""

from __future__ import annotations

from typing import Any

from app.documents.life import Documents
from app.documents.slugs import free_slug
from app.errors import ApiError
from app.models import Artifact, Memory, Prompt


class Prompts(Documents[Prompt]):
    """Prompts. Each has a slug of its own in its account, made of its first title; it stays as it is."""

    model, kind = Prompt, "prompt"
    audited = ("slug", "title", "status")

    def _name(self, document: Any) -> None:
        if document.slug is None:
            document.slug = free_slug(
                document.title, Prompt.select().where(Prompt.account == document.account_id)
            )


class Artifacts(Documents[Artifact]):
    """Artifacts. Each has a slug of its own in its project: one that was given, or one made of its title."""

    model, kind = Artifact, "artifact"
    audited = ("project_name", "slug", "title", "type", "status")

    def _name(self, document: Any) -> None:
        """Raises SLUG_TAKEN."""
        siblings = Artifact.select().where(
            Artifact.account == document.account_id,
            Artifact.project_name == document.project_name,
            Artifact.id != document.id,
        )
        if document.slug is None:
            document.slug = free_slug(document.title, siblings)
        elif siblings.where(Artifact.slug == document.slug).exists():
            details = {"projectName": document.project_name, "slug": document.slug}
            raise ApiError("SLUG_TAKEN", details=details)


class Memories(Documents[Memory]):
    """Memories, which have no name."""

    model, kind = Memory, "memory"
    audited = ("project_name",)
