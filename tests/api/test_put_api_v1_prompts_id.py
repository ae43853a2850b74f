"""PUT /api/v1/prompts/{id}: what is sent changes, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from app.models import Audit
from tests.api.shelf import PROMPTS, Shelf, name_of

CHANGES: dict[str, Any] = {
    "title": "Another title",
    "content": "Another content",
    "description": "Another description",
    "status": "published",
    "labels": ["another"],
}


@pytest.mark.parametrize("field", CHANGES)
def test_200_changes_only_what_is_sent(still_shelf: Shelf, field: str) -> None:
    prompt = still_shelf.keep(PROMPTS)
    path = f"{PROMPTS}/{prompt['id']}"

    answer = still_shelf.put(path, **{field: CHANGES[field]})

    assert answer.status == 200
    assert answer.data == {**prompt, field: CHANGES[field], "updatedAt": answer.data["updatedAt"]}
    assert answer.data["updatedAt"] > prompt["updatedAt"]
    again = still_shelf.call("GET", path)
    assert (again.data, again.headers["ETag"]) == (answer.data, answer.headers["ETag"])


def test_200_all_fields_at_once_by_the_slug_which_stays(still_shelf: Shelf) -> None:
    prompt = still_shelf.keep(PROMPTS, title="What it was called first")

    answer = still_shelf.put(f"{PROMPTS}/{prompt['slug']}", **CHANGES)

    assert {name: answer.data[name] for name in CHANGES} == CHANGES
    assert answer.data["slug"] == "what-it-was-called-first"


def test_200_a_description_can_be_taken_back(still_shelf: Shelf) -> None:
    prompt = still_shelf.keep(PROMPTS, description="a")

    assert still_shelf.put(f"{PROMPTS}/{prompt['id']}", description=None).data["description"] is None


@pytest.mark.parametrize(
    "fields", [{}, {"title": "As it was"}, {"labels": ["a"], "description": "b"}], ids=str
)
def test_200_what_is_so_already_changes_nothing(still_shelf: Shelf, fields: dict[str, Any]) -> None:
    created = still_shelf.post(PROMPTS, title="As it was", labels=["a"], description="b")
    changes = Audit.select().count()

    answer = still_shelf.put(f"{PROMPTS}/{created.data['id']}", **fields)

    assert (answer.status, answer.data) == (200, created.data)
    assert answer.headers["ETag"] == created.headers["ETag"]
    assert Audit.select().count() == changes  # one for every change there is


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "t" * 256),
        ("content", " "),
        ("content", None),
        ("description", "d" * 201),
        ("status", "active"),
        ("labels", ["l" * 51]),
        ("labels", None),
        ("slug", "another"),
        ("id", "another"),
    ],
    ids=name_of,
)
def test_400_names_the_field_and_changes_nothing(still_shelf: Shelf, field: str, value: Any) -> None:
    prompt = still_shelf.keep(PROMPTS)

    answer = still_shelf.put(f"{PROMPTS}/{prompt['id']}", **{"labels": ["b"], field: value})

    assert (answer.status, list(answer.error["details"])) == (400, [field])
    assert still_shelf.call("GET", f"{PROMPTS}/{prompt['id']}").data == prompt


def test_400_a_raw_key_changes_nothing(still_shelf: Shelf) -> None:
    prompt = still_shelf.keep(PROMPTS)

    answer = still_shelf.put(f"{PROMPTS}/{prompt['id']}", content=f"My key: {still_shelf.key}")

    assert (answer.status, list(answer.error["details"])) == (400, ["content"])
    assert still_shelf.call("GET", f"{PROMPTS}/{prompt['id']}").data == prompt


def test_404_of_another_account_and_changes_nothing(shelf: Shelf) -> None:
    prompt = shelf.keep(PROMPTS)

    answer = Shelf(shelf.world).put(f"{PROMPTS}/{prompt['id']}", title="taken over")

    assert (answer.status, answer.code) == (404, "ENTITY_NOT_FOUND")
    assert shelf.call("GET", f"{PROMPTS}/{prompt['id']}").data == prompt


def test_405_patch(still_shelf: Shelf) -> None:
    answer = still_shelf.call("PATCH", f"{PROMPTS}/a", json={})

    assert (answer.status, answer.headers["Allow"]) == (405, "DELETE, GET, HEAD, PUT")
