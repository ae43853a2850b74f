"""Lists of documents, as the API and the dashboard show them: whose, narrowed by what, and page by page.

Every query begins with `own`, so that no document of another account is ever found.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from peewee import SQL, Case, Field, ModelSelect, Select, fn

from app.documents import has_words
from app.models import Document, Prompt
from app.paging import newest_first
from app.schemas.document import LISTED_BYTES


def own(model: type[Document], account_id: str) -> ModelSelect[Any]:
    """Select the documents of an account."""
    return model.select().where(model.account == account_id)


def page_of_documents(
    query: ModelSelect[Any],
    account_id: str,
    long_text: Field[Any],
    *,
    page: int,
    limit: int,
    search: str = "",
    labels: Iterable[str] = (),
    **equal: Any,
) -> tuple[list[Any], int]:
    """Return a page of the documents that have the words of `search`, all `labels` and all that `equal`
    says, newest first, and how many there are. An empty search narrows nothing.

    `long_text` is left out where it is longer than a list shows; SQLite does not even read it then.
    """
    model: Any = query.model
    if search:
        query = query.where(has_words(model, account_id, search))
    for label in labels:
        query = query.where(_has_label(label))
    for name, value in equal.items():
        query = query.where(getattr(model, name) == value)
    shown = Case(None, ((fn.octet_length(long_text) <= LISTED_BYTES, long_text),)).alias(long_text.name)
    others = [field for field in model._meta.sorted_fields if field is not long_text]
    return newest_first(query, page, limit, columns=(*others, shown))


def _has_label(label: str) -> Any:
    each = fn.json_each(Prompt.labels).alias("each")
    return fn.EXISTS(Select([each], [SQL("1")]).where(SQL('"each".value = ?', (label,))))
