"""Alerts as the tests of the API have them: opened at once, since here nothing looks for reasons."""

from __future__ import annotations

from typing import Any

from app.alerts.finding import Finding
from app.alerts.life import close_alert, open_alert
from app.ledger import Actor
from app.models import Alert, Key
from tests.api.world import Tenant, World

_SYSTEM = Actor("system")


def new_alert(world: World, owner: Tenant, type: str = "EXPIRING", key: Key | None = None) -> Alert:
    """Open an alert about one of the owner's keys, a new one if none is named."""
    world.service.clock.now += 0.001
    about = key or world.personal_key(owner).key
    facts: dict[str, Any] = {
        "key_name": about.name,
        "key_prefix": about.key_prefix,
        "created_at": about.created_at,
        "expires_at": about.created_at + 1_000,
        "hour_starts_at": about.created_at,
        "request_count": 100,
        "mean": 1.5,
        "factor": 5,
    }
    finding = Finding(owner.account.id, type, about.id, about.id, None, facts)
    with world.services.ledger.change(_SYSTEM) as change:
        return open_alert(change, finding)


def close(world: World, alert: Alert) -> None:
    """Have the alert be over."""
    with world.services.ledger.change(_SYSTEM) as change:
        close_alert(change, Alert.get_by_id(alert.id))
