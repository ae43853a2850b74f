"""`/api/v1/prompts`: the prompts of the caller's account, each by its id or its slug."""

from __future__ import annotations

from typing import Any

from flask import Response
from peewee import ModelSelect

from app.api.answers import ApiBlueprint, answer
from app.api.documents import IF_MATCH_PARAMETER, document_answer, expected_tags, listed, own
from app.auth import principal
from app.documents import find
from app.json_body import read_object
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
    fields = CreatePrompt().load(read_object())
    caller = principal()
    prompt = services().prompts.create(caller.actor(), caller.account.account_id, fields)
    return document_answer(prompt, PromptAnswer, 201)


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
    fields = ChangePrompt(partial=True).load(read_object())
    prompt = services().prompts.change(principal().actor(), _named(id), fields, expected_tags())
    return document_answer(prompt, PromptAnswer)


@blueprint.operation(
    "DELETE", "/api/v1/prompts/<id>", parameters=[IF_MATCH_PARAMETER], gives=answer_of(Deleted)
)
def delete_prompt(id: str) -> Response:
    """Delete a prompt."""
    prompt_id = services().prompts.delete(principal().actor(), _named(id), expected_tags())
    return answer({"id": prompt_id, "deleted": True})


def _named(name: str) -> ModelSelect[Any]:
    """Select the prompt with this id or slug; no slug looks like an id."""
    prompt_id = uuid_in(name)
    return own(Prompt).where(Prompt.slug == name if prompt_id is None else Prompt.id == prompt_id)
