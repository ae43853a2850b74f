"""PUT /api/v1/memories/{id}: what is sent changes, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.shelf import MEMORIES, Shelf, name_of


@pytest.mark.parametrize(
    ("field", "value"),
    [("text", "another"), ("projectName", "another"), ("projectName", None), ("metadata", {"another": 1})],
    ids=name_of,
)
def test_200_changes_only_what_is_sent(still_shelf: Shelf, field: str, value: Any) -> None:
    memory = still_shelf.keep(MEMORIES, projectName="acme", metadata={"k": 1})
    path = f"{MEMORIES}/{memory['id']}"

    answer = still_shelf.put(path, **{field: value})

    assert answer.status == 200
    assert answer.data == {**memory, field: value, "updatedAt": answer.data["updatedAt"]}
    assert still_shelf.call("GET", path).data == answer.data


@pytest.mark.parametrize(
    ("field", "value"),
    [("text", ""), ("text", None), ("projectName", "a//b"), ("metadata", None), ("title", "a")],
    ids=name_of,
)
def test_400_names_the_field_and_changes_nothing(still_shelf: Shelf, field: str, value: Any) -> None:
    memory = still_shelf.keep(MEMORIES)

    answer = still_shelf.put(f"{MEMORIES}/{memory['id']}", **{"metadata": {"b": 1}, field: value})

    assert (answer.status, list(answer.error["details"])) == (400, [field])
    assert still_shelf.call("GET", f"{MEMORIES}/{memory['id']}").data == memory


def test_404_of_another_account_and_changes_nothing(shelf: Shelf) -> None:
    memory = shelf.keep(MEMORIES)

    assert Shelf(shelf.world).put(f"{MEMORIES}/{memory['id']}", text="a").code == "ENTITY_NOT_FOUND"

    assert shelf.call("GET", f"{MEMORIES}/{memory['id']}").data == memory
