"""`/api/v1/memories`: the memories of the caller's account."""

from __future__ import annotations

from typing import Any

from flask import Response
from peewee import ModelSelect

from app.api.answers import ApiBlueprint, answer, id_of_path
from app.api.documents import IF_MATCH_PARAMETER, document_answer, expected_tags, listed, own
from app.auth import principal
from app.documents import find
from app.json_body import read_object
from app.models import Memory
from app.openapi import answer_of, page_of
from app.schemas.base import Deleted
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
    fields = CreateMemory().load(read_object())
    caller = principal()
    memory = services().memories.create(caller.actor(), caller.account.account_id, fields)
    return document_answer(memory, MemoryAnswer, 201)


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
    fields = ChangeMemory(partial=True).load(read_object())
    memory = services().memories.change(principal().actor(), _named(id), fields, expected_tags())
    return document_answer(memory, MemoryAnswer)


@blueprint.operation(
    "DELETE", "/api/v1/memories/<id>", parameters=[IF_MATCH_PARAMETER], gives=answer_of(Deleted)
)
def delete_memory(id: str) -> Response:
    """Delete a memory."""
    memory_id = services().memories.delete(principal().actor(), _named(id), expected_tags())
    return answer({"id": memory_id, "deleted": True})


def _named(memory_id: str) -> ModelSelect[Any]:
    return own(Memory).where(Memory.id == id_of_path(memory_id))
