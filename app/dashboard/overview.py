"""The first page: what happened today, and what somebody should look at."""

from __future__ import annotations

from flask import Response

from app.dashboard.attention import groups
from app.dashboard.page import get, render
from app.dashboard.visitor import visitor
from app.errors import ERRORS
from app.mail.alerts import sentence
from app.models import Alert
from app.services import services
from app.usage.today import today_of
from app.visible_keys import every_key_of

_ALERTS_SHOWN = 5


@get("/dashboard")
def overview() -> Response:
    """Where one begins."""
    keys = every_key_of(visitor().account_id)
    alerts = Alert.select().where(Alert.account == visitor().account_id, Alert.status == "OPEN")
    newest = alerts.order_by(Alert.created_at.desc(), Alert.id.desc())
    return render(
        "overview.html",
        title="Overview",
        section="overview",
        is_fresh=not keys.exists(),
        today=today_of(services().db, keys, int(services().clock() * 1000)),
        errors=ERRORS,
        alerts=[(alert, sentence(alert.type, alert.facts)) for alert in newest.limit(_ALERTS_SHOWN)],
        alert_count=alerts.count(),
        groups=groups(),
        host=services().config.public_url,
    )
