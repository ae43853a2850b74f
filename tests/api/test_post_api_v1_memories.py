"""POST /api/v1/memories: an account keeps a memory."""

from __future__ import annotations

from typing import Any

import pytest

from app.json_body import MAX_BYTES
from app.models import Memory
from tests.api.shelf import FIELDS, MEMORIES, Shelf, name_of


def test_201_answers_with_the_new_memory(shelf: Shelf) -> None:
    sent = {"text": "Prices are in cents.", "projectName": "acme/website", "metadata": {"by": "cursor"}}

    answer = shelf.post(MEMORIES, **sent)

    memory = answer.data
    assert answer.status == 201
    assert list(memory) == FIELDS[MEMORIES]
    assert {name: memory[name] for name in sent} == sent
    again = shelf.call("GET", f"{MEMORIES}/{memory['id']}")
    assert (again.data, again.headers["ETag"]) == (memory, answer.headers["ETag"])


def test_201_with_a_text_alone_also_twice(shelf: Shelf) -> None:
    first, second = shelf.keep(MEMORIES), shelf.keep(MEMORIES)

    assert (first["projectName"], first["metadata"]) == (None, {})
    assert shelf.found(MEMORIES) == [second["id"], first["id"]]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("text", value) for value in ("t", " t\n", "\x1b[31m\x07", "🙂\u2029é")),
        *(("projectName", value) for value in (None, "p", "p" * 255, "a/b")),
        *(("metadata", value) for value in ({}, {"k": "x" * 4088}, {"": [[]]})),
    ],
    ids=name_of,
)
def test_201_comes_back_as_it_was_sent(still_shelf: Shelf, field: str, value: Any) -> None:
    memory = still_shelf.keep(MEMORIES, **{field: value})

    assert memory[field] == value
    assert still_shelf.call("GET", f"{MEMORIES}/{memory['id']}").data == memory


@pytest.mark.parametrize("size", [MAX_BYTES - 1, MAX_BYTES, MAX_BYTES + 1])
def test_the_text_is_as_long_as_the_body_may_be(still_shelf: Shelf, size: int) -> None:
    text = "x" * (size - len('{"text": ""}'))

    answer = still_shelf.call("POST", MEMORIES, json={"text": text})

    assert answer.status == (201 if size <= MAX_BYTES else 413)
    if answer.status == 201:
        still_shelf.delete(f"{MEMORIES}/{answer.data['id']}")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("text", value) for value in ("", " \n\t", None, 5, ["a"], {"a": "b"})),
        *(("projectName", value) for value in ("", "/", "a//b", "..", "p" * 256, 5, "two\nlines")),
        *(("metadata", value) for value in (None, [], "a", {"k": "x" * 4089})),
        *((name, "x") for name in ("id", "title", "content", "slug", "labels", "status")),
    ],
    ids=name_of,
)
def test_400_names_the_field_and_keeps_nothing(still_shelf: Shelf, field: str, value: Any) -> None:
    before = Memory.select().count()

    answer = still_shelf.post(MEMORIES, **{field: value})

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == [field]
    assert Memory.select().count() == before


def test_400_names_what_is_missing(still_shelf: Shelf) -> None:
    answer = still_shelf.call("POST", MEMORIES, json={"projectName": "a"})

    assert list(answer.error["details"]) == ["text"]


@pytest.mark.parametrize("field", ["text", "projectName", "metadata"])
def test_400_a_raw_key_is_neither_kept_nor_cut(still_shelf: Shelf, field: str) -> None:
    value = {"a": still_shelf.key} if field == "metadata" else still_shelf.key

    answer = still_shelf.post(MEMORIES, **{field: value})

    assert (answer.status, list(answer.error["details"])) == (400, [field])
