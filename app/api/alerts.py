"""`/api/v1/alerts`: what the account should look at, or has looked at."""

from __future__ import annotations

from flask import Response
from peewee import ModelSelect

from app.account_lists import alerts_of, narrowed
from app.alerts import Alerts
from app.api.answers import ApiBlueprint, answer, id_of_path, page_answer
from app.auth import principal
from app.errors import ApiError
from app.json_body import read_object
from app.models import Alert
from app.openapi import answer_of, page_of
from app.paging import newest_first
from app.schemas.alert import AlertAnswer, ChangeAlert, ListAlerts, alert_answers
from app.services import services

blueprint = ApiBlueprint("alerts", __name__, description="What the account should look at.")


@blueprint.operation("GET", "/api/v1/alerts", query=ListAlerts, gives=page_of(AlertAnswer))
def list_alerts(
    page: int, limit: int, status: str | None = None, type: str | None = None, key_id: str | None = None
) -> Response:
    """The account's alerts, open and past ones, newest first."""
    rows, total = newest_first(narrowed(_visible(), status=status, type=type, key_id=key_id), page, limit)
    return page_answer(alert_answers(rows), page=page, limit=limit, total=total)


@blueprint.operation("GET", "/api/v1/alerts/<id>", gives=answer_of(AlertAnswer))
def get_alert(id: str) -> Response:
    """One alert."""
    alert = _visible().where(Alert.id == id_of_path(id)).first()
    if alert is None:
        raise ApiError("ENTITY_NOT_FOUND")
    return answer(alert_answers([alert])[0])


@blueprint.operation("PATCH", "/api/v1/alerts/<id>", body=ChangeAlert, gives=answer_of(AlertAnswer))
def dismiss_alert(id: str) -> Response:
    """Dismiss an alert: it has been looked at. Until it is over, no other about the same is opened."""
    ChangeAlert().load(read_object())
    alert = Alerts(services().ledger).dismiss(principal().actor(), _visible(), id_of_path(id))
    return answer(alert_answers([alert])[0])


def _visible() -> ModelSelect[Alert]:
    """Select the alerts of the caller's account."""
    return alerts_of(principal().account.account_id)
