"""GET /api/v1/prompts: the account's prompts."""

from __future__ import annotations

import pytest

from tests.api.shelf import FIELDS, PROMPTS, Shelf


@pytest.fixture(scope="module")
def ids(still_shelf: Shelf) -> dict[str, str]:
    """Prompts of one account, oldest first, by title; and one of another account."""
    Shelf(still_shelf.world).keep(PROMPTS, title="of another account", labels=["red"])
    fields = {
        "one": {"status": "draft", "labels": ["red"]},
        "two": {"status": "published", "labels": ["red", "two words"]},
        "three": {"status": "published", "labels": ["C++", '"red"', "\\"]},
        "four": {},
    }
    return {title: still_shelf.keep(PROMPTS, title=title, **more)["id"] for title, more in fields.items()}


def titles(shelf: Shelf, ids: dict[str, str], **query: str) -> list[str]:
    by_id = {prompt_id: title for title, prompt_id in ids.items()}
    return [by_id[prompt_id] for prompt_id in shelf.found(PROMPTS, **query)]


def test_200_newest_first_and_only_the_accounts_own(still_shelf: Shelf, ids: dict[str, str]) -> None:
    answer = still_shelf.list(PROMPTS)

    assert [prompt["id"] for prompt in answer.data] == list(reversed(ids.values()))
    assert all(list(prompt) == FIELDS[PROMPTS] for prompt in answer.data)
    assert answer.json["meta"] == {"page": 1, "limit": 50, "total": 4, "hasMore": False}
    assert "ETag" not in answer.headers


def test_200_in_pages(still_shelf: Shelf, ids: dict[str, str]) -> None:
    pages = [still_shelf.list(PROMPTS, page=page, limit=3) for page in (1, 2, 3)]

    assert [prompt["title"] for page in pages for prompt in page.data] == ["four", "three", "two", "one"]
    assert [page.json["meta"]["hasMore"] for page in pages] == [True, False, False]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "published"}, ["three", "two"]),
        ({"status": "draft"}, ["four", "one"]),
        ({"labels": "red"}, ["two", "one"]),
        ({"labels": "two words"}, ["two"]),
        ({"labels": "red,two words"}, ["two"]),
        ({"labels": " red , two words "}, ["two"]),
        ({"labels": "C++"}, ["three"]),
        ({"labels": '"red"'}, ["three"]),
        ({"labels": "\\"}, ["three"]),
        ({"labels": "re"}, []),
        ({"labels": "Red"}, []),
        ({"labels": "%"}, []),
        ({"labels": "red,C++"}, []),
        ({"labels": "red", "status": "published", "search": "two"}, ["two"]),
    ],
    ids=str,
)
def test_200_filters_are_all_applied(
    still_shelf: Shelf, ids: dict[str, str], query: dict[str, str], found: list[str]
) -> None:
    assert titles(still_shelf, ids, **query) == found


def test_200_is_empty_for_an_account_that_keeps_nothing(shelf: Shelf) -> None:
    assert shelf.list(PROMPTS).json["meta"]["total"] == 0


@pytest.mark.parametrize(
    "query",
    [
        {"status": "Draft"},
        {"status": ""},
        {"labels": ""},
        {"labels": "a,"},
        {"labels": "a\0b"},
        {"labels": "l" * 51},
        {"labels": ",".join("abcdefghijk")},
        {"search": "a\0b"},
        {"search": "s" * 201},
        {"projectName": "a"},
        {"page": "0"},
    ],
    ids=str,
)
def test_400_names_the_parameter(still_shelf: Shelf, query: dict[str, str]) -> None:
    answer = still_shelf.list(PROMPTS, **query)

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == list(query)
