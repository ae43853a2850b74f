"""`ETag` and `If-Match` of prompts, artifacts and memories: who changes what he has not seen is refused."""

from __future__ import annotations

from typing import Any

import pytest

from app.models import Audit
from tests.api.shelf import BODIES, LISTS, LONG_TEXT, Shelf, name_of, path_of
from tests.api.world import Answer

of_every_kind = pytest.mark.parametrize("list_", LISTS, ids=name_of)
STALE_OR_STRANGE = [
    '"another"',
    "W/{tag}",
    'W/{tag}, "another"',
    '"another", "and-another"',
    '""',
    '"*"',
    '"é,"',
    '"' + "x" * 5_000 + '"',
]
MALFORMED = [
    *("", "  ", "another", "{bare}", '"', ",", "W/", "w/{tag}", "é", "x" * 5_000, "* *", "*, {tag}"),
    *("{tag} {tag}", "{tag}{tag}", "{tag}, another", '"a b"', "'{bare}'"),
]
MATCHING = ["{tag}", '"another", {tag}', '{tag},"another"', ', {tag} ,, W/"a,b",', "*", " * "]


def change(shelf: Shelf, list_: str, path: str, text: str, if_match: str | None = None) -> Answer:
    """Change the long text of a document."""
    return shelf.put(path, if_match, **{LONG_TEXT[list_]: text})


@of_every_kind
def test_each_state_has_a_tag_of_its_own(shelf: Shelf, list_: str) -> None:
    created = shelf.post(list_)
    path = path_of(list_, created.data)
    changed = [change(shelf, list_, path, text) for text in ("one", "two", "one")]

    tags = [answer.headers["ETag"] for answer in (created, *changed)]

    assert len(set(tags)) == 4
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)
    assert shelf.call("GET", path).headers["ETag"] == tags[-1]
    assert shelf.call("HEAD", path).headers["ETag"] == tags[-1]


@of_every_kind
def test_one_of_the_same_name_that_came_later_has_another_tag(shelf: Shelf, list_: str) -> None:
    first = shelf.post(list_)
    path = path_of(list_, first.data)
    shelf.delete(path)
    second = shelf.post(list_)

    assert second.headers["ETag"] != first.headers["ETag"]
    assert shelf.delete(path_of(list_, second.data), first.headers["ETag"]).status == 412


@of_every_kind
@pytest.mark.parametrize("if_match", MATCHING)
def test_200_the_tag_that_it_has(still_shelf: Shelf, list_: str, if_match: str) -> None:
    created = still_shelf.post(list_)
    path = path_of(list_, created.data)

    changed = change(still_shelf, list_, path, "new", _filled(if_match, created))
    assert (changed.status, changed.data[LONG_TEXT[list_]]) == (200, "new")

    assert still_shelf.delete(path, _filled(if_match, changed)).status == 200


@of_every_kind
@pytest.mark.parametrize("if_match", STALE_OR_STRANGE, ids=name_of)
def test_412_another_tag_changes_nothing(still_shelf: Shelf, list_: str, if_match: str) -> None:
    created = still_shelf.post(list_)
    path, changes = path_of(list_, created.data), Audit.select().count()

    answers = [
        change(still_shelf, list_, path, "new", _filled(if_match, created)),
        still_shelf.delete(path, _filled(if_match, created)),
    ]

    assert [(answer.status, answer.code) for answer in answers] == [(412, "PRECONDITION_FAILED")] * 2
    assert still_shelf.call("GET", path).data == created.data
    assert Audit.select().count() == changes  # one for every change there is


@of_every_kind
@pytest.mark.parametrize("if_match", MALFORMED, ids=name_of)
def test_400_what_is_no_tag_changes_nothing(still_shelf: Shelf, list_: str, if_match: str) -> None:
    created = still_shelf.post(list_)
    path = path_of(list_, created.data)

    answers = [
        change(still_shelf, list_, path, "new", _filled(if_match, created)),
        still_shelf.delete(path, _filled(if_match, created)),
    ]

    for answer in answers:
        assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
        assert list(answer.error["details"]) == ["If-Match"]
    assert still_shelf.call("GET", path).data == created.data


@of_every_kind
def test_412_a_tag_that_it_had(shelf: Shelf, list_: str) -> None:
    created = shelf.post(list_)
    path = path_of(list_, created.data)
    changed = change(shelf, list_, path, "of the first editor", created.headers["ETag"])

    late = change(shelf, list_, path, "of the second editor", created.headers["ETag"])
    again = change(shelf, list_, path, "of the second editor", changed.headers["ETag"])

    assert [answer.status for answer in (changed, late, again)] == [200, 412, 200]


@of_every_kind
def test_412_even_if_it_would_change_nothing(shelf: Shelf, list_: str) -> None:
    created = shelf.post(list_)

    assert shelf.put(path_of(list_, created.data), '"another"').status == 412


@of_every_kind
def test_what_is_wrong_is_told_in_order(shelf: Shelf, list_: str) -> None:
    path = path_of(list_, shelf.keep(list_))
    unknown = path_of(list_, {"id": "unknown", "projectName": "unknown", "slug": "unknown"})

    def code(path: str, text: Any) -> str:
        return shelf.put(path, '"another"', **{LONG_TEXT[list_]: text}).code

    assert [code(unknown, 5), code(unknown, "a"), code(path, "a")] == [
        "VALIDATION_ERROR",
        "ENTITY_NOT_FOUND",
        "PRECONDITION_FAILED",
    ]


@of_every_kind
def test_reading_and_creating_ask_for_no_tag(shelf: Shelf, list_: str) -> None:
    headers = {"If-Match": '"another"', "If-None-Match": "*"}
    created = shelf.call("POST", list_, json=BODIES[list_], headers=headers)

    assert created.status == 201
    assert shelf.call("GET", path_of(list_, created.data), headers=headers).status == 200
    assert shelf.call("GET", list_, headers=headers).status == 200


def _filled(if_match: str, answer: Answer) -> str:
    tag = answer.headers["ETag"]
    return if_match.replace("{tag}", tag).replace("{bare}", tag.strip('"'))
