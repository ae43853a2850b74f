"""A list as a table: which part of it is asked for, and the links to the other parts.

::

    asked = Asked.from_request(sorts=("created", "name"), filters={"status": ("ACTIVE", "REVOKED")})
    rows, total = ...                        # by asked.search, .sort, .descending, .filters, .offset, .limit
    table = Table(asked, rows, total)

All of it stands in the query of the address, so that a list can be kept as a bookmark and sent to others, and
works without scripts. What the query says wrongly counts as not said: an old bookmark still shows the list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from flask import request

from app.dashboard.page import url

LIMIT = 50
"""Rows on a page."""
_LONGEST_SEARCH = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What the query asks for. `filters` has the filters that are set, `sort` is the name of a column."""

    path: str
    search: str
    sort: str
    descending: bool
    filters: Mapping[str, str]
    page: int
    first_sort: str
    limit: int = LIMIT

    @classmethod
    def from_request(
        cls,
        *,
        sorts: Sequence[str] = ("-created",),
        filters: Mapping[str, Sequence[str] | None] | None = None,
    ) -> Asked:
        """Read the query. The first of `sorts` holds if none is asked for; a minus before it is descending.
        `filters` have the values that they may have, None for any.
        """
        query = request.args
        columns = {sort.lstrip("-") for sort in sorts}
        sort = query.get("sort", "")
        if sort.removeprefix("-") not in columns:
            sort = sorts[0]
        page = query.get("page", "")
        set_filters = {
            name: query[name]
            for name, values in (filters or {}).items()
            if query.get(name) and (values is None or query[name] in values)
        }
        return cls(
            path=request.path,
            search=query.get("search", "").strip()[:_LONGEST_SEARCH],
            sort=sort.removeprefix("-"),
            descending=sort.startswith("-"),
            filters=set_filters,
            page=int(page) if page.isdecimal() and page.isascii() and 0 < len(page) < 10 and int(page) else 1,
            first_sort=sorts[0],
        )

    @property
    def offset(self) -> int:
        """How many rows come before the page."""
        return (self.page - 1) * self.limit

    @property
    def sort_word(self) -> str | None:
        """How the query says by what it is sorted; None: it need not."""
        word = f"{'-' if self.descending else ''}{self.sort}"
        return word if word != self.first_sort else None

    def link(self, **changes: str | int | None) -> str:
        """Return the address of the same list with other words in its query; None takes one out.

        Whatever changes, it begins at the first page, unless `page` is what changes.
        """
        words: dict[str, str | int | None] = {"search": self.search or None, **self.filters}
        words["sort"] = self.sort_word
        words |= changes
        if words.get("page") == 1:
            del words["page"]
        query = urlencode({name: word for name, word in words.items() if word is not None})
        return url(self.path) + (f"?{query}" if query else "")


@dataclass(frozen=True, slots=True)
class Table:
    """One page of a list, of `total` rows in all."""

    asked: Asked
    rows: Sequence[Any]
    total: int

    @property
    def first(self) -> int:
        """The number of the first row that is shown, counted from 1."""
        return self.asked.offset + 1

    @property
    def last(self) -> int:
        """The number of the last row that is shown."""
        return self.asked.offset + len(self.rows)

    @property
    def is_narrowed(self) -> bool:
        """Whether rows are left out by a search or a filter."""
        return bool(self.asked.search or self.asked.filters)

    @property
    def previous_link(self) -> str | None:
        """The page before this one; where this one is behind the end, the last."""
        last_page = max(1, -(-self.total // self.asked.limit))
        page = min(self.asked.page - 1, last_page)
        return self.asked.link(page=page) if page >= 1 else None

    @property
    def next_link(self) -> str | None:
        """The page after this one."""
        return self.asked.link(page=self.asked.page + 1) if self.last < self.total and self.rows else None

    def sort_link(self, column: str) -> str:
        """Return the list sorted by a column; by the one that it is sorted by, the other way round."""
        turned = column == self.asked.sort and not self.asked.descending
        return self.asked.link(sort=f"-{column}" if turned else column)

    def sorted_by(self, column: str) -> Literal["ascending", "descending"] | None:
        """Return in which way the list is sorted by a column, as `aria-sort` says it."""
        if column != self.asked.sort:
            return None
        return "descending" if self.asked.descending else "ascending"
