"""The routes of `/api/v1/alerts`."""

from __future__ import annotations

from typing import Any

from app.registry.examples import ALERT_ID, KEY_ID
from app.registry.route import CHANGE_ERRORS, PERSONAL, Example, Route, one, page

_CLI = frozenset({"cli"})
_ID = {"id": ALERT_ID}
_ALERT: dict[str, Any] = {
    "id": ALERT_ID,
    "type": "SPIKE",
    "status": "OPEN",
    "keyId": KEY_ID,
    "message": (
        "The key “Work laptop” (vxk_5d03b9…) had 431 requests in the hour from 2026-11-26 10:00 UTC: more "
        "than 5 times its mean of 12.4."
    ),
    "facts": {
        "keyName": "Work laptop",
        "keyPrefix": "vxk_5d03b9",
        "hourStartsAt": "2026-11-26T10:00:00.000Z",
        "requestCount": 431,
        "mean": 12.4,
        "meanOfHours": 168,
        "factor": 5,
    },
    "createdAt": "2026-11-26T10:21:00.000Z",
    "dismissedAt": None,
    "closedAt": None,
}

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/alerts",
        operation_id="listAlerts",
        summary="list the account's alerts, open and past ones",
        types=PERSONAL,
        integrations=_CLI,
        example=Example(query={"status": "OPEN", "type": "SPIKE"}, answer=page(_ALERT)),
    ),
    Route(
        method="GET",
        path="/api/v1/alerts/{id}",
        operation_id="getAlert",
        summary="single alert",
        types=PERSONAL,
        integrations=_CLI,
        errors=("ENTITY_NOT_FOUND",),
        example=Example(path=_ID, answer=one(_ALERT)),
    ),
    Route(
        method="PATCH",
        path="/api/v1/alerts/{id}",
        operation_id="dismissAlert",
        summary="dismiss an alert",
        types=PERSONAL,
        integrations=_CLI,
        errors=(*CHANGE_ERRORS, "ENTITY_NOT_FOUND"),
        example=Example(
            path=_ID,
            body={"status": "DISMISSED"},
            answer=one({**_ALERT, "status": "DISMISSED", "dismissedAt": "2026-11-26T10:40:00.000Z"}),
        ),
    ),
)
