"""PUT /api/v1/artifacts/{project}/{slug}: what is sent changes, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from app.registry.documents import ARTIFACT_MAX_BYTES
from app.schemas.artifact import CONTENT_BYTES
from tests.api.shelf import ARTIFACTS, Shelf, name_of, path_of

CHANGES: dict[str, Any] = {
    "projectName": "another/project",
    "slug": "another-slug",
    "title": "Another title",
    "content": "Another content",
    "description": "Another description",
    "type": "static_contexts",
    "status": "expired",
    "metadata": {"another": 1},
}


@pytest.mark.parametrize("field", CHANGES)
def test_200_changes_only_what_is_sent(shelf: Shelf, field: str) -> None:
    artifact = shelf.keep(ARTIFACTS)

    answer = shelf.put(path_of(ARTIFACTS, artifact), **{field: CHANGES[field]})

    assert answer.status == 200
    assert answer.data == {**artifact, field: CHANGES[field], "updatedAt": answer.data["updatedAt"]}
    again = shelf.call("GET", path_of(ARTIFACTS, answer.data))
    assert (again.data, again.headers["ETag"]) == (answer.data, answer.headers["ETag"])


def test_200_one_that_was_moved_is_not_where_it_was(shelf: Shelf) -> None:
    artifact = shelf.keep(ARTIFACTS)

    moved = shelf.put(path_of(ARTIFACTS, artifact), projectName="another", slug="place").data

    assert shelf.call("GET", path_of(ARTIFACTS, artifact)).code == "ENTITY_NOT_FOUND"
    assert shelf.call("GET", f"{ARTIFACTS}/another/place").data == moved
    assert moved["id"] == artifact["id"]


def test_200_the_whole_artifact_may_be_sent_with_the_name_that_it_has(shelf: Shelf) -> None:
    artifact = shelf.keep(ARTIFACTS)
    whole = {name: artifact[name] for name in CHANGES}

    answer = shelf.put(path_of(ARTIFACTS, artifact), **{**whole, "content": "new"})

    assert (answer.status, answer.data["content"]) == (200, "new")


@pytest.mark.parametrize(
    ("old", "new"), [(1, True), (True, 1), (1, 1.0), (1.0, 1), (0, False), ([1], [True])], ids=repr
)
def test_200_what_is_equal_in_python_only_is_another_value(shelf: Shelf, old: Any, new: Any) -> None:
    artifact = shelf.keep(ARTIFACTS, metadata={"k": old})

    answer = shelf.put(path_of(ARTIFACTS, artifact), metadata={"k": new})

    assert repr(answer.data["metadata"]) == repr({"k": new})
    assert repr(shelf.call("GET", path_of(ARTIFACTS, artifact)).data["metadata"]) == repr({"k": new})


@pytest.mark.parametrize("size", [CONTENT_BYTES - 1, CONTENT_BYTES, CONTENT_BYTES + 1])
def test_content_is_as_long_as_in_a_new_artifact(shelf: Shelf, size: int) -> None:
    artifact = shelf.keep(ARTIFACTS)

    answer = shelf.put(path_of(ARTIFACTS, artifact), content="x" * size)

    assert answer.status == (200 if size <= CONTENT_BYTES else 400)
    shelf.delete(path_of(ARTIFACTS, artifact))


def test_413_over_8_mib(shelf: Shelf) -> None:
    path = path_of(ARTIFACTS, shelf.keep(ARTIFACTS))

    sizes = (ARTIFACT_MAX_BYTES, ARTIFACT_MAX_BYTES + 1)
    answers = [
        shelf.call("PUT", path, data=b"{}".ljust(size), content_type="application/json") for size in sizes
    ]

    assert [answer.status for answer in answers] == [200, 413]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("projectName", "a//b"),
        ("slug", ""),
        ("title", ""),
        ("content", ""),
        ("description", "d" * 501),
        ("type", "report"),
        ("status", None),
        ("metadata", []),
        ("id", "another"),
    ],
    ids=name_of,
)
def test_400_names_the_field_and_changes_nothing(shelf: Shelf, field: str, value: Any) -> None:
    artifact = shelf.keep(ARTIFACTS)

    answer = shelf.put(path_of(ARTIFACTS, artifact), **{"description": "b", field: value})

    assert (answer.status, list(answer.error["details"])) == (400, [field])
    assert shelf.call("GET", path_of(ARTIFACTS, artifact)).data == artifact


@pytest.mark.parametrize("fields", [{"slug": "taken"}, {"projectName": "other"}], ids=name_of)
def test_409_where_another_one_is_and_changes_nothing(shelf: Shelf, fields: dict[str, str]) -> None:
    artifact = shelf.keep(ARTIFACTS, slug="free")
    shelf.keep(ARTIFACTS, slug="taken")
    shelf.keep(ARTIFACTS, slug="free", projectName="other")

    answer = shelf.put(path_of(ARTIFACTS, artifact), title="new", **fields)

    assert (answer.status, answer.code) == (409, "SLUG_TAKEN")
    assert shelf.call("GET", path_of(ARTIFACTS, artifact)).data == artifact


def test_404_of_another_account_and_changes_nothing(shelf: Shelf) -> None:
    artifact = shelf.keep(ARTIFACTS)

    answer = Shelf(shelf.world).put(path_of(ARTIFACTS, artifact), title="taken over")

    assert (answer.status, answer.code) == (404, "ENTITY_NOT_FOUND")
    assert shelf.call("GET", path_of(ARTIFACTS, artifact)).data == artifact
