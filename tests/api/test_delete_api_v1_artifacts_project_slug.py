"""DELETE /api/v1/artifacts/{project}/{slug}."""

from __future__ import annotations

from tests.api.shelf import ARTIFACTS, Shelf, path_of


def test_200_and_its_name_is_free_again(shelf: Shelf) -> None:
    artifact = shelf.keep(ARTIFACTS, slug="a-name")

    answer = shelf.delete(path_of(ARTIFACTS, artifact))

    assert (answer.status, answer.data) == (200, {"id": artifact["id"], "deleted": True})
    assert shelf.call("GET", path_of(ARTIFACTS, artifact)).code == "ENTITY_NOT_FOUND"
    assert shelf.delete(path_of(ARTIFACTS, artifact)).code == "ENTITY_NOT_FOUND"
    assert shelf.found(ARTIFACTS) == []
    assert shelf.keep(ARTIFACTS, slug="a-name")["id"] != artifact["id"]


def test_404_of_another_account_and_it_stays(shelf: Shelf) -> None:
    artifact = shelf.keep(ARTIFACTS)

    assert Shelf(shelf.world).delete(path_of(ARTIFACTS, artifact)).code == "ENTITY_NOT_FOUND"

    assert shelf.found(ARTIFACTS) == [artifact["id"]]
