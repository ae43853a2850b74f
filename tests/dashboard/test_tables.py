"""Lists: what the query asks for, whatever it says, and the links to the rest."""

from __future__ import annotations

import pytest

from app.dashboard.tables import LIMIT, Asked, Table
from tests.api.world import Service

STATUSES = {"status": ("ACTIVE", "REVOKED"), "owner": None}


def asked(service: Service, query: str) -> Asked:
    with service.flask.test_request_context(f"/dashboard/keys?{query}"):
        return Asked.from_request(sorts=("-created", "name"), filters=STATUSES)


def link(service: Service, of: Asked, **changes: object) -> str:
    with service.flask.test_request_context("/"):
        return of.link(**changes)  # type: ignore[arg-type]


def test_the_query_is_read(service: Service) -> None:
    found = asked(service, "search=+CI+&sort=-name&status=ACTIVE&owner=me&page=3")
    assert (found.search, found.sort, found.descending, found.page) == ("CI", "name", True, 3)
    assert found.filters == {"status": "ACTIVE", "owner": "me"}
    assert found.offset == 2 * LIMIT


@pytest.mark.parametrize(
    "query",
    [
        *("", "sort=secret", "sort=--name", "status=NONE", "status=", "unknown=1"),
        *("page=", "page=0", "page=-1", "page=x", "page=1e9", "page=٣", f"page={'9' * 5_000}"),
    ],
)
def test_what_it_says_wrongly_counts_as_not_said(service: Service, query: str) -> None:
    found = asked(service, query)
    assert (found.search, found.sort, found.descending, found.page) == ("", "created", True, 1)
    assert found.filters == {}


def test_a_search_has_a_bound(service: Service) -> None:
    assert len(asked(service, "search=" + "x" * 5_000).search) == 200


def test_links_keep_the_rest(service: Service) -> None:
    found = asked(service, "search=a%26b&sort=name&status=ACTIVE&page=3")
    keeping = "/dashboard/keys?search=a%26b&status=ACTIVE&sort=name"
    assert link(service, found) == keeping
    assert link(service, found, page=4) == f"{keeping}&page=4"
    assert link(service, found, page=1) == keeping
    assert link(service, found, status=None, search=None) == "/dashboard/keys?sort=name"
    assert link(service, asked(service, "sort=-created")) == "/dashboard/keys"


@pytest.mark.parametrize(
    ("page", "rows", "previous", "following"),
    [
        (1, LIMIT, None, "?page=2"),
        (2, LIMIT, "", "?page=3"),
        (3, 5, "?page=2", None),
        (9, 0, "?page=3", None),
    ],
)
def test_pages_lead_to_each_other(
    service: Service, page: int, rows: int, previous: str | None, following: str | None
) -> None:
    table = Table(asked(service, f"page={page}"), ["row"] * rows, 2 * LIMIT + 5)
    with service.flask.test_request_context("/"):
        links = (table.previous_link, table.next_link)
    expected = tuple(None if end is None else f"/dashboard/keys{end}" for end in (previous, following))
    assert links == expected


def test_an_empty_list_has_no_other_pages(service: Service) -> None:
    table = Table(asked(service, ""), [], 0)
    assert (table.previous_link, table.next_link, table.is_narrowed) == (None, None, False)


def test_a_column_sorts_one_way_and_then_the_other(service: Service) -> None:
    with service.flask.test_request_context("/"):
        by_name = Table(asked(service, "sort=name"), [], 0)
        assert by_name.sort_link("name") == "/dashboard/keys?sort=-name"
        assert by_name.sort_link("created") == "/dashboard/keys?sort=created"
        assert (by_name.sorted_by("name"), by_name.sorted_by("created")) == ("ascending", None)
        newest = Table(asked(service, ""), [], 0)
        assert newest.sorted_by("created") == "descending"
        assert newest.sort_link("created") == "/dashboard/keys?sort=created"
