"""A list of keys as a table: searched for while one types, narrowed by what keys are and open, sorted.

`table_of_keys` does it for any keys, `show` answers with it; the templates are `keys/_search.html` and
`keys/_rows.html`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask import Response, request
from peewee import ModelSelect

from app.dashboard.key_facts import shown
from app.dashboard.page import is_fragment, render
from app.dashboard.tables import Asked, Table
from app.key_lists import narrow, sorted_page
from app.models import Key
from app.schemas.key import STATUSES
from app.services import services

_SORTS = ("-created", "name", "used", "expires", "status")


def table_of_keys(
    keys: ModelSelect[Key], opens: Collection[str], types: Collection[str] = (), *, legacy: bool = False
) -> Table:
    """Return what the query asks for of `keys`, as rows of `Shown`.

    Keys can be filtered by what they open, one of `opens`, and where there are several `types`, or `legacy`
    ones, by these.
    """
    asked = Asked.from_request(
        sorts=_SORTS,
        filters={
            "status": STATUSES,
            "opens": tuple(opens),
            "type": tuple(types),
            "legacy": ("yes", "no") if legacy else (),
        },
    )
    filters = asked.filters
    now_ms = int(services().clock() * 1000)
    found = narrow(
        keys,
        now_ms,
        search=asked.search,
        status=filters.get("status"),
        opens=filters.get("opens"),
        type=filters.get("type"),
        legacy=filters["legacy"] == "yes" if "legacy" in filters else None,
    )
    rows, total = sorted_page(
        found, now_ms, sort=asked.sort, descending=asked.descending, page=asked.page, limit=asked.limit
    )
    return Table(asked, shown(rows), total)


def show(table: Table, whole: str, region: str, **facts: Any) -> Response:
    """Return the page of a table, made of the template `whole`, or what htmx puts into it, of `region`."""
    if not is_fragment():
        return render(whole, table=table, **facts)
    page = render(region, table=table, **facts)
    if "" in request.args.values():  # a form sends its empty fields too, which nobody wants in an address
        page.headers["HX-Replace-Url"] = table.asked.link(page=table.asked.page)
    return page
