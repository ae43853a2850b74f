"""GET /api/v1/memories/{id}: one memory."""

from __future__ import annotations

import pytest

from tests.api.shelf import MEMORIES, Shelf
from tests.api.world import UNKNOWN_ID


def test_200_the_id_may_be_written_in_capitals(still_shelf: Shelf) -> None:
    memory = still_shelf.keep(MEMORIES)

    assert still_shelf.call("GET", f"{MEMORIES}/{memory['id'].upper()}").data == memory


def test_404_of_another_account_is_what_does_not_exist(shelf: Shelf) -> None:
    memory, another = shelf.keep(MEMORIES), Shelf(shelf.world)

    of_another, unknown = (another.call("GET", f"{MEMORIES}/{id}") for id in (memory["id"], UNKNOWN_ID))

    assert (unknown.status, unknown.code) == (404, "ENTITY_NOT_FOUND")
    assert of_another.bytes_but_request_id == unknown.bytes_but_request_id


@pytest.mark.parametrize("memory_id", ["7", UNKNOWN_ID[:-1], f"{UNKNOWN_ID}0", "%00", "%C3%A9", "x" * 500])
def test_404_what_can_be_no_id(still_shelf: Shelf, memory_id: str) -> None:
    path = f"{MEMORIES}/{memory_id}"
    answers = (still_shelf.call("GET", path), still_shelf.put(path, text="a"), still_shelf.delete(path))

    assert {answer.code for answer in answers} == {"ENTITY_NOT_FOUND"}
