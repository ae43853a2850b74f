"""Pages of a list: quick on the first and on the last, however long the list is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from peewee import Model, ModelSelect

from app.services import services

Row = TypeVar("Row", bound=Model)


def page_of_rows(query: ModelSelect[Row], page: int, limit: int) -> tuple[list[Row], int]:
    """Return the rows of one page of an ordered `query`, and how many rows it has in all."""
    return list(query.paginate(page, limit)), query.count()


def newest_first(
    query: ModelSelect[Row], page: int, limit: int, columns: Sequence[Any] = ()
) -> tuple[list[Row], int]:
    """Return one page of an unordered `query` by `created_at`, and how many rows it has in all.

    Rows have all columns of their table, or `columns`.

    Where an index has the columns of the query's conditions, then `created_at` and `id`, only the rows of the
    page are read from the table: ids are counted and skipped in the index, and from the end that is nearer.
    """
    model: Any = query.model
    newest, oldest = (model.created_at.desc(), model.id.desc()), (model.created_at, model.id)
    # One transaction, since the place of a page that is counted from the end depends on the total.
    with services().db.atomic():
        total = query.count()
        start, end = (page - 1) * limit, min(page * limit, total)
        if start >= end:
            return [], total
        ids = query.select(model.id).limit(end - start)
        if start <= total - end:
            ids = ids.order_by(*newest).offset(start)
        else:
            ids = ids.order_by(*oldest).offset(total - end)
        rows = model.select(*columns).where(model.id.in_(ids)).order_by(*newest)
        return list(rows), total
