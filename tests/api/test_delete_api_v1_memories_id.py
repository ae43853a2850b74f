"""DELETE /api/v1/memories/{id}."""

from __future__ import annotations

from tests.api.shelf import MEMORIES, Shelf


def test_200_and_it_is_gone(shelf: Shelf) -> None:
    memory, other = shelf.keep(MEMORIES), shelf.keep(MEMORIES)
    path = f"{MEMORIES}/{memory['id']}"

    answer = shelf.delete(path)

    assert (answer.status, answer.data) == (200, {"id": memory["id"], "deleted": True})
    assert {shelf.call("GET", path).code, shelf.delete(path).code} == {"ENTITY_NOT_FOUND"}
    assert shelf.found(MEMORIES) == [other["id"]]


def test_404_of_another_account_and_it_stays(shelf: Shelf) -> None:
    memory = shelf.keep(MEMORIES)

    assert Shelf(shelf.world).delete(f"{MEMORIES}/{memory['id']}").code == "ENTITY_NOT_FOUND"

    assert shelf.found(MEMORIES) == [memory["id"]]
