"""A list of keys as a table: searched for while one types, narrowed by what keys are and open, sorted.

`table_of_keys` does it for any keys; the templates are `keys/_search.html` and `keys/_list.html`.
"""

from __future__ import annotations

from collections.abc import Collection

from flask import request
from peewee import ModelSelect

from app.dashboard.key_facts import shown
from app.dashboard.tables import Asked, Table
from app.key_lists import narrow, sorted_page
from app.models import Key
from app.schemas.key import STATUSES
from app.services import services
from gateway.keys import masked

_SORTS = ("-created", "name", "used", "expires", "status")
_CUT = "***"


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


def search_without_raw_key() -> str | None:
    """Return what to search for instead, where a whole raw key is searched for; None where none is.

    It is what may be shown of the key. In the address, and so in the history, the rest has no place.
    """
    search = request.args.get("search", "")
    safe = masked(search)
    return None if safe == search else safe.partition(_CUT)[0]
