"""GET /api/v1/memories: the account's memories."""

from __future__ import annotations

import pytest

from tests.api.shelf import FIELDS, MEMORIES, Shelf


@pytest.fixture(scope="module")
def ids(still_shelf: Shelf) -> dict[str, str]:
    """Memories of one account, oldest first, by text; and one of another account."""
    Shelf(still_shelf.world).keep(MEMORIES, projectName="acme")
    projects = {"one": "acme", "two": "acme/website", "three": None, "four": "acme"}
    return {
        text: still_shelf.keep(MEMORIES, text=text, projectName=project)["id"]
        for text, project in projects.items()
    }


def test_200_newest_first_and_only_the_accounts_own(still_shelf: Shelf, ids: dict[str, str]) -> None:
    answer = still_shelf.list(MEMORIES)

    assert [memory["id"] for memory in answer.data] == list(reversed(ids.values()))
    assert all(list(memory) == FIELDS[MEMORIES] for memory in answer.data)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"projectName": "acme"}, ["four", "one"]),
        ({"projectName": "acme/website"}, ["two"]),
        ({"projectName": "acme", "search": "one"}, ["one"]),
        ({"projectName": "null"}, []),
    ],
    ids=str,
)
def test_200_filters_are_all_applied(
    still_shelf: Shelf, ids: dict[str, str], query: dict[str, str], found: list[str]
) -> None:
    by_id = {memory_id: text for text, memory_id in ids.items()}
    assert [by_id[memory_id] for memory_id in still_shelf.found(MEMORIES, **query)] == found


@pytest.mark.parametrize("query", [{"projectName": ""}, {"status": "draft"}, {"type": "general"}], ids=str)
def test_400_names_the_parameter(still_shelf: Shelf, query: dict[str, str]) -> None:
    answer = still_shelf.list(MEMORIES, **query)

    assert (answer.status, list(answer.error["details"])) == (400, list(query))
