"""The life of an alert: opened once, dismissed by its account or not, closed when it is over."""

from __future__ import annotations

from typing import Any

from peewee import ModelSelect

from app.alerts.finding import Finding
from app.errors import ApiError
from app.ledger import Actor, Change, Ledger
from app.models import Alert, new_id


def seen_before(finding: Finding) -> Alert | None:
    """Return the alert that a finding belongs to: one that is not over, or one of the same hour or later."""
    same = (
        (Alert.account == finding.account_id)
        & (Alert.type == finding.type)
        & (Alert.subject == finding.subject)
    )
    goes_on = Alert.closed_at.is_null()
    if finding.hour is not None:
        goes_on |= Alert.last_hour >= finding.hour
    found: Alert | None = (
        Alert.select().where(same & goes_on).order_by(Alert.closed_at.is_null(False)).first()
    )
    return found


def open_alert(change: Change, finding: Finding) -> Alert:
    """Open an alert, and tell of it in the account's activity."""
    alert = Alert.create(
        id=new_id(change.now_ms),
        account=finding.account_id,
        type=finding.type,
        subject=finding.subject,
        key_id=finding.key_id,
        status="OPEN",
        facts=dict(finding.facts),
        created_at=change.now_ms,
        last_hour=finding.hour,
        dismissed_at=None,
        closed_at=None,
    )
    _tell(change, "alert.opened", alert, None, {"type": alert.type, "status": alert.status})
    return alert


def close_alert(change: Change, alert: Alert) -> None:
    """Close an alert that is over; one that was dismissed stays so."""
    before = {"status": alert.status}
    alert.closed_at = change.now_ms
    if alert.status == "OPEN":
        alert.status = "CLOSED"
    alert.save()
    _tell(change, "alert.closed", alert, before, {"status": alert.status})


class Alerts:
    """What an account can do about its alerts."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def dismiss(self, actor: Actor, visible: ModelSelect[Alert], alert_id: str) -> Alert:
        """Dismiss one of the `visible` alerts; once more changes nothing. Raises ENTITY_NOT_FOUND."""
        with self._ledger.change(actor) as change:
            alert: Alert | None = visible.where(Alert.id == alert_id).first()
            if alert is None:
                raise ApiError("ENTITY_NOT_FOUND")
            if alert.status != "DISMISSED":
                before = {"status": alert.status}
                alert.status, alert.dismissed_at = "DISMISSED", change.now_ms
                alert.save()
                after = {"status": alert.status}
                change.audit("alert.dismissed", "alert", alert.id, before, after, owner_id=alert.account_id)
        return alert


def _tell(
    change: Change, type: str, alert: Alert, before: dict[str, Any] | None, after: dict[str, Any]
) -> None:
    change.event(alert.account_id, type, "alert", alert.id, before, after, key_id=alert.key_id)
