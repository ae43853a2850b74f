"""`/api/v1/prompts`: the prompts of the caller's account, each by its id or its slug."""

from __future__ import annotations

from typing import Any

from flask import Response
from peewee import ModelSelect

from app.api.answers import ApiBlueprint
from app.api.documents import IF_MATCH_PARAMETER, changed, created, deleted, document_answer, listed, own
from app.documents import find
from app.models import Prompt
from app.openapi import answer_of, page_of
from app.schemas.base import Deleted
from app.schemas.fields import uuid_in
from app.schemas.prompt import ChangePrompt, CreatePrompt, ListedPrompt, ListPrompts, PromptAnswer
from app.services import services

blueprint = ApiBlueprint("prompts", __name__, description="Prompts of an account.")


@blueprint.operation("GET", "/api/v1/prompts", query=ListPrompts, gives=page_of(ListedPrompt))
def list_prompts(**query: Any) -> Response:
    """The account's prompts, newest first."""
    return listed(own(Prompt), Prompt.content, ListedPrompt, **query)


@blueprint.operation("POST", "/api/v1/prompts", body=CreatePrompt, gives=answer_of(PromptAnswer), status=201)
def create_prompt() -> Response:
    """A new prompt."""
    return created(services().prompts, CreatePrompt, PromptAnswer)


@blueprint.operation("GET", "/api/v1/prompts/<id>", gives=answer_of(PromptAnswer))
def get_prompt(id: str) -> Response:
    """One prompt."""
    return document_answer(find(_named(id)), PromptAnswer)


@blueprint.operation(
    "PUT",
    "/api/v1/prompts/<id>",
    body=ChangePrompt(partial=True),
    parameters=[IF_MATCH_PARAMETER],
    gives=answer_of(PromptAnswer),
)
def update_prompt(id: str) -> Response:
    """The prompt after the change; absent fields stay as they are."""
    return changed(services().prompts, _named(id), ChangePrompt, PromptAnswer)


@blueprint.operation(
    "DELETE", "/api/v1/prompts/<id>", parameters=[IF_MATCH_PARAMETER], gives=answer_of(Deleted)
)
def delete_prompt(id: str) -> Response:
    """Delete a prompt."""
    return deleted(services().prompts, _named(id))


def _named(name: str) -> ModelSelect[Any]:
    """Select the prompt with this id or slug; no slug looks like an id."""
    prompt_id = uuid_in(name)
    return own(Prompt).where(Prompt.slug == name if prompt_id is None else Prompt.id == prompt_id)
