"""Alerts: what the account should look at, the open ones first; an operator's are about the service, too."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response
from peewee import ModelSelect

from app.account_lists import alerts_of, narrowed, open_ones_first
from app.alerts import Alerts
from app.dashboard.alert_words import told
from app.dashboard.page import get, here, notice, post, render, to
from app.dashboard.tables import Asked, Table
from app.dashboard.visitor import visitor
from app.errors import ApiError
from app.mail.alerts import TITLES
from app.models import Alert, Key
from app.models.alert import STATUSES, TYPES
from app.services import services
from app.visible_keys import every_key_of


@get("/dashboard/alerts")
def listed() -> Response:
    """All of them."""
    asked = Asked.from_request(filters={"status": STATUSES, "type": TYPES, "keyId": None})
    query = narrowed(
        _mine(),
        status=asked.filters.get("status"),
        type=asked.filters.get("type"),
        key_id=asked.filters.get("keyId"),
    )
    rows, total = open_ones_first(query, asked.page, asked.limit)
    return render(
        "alerts/list.html",
        title="Alerts",
        section="alerts",
        table=Table(asked, [told(alert) for alert in rows], total),
        keys=_keys(rows),
        titles=TITLES,
    )


@get("/dashboard/alerts/<id>")
def one(id: str) -> Response:
    """One alert."""
    alert = _mine().where(Alert.id == id).first()
    if alert is None:
        raise ApiError("ENTITY_NOT_FOUND")
    return render(
        "alerts/one.html", title=TITLES[alert.type], section="alerts", one=told(alert), keys=_keys([alert])
    )


@post("/dashboard/alerts/<id>/dismiss")
def dismiss(id: str) -> Response:
    """Note that it has been looked at."""
    Alerts(services().ledger).dismiss(visitor().actor(), _mine(), id)
    notice("The alert was dismissed. Until it is over, no other one about the same is opened.")
    return to(here())


def _mine() -> ModelSelect[Alert]:
    return alerts_of(visitor().account_id)


def _keys(alerts: Sequence[Alert]) -> dict[str, Key]:
    """Return the keys that alerts are about and that there still are, by their ids."""
    found = every_key_of(visitor().account_id).where(Key.id.in_({alert.key_id for alert in alerts}))
    return {key.id: key for key in found}
