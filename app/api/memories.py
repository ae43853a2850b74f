"""`/api/v1/memories`: the memories of the caller's account."""

from __future__ import annotations

from typing import Any

from flask import Response
from peewee import ModelSelect

from app.api.answers import ApiBlueprint
from app.api.documents import IF_MATCH_PARAMETER, changed, created, deleted, document_answer, listed, own
from app.documents import find
from app.models import Memory
from app.openapi import answer_of, page_of
from app.schemas.base import Deleted
from app.schemas.fields import uuid_in
from app.schemas.memory import ChangeMemory, CreateMemory, ListedMemory, ListMemories, MemoryAnswer
from app.services import services

blueprint = ApiBlueprint("memories", __name__, description="Memories of an account.")


@blueprint.operation("GET", "/api/v1/memories", query=ListMemories, gives=page_of(ListedMemory))
def list_memories(**query: Any) -> Response:
    """The account's memories, newest first."""
    return listed(own(Memory), Memory.text, ListedMemory, **query)


@blueprint.operation("POST", "/api/v1/memories", body=CreateMemory, gives=answer_of(MemoryAnswer), status=201)
def create_memory() -> Response:
    """A new memory."""
    return created(services().memories, CreateMemory, MemoryAnswer)


@blueprint.operation("GET", "/api/v1/memories/<id>", gives=answer_of(MemoryAnswer))
def get_memory(id: str) -> Response:
    """One memory."""
    return document_answer(find(_named(id)), MemoryAnswer)


@blueprint.operation(
    "PUT",
    "/api/v1/memories/<id>",
    body=ChangeMemory(partial=True),
    parameters=[IF_MATCH_PARAMETER],
    gives=answer_of(MemoryAnswer),
)
def update_memory(id: str) -> Response:
    """The memory after the change; absent fields stay as they are."""
    return changed(services().memories, _named(id), ChangeMemory, MemoryAnswer)


@blueprint.operation(
    "DELETE", "/api/v1/memories/<id>", parameters=[IF_MATCH_PARAMETER], gives=answer_of(Deleted)
)
def delete_memory(id: str) -> Response:
    """Delete a memory."""
    return deleted(services().memories, _named(id))


def _named(memory_id: str) -> ModelSelect[Any]:
    return own(Memory).where(Memory.id == uuid_in(memory_id))
