"""Parts of lists, put together from pages.

Bitrix24 gives lists in pages of 50, each by a call with its `start`, and tells with each page how many items
the whole list has. Between two pages the list may change, so the last page's word counts. The older of its
methods answer a start beyond the end with the first page once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from app.bitrix.client import Result

PAGE = 50
"""Items on a page of any of Bitrix24's lists."""


class Listed(NamedTuple):
    """A part of a list. `total`: how many items the whole list has, as far as is known."""

    items: list[Any]
    total: int


def first_start(offset: int) -> int:
    """Return the start of the page that holds the item at `offset`."""
    return offset - offset % PAGE


def further_starts(start: int, page: Result, end: int) -> range:
    """Return the starts of the pages up to `end` that follow on `page`, which is at `start`."""
    total = _told_total(start, page)
    if total is None:
        total = end if _is_full(page) else start
    return range(start + PAGE, min(end, total), PAGE)


def joined(pages: Mapping[int, Result], *, offset: int, limit: int) -> Listed:
    """Return a part of the list whose pages are given by their starts, from that with `offset` on."""
    found = [item for start, page in pages.items() for item in _items(start, page)]
    first, (last, page) = next(iter(pages)), list(pages.items())[-1]
    seen = first + len(found) if found else 0
    total = _told_total(last, page)
    if total is None:
        total = max(seen, last) + _is_full(page)
    return Listed(found[offset - first :][:limit], max(seen, total))


def _items(start: int, page: Result) -> list[Any]:
    items: list[Any] = page.value
    return [] if _is_beyond(start, page) else items


def _told_total(start: int, page: Result) -> int | None:
    """Return the total that a page tells, None if it tells none or belies it itself."""
    if page.total is None or _is_beyond(start, page):
        return page.total
    seen = start + len(page.value)
    is_last = not page.value and page.next is None
    return None if page.total < seen or (is_last and page.total > seen) else page.total


def _is_beyond(start: int, page: Result) -> bool:
    """Tell whether a page begins beyond the end of the list."""
    return page.total is not None and start > 0 and start >= page.total


def _is_full(page: Result) -> bool:
    return len(page.value) >= PAGE
