"""GET /api/v1/prompts/{id}: one prompt, by its id or its slug."""

from __future__ import annotations

import pytest

from tests.api.shelf import PROMPTS, Shelf
from tests.api.world import UNKNOWN_ID


def test_200_by_id_and_by_slug(still_shelf: Shelf) -> None:
    prompt = still_shelf.keep(PROMPTS, title="By two names")

    answers = [
        still_shelf.call("GET", f"{PROMPTS}/{name}")
        for name in (prompt["id"], prompt["id"].upper(), "by-two-names")
    ]

    assert [answer.data for answer in answers] == [prompt] * 3
    assert len({answer.headers["ETag"] for answer in answers}) == 1


def test_404_an_id_is_no_slug_of_another_one(still_shelf: Shelf) -> None:
    first = still_shelf.keep(PROMPTS)
    second = still_shelf.keep(PROMPTS, title=first["id"].upper())
    path = f"{PROMPTS}/{first['id']}"
    assert second["slug"] == f"id-{first['id']}"
    assert still_shelf.call("GET", path).data == first

    assert [still_shelf.delete(path).status for _ in range(2)] == [200, 404]

    assert still_shelf.call("GET", path).status == 404
    assert still_shelf.call("GET", f"{PROMPTS}/{second['slug']}").data == second


def test_404_of_another_account_is_what_does_not_exist(shelf: Shelf) -> None:
    prompt, another = shelf.keep(PROMPTS), Shelf(shelf.world)

    for name in (prompt["id"], prompt["slug"]):
        of_another = another.call("GET", f"{PROMPTS}/{name}")
        unknown = another.call("GET", f"{PROMPTS}/{UNKNOWN_ID}")
        assert (unknown.status, unknown.code) == (404, "ENTITY_NOT_FOUND")
        assert of_another.bytes_but_request_id == unknown.bytes_but_request_id


@pytest.mark.parametrize("name", ["7", "REVIEW-A-CHANGE", "%00", "%C3%A9", "%FF", "x" * 500, "a%20b", "%"])
def test_404_what_is_no_name(still_shelf: Shelf, name: str) -> None:
    still_shelf.keep(PROMPTS)

    assert still_shelf.call("GET", f"{PROMPTS}/{name}").code == "ENTITY_NOT_FOUND"


def test_404_below_a_prompt_and_behind_a_slash_is_nothing(still_shelf: Shelf) -> None:
    assert still_shelf.call("GET", f"{PROMPTS}/a/b").code == "NOT_FOUND"
    assert still_shelf.call("GET", f"{PROMPTS}/").code == "NOT_FOUND"


def test_400_unknown_query(still_shelf: Shelf) -> None:
    assert still_shelf.call("GET", f"{PROMPTS}/a?search=b").code == "VALIDATION_ERROR"
