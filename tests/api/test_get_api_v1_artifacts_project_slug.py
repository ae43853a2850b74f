"""GET /api/v1/artifacts/{project}/{slug}: one artifact, whose project may hold slashes."""

from __future__ import annotations

import pytest

from tests.api.shelf import ARTIFACTS, Shelf, path_of


@pytest.mark.parametrize(
    ("project", "path"),
    [
        ("acme", "acme/a-slug"),
        ("acme/website", "acme/website/a-slug"),
        ("acme/website", "acme%2Fwebsite/a-slug"),
        ("acme/website", "acme%2fwebsite%2Fa-slug"),
        ("acme/website", "%61cme/website/%61-slug"),
        ("acme%2Fwebsite", "acme%252Fwebsite/a-slug"),
        ("50 %", "50%20%25/a-slug"),
        ("é/日本", "%C3%A9/%E6%97%A5%E6%9C%AC/a-slug"),
        ("a.b/.c", "a.b/.c/a-slug"),
        ("a?b#c", "a%3Fb%23c/a-slug"),
        ("a+b", "a+b/a-slug"),
    ],
)
def test_200_by_its_path_however_it_is_encoded(shelf: Shelf, project: str, path: str) -> None:
    artifact = shelf.keep(ARTIFACTS, projectName=project, slug="a-slug")

    answer = shelf.call("GET", f"{ARTIFACTS}/{path}")

    assert answer.status == 200, answer.body
    assert answer.data == artifact


def test_200_nearly_the_same_paths_are_of_different_artifacts(shelf: Shelf) -> None:
    names = [("a", "b"), ("a/b", "b"), ("a/b", "c"), ("a/b/c", "b"), ("A", "b"), ("a", "B"), ("é", "b")]
    kept = [shelf.keep(ARTIFACTS, projectName=project, slug=slug) for project, slug in names]

    assert [shelf.call("GET", path_of(ARTIFACTS, artifact)).data for artifact in kept] == kept


@pytest.mark.parametrize(
    "path",
    [
        "acme/website/another",
        "acme/a-slug",
        "Acme/website/a-slug",
        "acme/website/A-slug",
        "acme//website/a-slug",
        "acme%2F%2Fwebsite/a-slug",
        "acme/website/%00",
        "acme/website%00/a-slug",
        "%FF/a-slug",
        "acme/website/a-slug%20",
        f"{'p' * 300}/a-slug",
    ],
)
def test_404_what_is_not_there(still_shelf: Shelf, path: str) -> None:
    still_shelf.post(ARTIFACTS, slug="a-slug")

    assert still_shelf.call("GET", f"{ARTIFACTS}/{path}").code == "ENTITY_NOT_FOUND"


@pytest.mark.parametrize("path", ["acme", "acme/", "acme/website/", "/acme/a-slug", "", "%2Facme/a-slug"])
def test_404_what_is_no_path_of_an_artifact(still_shelf: Shelf, path: str) -> None:
    assert still_shelf.call("GET", f"{ARTIFACTS}/{path}").code == "NOT_FOUND"


def test_404_of_another_account_is_what_does_not_exist(shelf: Shelf) -> None:
    artifact, another = shelf.keep(ARTIFACTS), Shelf(shelf.world)

    of_another = another.call("GET", path_of(ARTIFACTS, artifact))
    unknown = another.call("GET", f"{ARTIFACTS}/acme/unknown")

    assert (unknown.status, unknown.code) == (404, "ENTITY_NOT_FOUND")
    assert of_another.bytes_but_request_id == unknown.bytes_but_request_id


def test_404_its_id_is_no_path(still_shelf: Shelf) -> None:
    artifact = still_shelf.keep(ARTIFACTS)

    assert still_shelf.call("GET", f"{ARTIFACTS}/{artifact['id']}").code == "NOT_FOUND"
