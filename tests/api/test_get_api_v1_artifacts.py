"""GET /api/v1/artifacts: the account's artifacts."""

from __future__ import annotations

import pytest

from tests.api.shelf import ARTIFACTS, FIELDS, Shelf


@pytest.fixture(scope="module")
def ids(still_shelf: Shelf) -> dict[str, str]:
    """Artifacts of one account, oldest first, by title; and one of another account."""
    Shelf(still_shelf.world).keep(ARTIFACTS)
    fields = {
        "one": {"type": "work_reports"},
        "two": {"type": "work_reports", "status": "expired"},
        "three": {"projectName": "acme"},
        "four": {"projectName": "acme/website/beta", "type": "static_contexts"},
    }
    return {title: still_shelf.keep(ARTIFACTS, title=title, **more)["id"] for title, more in fields.items()}


def titles(shelf: Shelf, ids: dict[str, str], **query: str) -> list[str]:
    by_id = {artifact_id: title for title, artifact_id in ids.items()}
    return [by_id[artifact_id] for artifact_id in shelf.found(ARTIFACTS, **query)]


def test_200_newest_first_and_only_the_accounts_own(still_shelf: Shelf, ids: dict[str, str]) -> None:
    answer = still_shelf.list(ARTIFACTS)

    assert [artifact["id"] for artifact in answer.data] == list(reversed(ids.values()))
    assert all(list(artifact) == FIELDS[ARTIFACTS] for artifact in answer.data)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"type": "work_reports"}, ["two", "one"]),
        ({"status": "active"}, ["four", "three", "one"]),
        ({"type": "work_reports", "status": "active"}, ["one"]),
        ({"projectName": "acme/website"}, ["two", "one"]),
        ({"projectName": "acme"}, ["three"]),
        ({"projectName": "Acme"}, []),
        ({"projectName": "acme/website", "status": "expired", "search": "two"}, ["two"]),
        ({"projectName": "acme/%"}, []),
    ],
    ids=str,
)
def test_200_filters_are_all_applied(
    still_shelf: Shelf, ids: dict[str, str], query: dict[str, str], found: list[str]
) -> None:
    assert titles(still_shelf, ids, **query) == found


@pytest.mark.parametrize(
    "query",
    [
        {"type": "report"},
        {"status": "draft"},
        {"projectName": ""},
        {"projectName": "a//b"},
        {"labels": "a"},
        {"search": "s" * 201},
        {"limit": "0"},
    ],
    ids=str,
)
def test_400_names_the_parameter(still_shelf: Shelf, query: dict[str, str]) -> None:
    answer = still_shelf.list(ARTIFACTS, **query)

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == list(query)
