"""POST /api/v1/artifacts: an account keeps an artifact."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.models import Artifact
from app.registry.documents import ARTIFACT_MAX_BYTES
from app.schemas.artifact import CONTENT_BYTES
from tests.api.shelf import ARTIFACTS, BODIES, FIELDS, Shelf, name_of, path_of

JSON = "application/json"
PROJECTS = [
    "p",
    "p" * 255,
    "acme/website",
    "a/b/c/d",
    ".hidden/..x/x..",
    "100% & more?#=+;:@,!$'()*",
    "%2F/%2f%",
    "two words",
    "Проект/é/日本語/🙂",
    "e\u0301",
    "\\",
    "~",
]
SIZES = [CONTENT_BYTES - 4, CONTENT_BYTES]
CHARACTERS = ["x", "é", "語", "🙂", "\n", '"', "\x1b"]


def test_201_answers_with_the_new_artifact(shelf: Shelf) -> None:
    sent = {"slug": "Report_48.md", "description": "What was done", "type": "work_reports"}
    more = {"status": "expired", "metadata": {"by": ["claude", 1, 1.5, None, True]}}

    answer = shelf.post(ARTIFACTS, **sent, **more)

    artifact = answer.data
    assert answer.status == 201
    assert list(artifact) == FIELDS[ARTIFACTS]
    wanted = {**BODIES[ARTIFACTS], **sent, **more}
    assert {name: artifact[name] for name in wanted} == wanted
    again = shelf.call("GET", path_of(ARTIFACTS, artifact))
    assert (again.data, again.headers["ETag"]) == (artifact, answer.headers["ETag"])


def test_201_with_the_fewest_fields(still_shelf: Shelf) -> None:
    artifact = still_shelf.keep(ARTIFACTS, title="A title of its own")

    assert (artifact["slug"], artifact["type"], artifact["status"]) == (
        "a-title-of-its-own",
        "general",
        "active",
    )
    assert (artifact["description"], artifact["metadata"]) == (None, {})


def test_201_a_slug_from_a_title_is_numbered_in_its_project(shelf: Shelf) -> None:
    def slug(project: str) -> str:
        return str(shelf.keep(ARTIFACTS, projectName=project)["slug"])

    assert [slug("a"), slug("a"), slug("b"), slug("a/b"), slug("a")] == [
        "week-48",
        "week-48-2",
        "week-48",
        "week-48",
        "week-48-3",
    ]


@pytest.mark.parametrize("project", PROJECTS, ids=name_of)
def test_201_a_project_is_found_again_by_its_path(shelf: Shelf, project: str) -> None:
    artifact = shelf.keep(ARTIFACTS, projectName=project)

    assert artifact["projectName"] == project
    assert shelf.call("GET", path_of(ARTIFACTS, artifact)).data == artifact
    assert shelf.found(ARTIFACTS, projectName=project) == [artifact["id"]]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("slug", value) for value in ("s", "S" * 254, "S" * 255, "a.b", "a_b-c", "0", "v1.2")),
        *(("title", value) for value in ("t", "t" * 254, "t" * 255)),
        *(("description", value) for value in (None, "", "d" * 499, "d" * 500, "two\nlines")),
        *(("type", value) for value in ("work_reports", "static_contexts", "general")),
        *(("status", value) for value in ("active", "expired")),
        *(("metadata", value) for value in ({}, {"k": "x" * 4086}, {"k": "x" * 4087}, {"k": "x" * 4088})),
    ],
    ids=name_of,
)
def test_201_comes_back_as_it_was_sent(shelf: Shelf, field: str, value: Any) -> None:
    artifact = shelf.keep(ARTIFACTS, **{field: value})

    assert artifact[field] == value
    assert shelf.call("GET", path_of(ARTIFACTS, artifact)).data == artifact


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("character", CHARACTERS)
def test_201_content_of_a_million_bytes(still_shelf: Shelf, character: str, size: int) -> None:
    content = "x" + character * ((size - 1) // len(character.encode()))
    content += "x" * (size - len(content.encode()))

    answer = still_shelf.post(ARTIFACTS, content=content)

    assert answer.status == 201
    assert answer.data["content"] == content
    assert still_shelf.call("GET", path_of(ARTIFACTS, answer.data)).data["content"] == content
    still_shelf.delete(path_of(ARTIFACTS, answer.data))  # others count all that there is


@pytest.mark.parametrize("character", CHARACTERS)
def test_400_content_of_a_byte_more(still_shelf: Shelf, character: str) -> None:
    content = character * ((CONTENT_BYTES + 1) // len(character.encode()))
    content += "x" * (CONTENT_BYTES + 1 - len(content.encode()))

    answer = still_shelf.post(ARTIFACTS, content=content)

    assert (answer.status, list(answer.error["details"])) == (400, ["content"])


@pytest.mark.parametrize("size", [ARTIFACT_MAX_BYTES - 1, ARTIFACT_MAX_BYTES])
def test_201_of_a_body_of_8_mib(still_shelf: Shelf, size: int) -> None:
    content = r"\u0041" * CONTENT_BYTES
    escaped = json.dumps({**BODIES[ARTIFACTS], "content": "?"}).replace("?", content)

    answer = still_shelf.call("POST", ARTIFACTS, data=escaped.ljust(size), content_type=JSON)

    assert answer.status == 201
    assert answer.data["content"] == "A" * CONTENT_BYTES
    still_shelf.delete(path_of(ARTIFACTS, answer.data))


def test_413_of_a_body_of_a_byte_more(still_shelf: Shelf) -> None:
    body = json.dumps(BODIES[ARTIFACTS]).ljust(ARTIFACT_MAX_BYTES + 1)

    answer = still_shelf.call("POST", ARTIFACTS, data=body, content_type=JSON)

    assert (answer.status, answer.code) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("projectName", value) for value in ("", " ", "p" * 256, "/", "/a", "a/", "a//b", None, 5, ["a"])),
        *(("projectName", value) for value in (".", "..", "a/../b", "./a", "a/.", "two\nlines", "a\x7f")),
        *(
            ("slug", value)
            for value in ("", "s" * 256, "a/b", ".a", "-a", "_a", "a b", "é", "a%2F", "a?", "a#")
        ),
        *(("slug", value) for value in (None, 5, ["a"], "a\n")),
        *(("title", value) for value in ("", " ", "t" * 256, "two\nlines", None, 5)),
        *(("content", value) for value in ("", " \n", "\u200b", None, 5, ["a"])),
        *(("description", value) for value in ("d" * 501, "\x1b", 5)),
        *(("type", value) for value in ("WORK_REPORTS", "report", "", None, 5)),
        *(("status", value) for value in ("draft", "", None, True)),
        *(("metadata", value) for value in (None, [], "a", 5, {"k": "x" * 4089}, {"k": "é" * 2045})),
        *((name, "x") for name in ("id", "labels", "text", "createdAt")),
    ],
    ids=name_of,
)
def test_400_names_the_field_and_keeps_nothing(still_shelf: Shelf, field: str, value: Any) -> None:
    before = Artifact.select().count()

    answer = still_shelf.post(ARTIFACTS, **{field: value})

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == [field]
    assert Artifact.select().count() == before


def test_400_names_everything_that_is_missing(still_shelf: Shelf) -> None:
    answer = still_shelf.call("POST", ARTIFACTS, json={})

    assert set(answer.error["details"]) == {"projectName", "title", "content"}


@pytest.mark.parametrize("field", ["projectName", "slug", "title", "content", "description", "metadata"])
def test_400_a_raw_key_is_neither_kept_nor_cut(still_shelf: Shelf, field: str) -> None:
    value = {"a": [{still_shelf.key: 1}]} if field == "metadata" else still_shelf.key
    before = Artifact.select().count()

    answer = still_shelf.post(ARTIFACTS, **{field: value})

    assert (answer.status, list(answer.error["details"])) == (400, [field])
    assert Artifact.select().count() == before


def test_409_a_slug_that_was_given_and_is_taken(shelf: Shelf) -> None:
    artifact = shelf.keep(ARTIFACTS)

    answer = shelf.post(ARTIFACTS, slug=artifact["slug"], content="another")

    assert (answer.status, answer.code) == (409, "SLUG_TAKEN")
    assert answer.error["details"] == {"projectName": "acme/website", "slug": "week-48"}
    assert shelf.found(ARTIFACTS) == [artifact["id"]]
    assert shelf.call("GET", path_of(ARTIFACTS, artifact)).data == artifact


def test_201_a_slug_of_another_project_or_account_or_case_is_free(shelf: Shelf) -> None:
    shelf.keep(ARTIFACTS, slug="taken")

    assert shelf.post(ARTIFACTS, slug="taken", projectName="acme").status == 201
    assert shelf.post(ARTIFACTS, slug="Taken").status == 201
    assert Shelf(shelf.world).post(ARTIFACTS, slug="taken").status == 201
