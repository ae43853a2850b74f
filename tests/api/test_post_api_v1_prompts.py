"""POST /api/v1/prompts: an account keeps a prompt."""

from __future__ import annotations

from typing import Any

import pytest

from app.json_body import MAX_BYTES
from app.models import Prompt
from tests.api.shelf import BODIES, FIELDS, PROMPTS, Shelf, name_of
from tests.api.world import World


def test_201_answers_with_the_new_prompt(shelf: Shelf) -> None:
    sent = {"description": "For pull requests", "status": "published", "labels": ["review", "code"]}

    answer = shelf.post(PROMPTS, **sent)

    prompt = answer.data
    assert answer.status == 201
    assert list(prompt) == FIELDS[PROMPTS]
    assert {name: prompt[name] for name in (*BODIES[PROMPTS], *sent)} == {**BODIES[PROMPTS], **sent}
    assert prompt["slug"] == "review-a-change"
    assert prompt["createdAt"] == prompt["updatedAt"]
    again = shelf.call("GET", f"{PROMPTS}/{prompt['id']}")
    assert (again.data, again.headers["ETag"]) == (prompt, answer.headers["ETag"])


def test_201_with_the_fewest_fields(still_shelf: Shelf) -> None:
    prompt = still_shelf.keep(PROMPTS)

    assert (prompt["status"], prompt["labels"], prompt["description"]) == ("draft", [], None)


@pytest.mark.parametrize("integration", ["ai_tools", "cli"])
def test_201_by_every_key_of_the_account(world: World, integration: str) -> None:
    key = world.issue("personal", world.admin.account, integrations=[integration]).raw_key

    answer = world.call("POST", PROMPTS, key, json=BODIES[PROMPTS])

    assert answer.status == 201
    assert Prompt.get(Prompt.id == answer.data["id"]).account_id == world.admin.account.id


def test_201_a_slug_that_is_taken_is_numbered(shelf: Shelf) -> None:
    slugs = [shelf.keep(PROMPTS, title=title)["slug"] for title in ("A b", "a  B!", "a-b-2", "a b", "a b 2")]

    assert slugs == ["a-b", "a-b-2", "a-b-2-2", "a-b-3", "a-b-2-3"]


def test_201_a_number_that_is_free_again_is_given_again(shelf: Shelf) -> None:
    prompts = [shelf.keep(PROMPTS, title="a") for _ in range(3)]
    shelf.delete(f"{PROMPTS}/a-2")

    assert [prompt["slug"] for prompt in prompts] == ["a", "a-2", "a-3"]
    assert shelf.keep(PROMPTS, title="a")["slug"] == "a-2"


def test_201_other_accounts_take_no_slugs(shelf: Shelf) -> None:
    others = Shelf(shelf.world)

    assert shelf.keep(PROMPTS)["slug"] == others.keep(PROMPTS)["slug"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("title", value) for value in ("t", "t" * 254, "t" * 255, "🙂" * 255, "<b>&amp;' OR 1=1 --")),
        *(("content", value) for value in ("c", " c\n", "\x1b[31mred\x0c\x08\x7f", "a\u2028b", "🙂" * 1000)),
        *(("description", value) for value in (None, "", " ", "d", "d" * 199, "d" * 200, "two\nlines")),
        *(("status", value) for value in ("draft", "published")),
        *(("labels", value) for value in ([], ["l"], ["l" * 50], ["🙂" * 50], [f"{n}" for n in range(10)])),
        ("labels", ["two words", "C++", '"quoted"', "a/b", "%2C", "é"]),
    ],
    ids=name_of,
)
def test_201_comes_back_as_it_was_sent(still_shelf: Shelf, field: str, value: Any) -> None:
    prompt = still_shelf.keep(PROMPTS, **{field: value})

    assert prompt[field] == value
    assert still_shelf.call("GET", f"{PROMPTS}/{prompt['id']}").data == prompt


def test_201_labels_are_kept_once_and_without_white_space_around_them(still_shelf: Shelf) -> None:
    assert still_shelf.keep(PROMPTS, labels=[" a ", "b", "a", "b\n"])["labels"] == ["a", "b"]


@pytest.mark.parametrize("size", [MAX_BYTES - 1, MAX_BYTES])
@pytest.mark.parametrize("character", ["x", "é"])
def test_201_the_content_is_as_long_as_the_body_may_be(still_shelf: Shelf, character: str, size: int) -> None:
    body = f'{{"title": "a", "content": "{character}"}}'.encode()
    spare = size - len(body)
    content = character + "x" * spare

    answer = still_shelf.call(
        "POST",
        PROMPTS,
        data=body.replace(character.encode(), content.encode()),
        content_type="application/json",
    )

    assert answer.status == 201
    assert answer.data["content"] == content
    still_shelf.delete(f"{PROMPTS}/{answer.data['id']}")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("title", value) for value in ("", " ", "t" * 256, "two\nlines", "a\tb", None, 5, ["a"])),
        *(("content", value) for value in ("", " ", "\n \t\u2028", "\u200b", None, 5, ["a"], {"a": "b"})),
        *(("description", value) for value in ("d" * 201, "\x1b[31m", 5, ["a"])),
        *(("status", value) for value in ("Draft", "", "active", None, 5, ["draft"])),
        *(
            ("labels", value)
            for value in (None, "a", {"a": 1}, [5], [None], [["a"]], [""], [" "], ["l" * 51])
        ),
        *(("labels", value) for value in (["a,b"], ["two\nlines"], ["a\x1b"], [f"{n}" for n in range(11)])),
        *((name, "x") for name in ("slug", "id", "metadata", "projectName", "createdAt", "accountId")),
    ],
    ids=name_of,
)
def test_400_names_the_field_and_keeps_nothing(still_shelf: Shelf, field: str, value: Any) -> None:
    before = Prompt.select().count()

    answer = still_shelf.post(PROMPTS, **{field: value})

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == [field]
    assert Prompt.select().count() == before


def test_400_names_everything_that_is_missing(still_shelf: Shelf) -> None:
    answer = still_shelf.call("POST", PROMPTS, json={})

    assert answer.status == 400
    assert set(answer.error["details"]) == {"title", "content"}


@pytest.mark.parametrize("field", ["title", "content", "description", "labels"])
def test_400_a_raw_key_is_neither_kept_nor_cut(still_shelf: Shelf, field: str) -> None:
    raw_key = still_shelf.key
    text, before = f"X-Api-Key: {raw_key[:40]}", Prompt.select().count()

    answer = still_shelf.post(PROMPTS, **{field: [text] if field == "labels" else text})

    assert (answer.status, list(answer.error["details"])) == (400, [field])
    assert raw_key[:40].encode() not in answer.body
    assert Prompt.select().count() == before
