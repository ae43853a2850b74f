"""What happened in an account, and what it should look at, as the API and the dashboard list them."""

from __future__ import annotations

from typing import Any, TypeVar

from peewee import Model, ModelSelect

from app.models import Alert, Event
from app.paging import newest_first

Row = TypeVar("Row", bound=Model)


def page_of_events(
    account_id: str,
    *,
    page: int,
    limit: int,
    type: str | None = None,
    key_id: str | None = None,
    since: int | None = None,
) -> tuple[list[Event], int]:
    """Return one page of an account's events that fit, newest first, and how many there are.

    `since` is in unix milliseconds.
    """
    events = narrowed(Event.select().where(Event.account == account_id), type=type, key_id=key_id)
    if since is not None:
        events = events.where(Event.created_at >= since)
    return newest_first(events, page, limit)


def alerts_of(account_id: str) -> ModelSelect[Alert]:
    """Select the alerts of an account."""
    return Alert.select().where(Alert.account == account_id)


def open_ones_first(alerts: ModelSelect[Alert], page: int, limit: int) -> tuple[list[Alert], int]:
    """Return one page of alerts, the open ones before all others and each newest first, and how many
    there are.
    """
    order = (Alert.status != "OPEN", Alert.created_at.desc(), Alert.id.desc())
    # Only ids are put in order: the facts of thousands of past ones need not be read.
    ids = alerts.select(Alert.id).order_by(*order).paginate(page, limit)
    return list(Alert.select().where(Alert.id.in_(ids)).order_by(*order)), alerts.count()


def narrowed(query: ModelSelect[Row], **equal: Any) -> ModelSelect[Row]:
    """Return a query of those rows whose columns have these values; None: any."""
    for name, value in equal.items():
        if value is not None:
            query = query.where(getattr(query.model, name) == value)
    return query
