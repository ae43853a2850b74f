"""Parts of lists: where they end, whatever the pages say and however the list changes between them."""

from __future__ import annotations

from typing import Any

import pytest

from app.bitrix.client import Result
from app.bitrix.pages import PAGE, Listed, further_starts, joined


def page(first: int, count: int = PAGE, total: int | None = None, next_start: int | None = None) -> Result:
    return Result([{"id": number} for number in range(first, first + count)], total, next_start)


def ids(listed: Listed) -> list[Any]:
    return [item["id"] for item in listed.items]


@pytest.mark.parametrize(
    ("offset", "limit", "expected"), [(0, 120, range(120)), (7, 50, range(7, 57)), (99, 50, range(99, 120))]
)
def test_a_part_is_cut_out_of_its_pages(offset: int, limit: int, expected: range) -> None:
    start = offset - offset % PAGE
    pages = {at: page(at, min(PAGE, 120 - at), 120) for at in range(start, 120, PAGE)}
    assert joined(pages, offset=offset, limit=limit) == ([{"id": number} for number in expected], 120)


@pytest.mark.parametrize("total", [100, 120])
def test_at_the_end_and_beyond_it_there_is_nothing(total: int) -> None:
    for start in (150, 1_000):
        assert joined({start: page(start, 0, total)}, offset=start, limit=50) == ([], total)
    assert further_starts(150, page(150, 0, total), 5_000) == range(200, total, PAGE)


def test_the_first_page_once_more_is_not_what_is_beyond_the_end() -> None:
    again = page(0, total=100, next_start=50)
    assert joined({100: again}, offset=100, limit=50) == ([], 100)
    listed = joined({0: again, 50: page(50, total=100), 100: again, 150: again}, offset=0, limit=200)
    assert (ids(listed), listed.total) == (list(range(100)), 100)


@pytest.mark.parametrize(
    ("last", "total", "count"),
    [
        (page(50, 10, 60), 60, 60),  # fifty were deleted meanwhile
        (page(50, 0, 50), 50, 50),
        (page(50, 0, 40), 50, 50),
        (page(50, 50, 130), 130, 100),  # ten were added
    ],
)
def test_the_last_pages_total_counts(last: Result, total: int, count: int) -> None:
    listed = joined({0: page(0, total=120), 50: last}, offset=0, limit=100)
    assert (listed.total, len(listed.items)) == (total, count)


@pytest.mark.parametrize("total", [None, 0, 1, 49])
def test_without_a_total_that_can_be_true_what_was_found_counts(total: int | None) -> None:
    full = page(0, 50, total)
    assert joined({0: full}, offset=0, limit=50).total == 51, "there may be more"
    assert further_starts(0, full, 200) == range(50, 200, PAGE)
    assert joined({0: page(0, 3, total)}, offset=0, limit=50).total == max(3, total or 0)
    assert not further_starts(0, page(0, 49, total), 200)


def test_without_a_total_the_last_page_is_one_that_is_not_full() -> None:
    pages = {0: page(0), 50: page(50, 3)}
    assert joined(pages, offset=0, limit=100).total == 53
    assert joined({**pages, 50: page(50)}, offset=0, limit=100).total == 101
    assert joined({**pages, 50: page(50, 0)}, offset=0, limit=100).total == 50
    assert joined({50: page(50, 0)}, offset=50, limit=50) == ([], 50)


def test_a_list_is_never_shorter_than_what_is_shown_of_it() -> None:
    listed = joined({0: page(0, 50, 1), 50: page(50, 3, 1)}, offset=0, limit=100)
    assert (len(listed.items), listed.total) == (50, 50)


def test_a_total_of_items_that_nobody_gives_ends_there() -> None:
    assert joined({0: page(0, 0, 10**9)}, offset=0, limit=50) == ([], 0)
    assert joined({50: page(50, 0, 10**9)}, offset=50, limit=50) == ([], 50)
    hidden = page(50, 0, 200, next_start=100)
    assert joined({50: hidden}, offset=50, limit=50).total == 200, "more pages are promised"
