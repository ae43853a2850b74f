"""Keys as a person looks for them: narrowed, sorted, one page at a time.

    keys = narrow(personal_keys(account_id), now_ms, search="laptop", status="ACTIVE", opens="cli")
    rows, total = sorted_page(keys, now_ms, sort="used", descending=True, page=1, limit=50)

All keys of an account are looked at to find those of one page: ten thousand take a few milliseconds, since
the account's keys are found in an index and only the page's rows are read whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from peewee import Case, ModelSelect, fn

from app.keyring import name_has, status_is
from app.models import Key, UsageKey
from app.schemas.key import STATUSES
from app.services import services

_NO_EXPIRY = 2**62
_ELLIPSIS = "…"


def narrow(
    keys: ModelSelect[Key],
    now_ms: int,
    *,
    search: str = "",
    status: str | None = None,
    opens: str | None = None,
    type: str | None = None,
    legacy: bool | None = None,
) -> ModelSelect[Key]:
    """Return those of `keys` that have `search` in their name or in what is shown of them, which is the
    beginning, an ellipsis and the end; and that have a status, a scope or integration, a type.
    """
    if search:
        shown = Key.key_prefix.concat(_ELLIPSIS).concat(Key.key_suffix)
        keys = keys.where(name_has(search) | shown.contains(search.replace("...", _ELLIPSIS)))
    if status is not None:
        keys = keys.where(status_is(status, now_ms))
    if opens is not None:
        # Both are lists in JSON, of names without a quote in them.
        name = f'"{opens}"'
        keys = keys.where((fn.INSTR(Key.scopes, name) > 0) | (fn.INSTR(Key.integrations, name) > 0))
    if type is not None:
        keys = keys.where(Key.type == type)
    if legacy is not None:
        keys = keys.where(Key.is_legacy == legacy)
    return keys


def sorted_page(
    keys: ModelSelect[Key], now_ms: int, *, sort: str, descending: bool, page: int, limit: int
) -> tuple[list[Key], int]:
    """Return one page of the keys, and how many there are in all. `sort` is one of `SORTS`; what is equal
    comes newest first.
    """
    by = SORTS[sort](now_ms)
    order = (by.desc() if descending else by.asc(), Key.created_at.desc(), Key.id.desc())
    with services().db.atomic():  # one transaction, so that the page is of what was counted
        total = keys.count()
        found: Any = keys.select(Key.id).order_by(*order).paginate(page, limit).tuples()
        places = {key_id: place for place, (key_id,) in enumerate(found)}
        rows = list(Key.select().where(Key.id.in_(list(places))))
    return sorted(rows, key=lambda key: places[key.id]), total


def _last_use(_: int) -> Any:
    used = UsageKey.select(UsageKey.last_used_at).where(UsageKey.key_id == Key.id)
    return fn.COALESCE(used, 0)


def _status(now_ms: int) -> Any:
    return Case(None, [(status_is(status, now_ms), place) for place, status in enumerate(STATUSES)])


SORTS: Mapping[str, Callable[[int], Any]] = {
    "created": lambda _: Key.created_at,
    "name": lambda _: Key.name.collate("NOCASE"),
    "used": _last_use,
    "expires": lambda _: fn.COALESCE(Key.expires_at, _NO_EXPIRY),
    "status": _status,
}
"""By the name of a column, what its order is in at `now_ms`. A key that was never used comes before all that
were, one that never expires after all that will.
"""
