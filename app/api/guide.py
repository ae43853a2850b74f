"""`GET /v1/guide`: the whole API in one answer, as far as the calling key opens it."""

from __future__ import annotations

from flask import Response

from app.api.answers import ApiBlueprint, answer
from app.api.spec import document
from app.auth import principal
from app.guide import guide_for
from app.openapi import answer_of
from app.schemas.guide import GuideAnswer
from app.services import services

blueprint = ApiBlueprint("guide", __name__, description="The API, told to programs.")


@blueprint.operation("GET", "/v1/guide", gives=answer_of(GuideAnswer))
def get_guide() -> Response:
    """Every endpoint with its parameters, an example and its codes; the scopes; the first calls to make."""
    return answer(guide_for(principal().key, document(), services().config.public_url))
