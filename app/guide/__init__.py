"""The guide: the whole API as one answer, for a program or an AI model that reads nothing else.

It is made from what enforces it: the table of routes says who may call what, the OpenAPI document what an
endpoint takes, `app.bitrix.entities` what fields an entity has, `app.errors` and `app.scopes` what codes and
scopes mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.auth import opens
from app.errors import ERRORS
from app.guide.endpoints import endpoint
from app.guide.entities import entities
from app.guide.feedback import PATH as FEEDBACK_PATH
from app.guide.feedback import feedback_reference
from app.guide.words import AUTHENTICATION, CONVENTIONS, HOW
from app.registry import MANAGEMENT, PORTAL, ROUTES, Route
from app.registry.quickstart import MANAGEMENT_STEPS, STEPS, Step, Taken
from app.scopes import INTEGRATIONS, MANAGEMENT_SCOPES, PORTAL_SCOPES
from gateway.records import KeyRecord

__all__ = ["guide_for"]

_TABLES = (
    (MANAGEMENT_SCOPES, MANAGEMENT),
    (PORTAL_SCOPES, PORTAL),
    (INTEGRATIONS, frozenset({"personal"})),
)


def guide_for(key: KeyRecord, document: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    """Return the guide for who calls with `key`, in the shape of `GuideAnswer`.

    A management key is told of everything, others of what they open. `document` is the OpenAPI document.
    """
    everything = key.type == "management"
    routes = [route for route in ROUTES if everything or opens(key, route)]
    guide: dict[str, Any] = {
        "baseUrl": base_url,
        "authentication": AUTHENTICATION,
        "conventions": CONVENTIONS,
        "scopes": [row for row in _scopes(key) if everything or key.type in row["keyTypes"]],
        "quickstart": {"how": HOW, "steps": _steps(MANAGEMENT_STEPS if everything else STEPS, routes)},
        "endpoints": [endpoint(route, key.type, document, base_url) for route in routes],
        "entities": entities(routes),
        "errors": {code: {"status": kind.status, "message": kind.message} for code, kind in ERRORS.items()},
    }
    if any(route.path == FEEDBACK_PATH for route in routes):
        guide["feedback"] = feedback_reference(key.type, document, base_url)
    return guide


def _scopes(key: KeyRecord) -> Iterator[dict[str, Any]]:
    held = {*key.scopes, *key.integrations}
    for table, types in _TABLES:
        for name, meaning in table.items():
            yield {"name": name, "meaning": meaning, "keyTypes": sorted(types), "held": name in held}


def _steps(steps: tuple[Step, ...], routes: list[Route]) -> list[dict[str, Any]]:
    by_id = {route.operation_id: route for route in routes}
    known = [(step, by_id[step.operation_id]) for step in steps if step.operation_id in by_id]
    return [
        {
            "step": number,
            "operationId": route.operation_id,
            "method": route.method,
            "path": route.path,
            "does": step.does,
            "key": None if step.key is None else _value(step.key),
            "query": {name: _value(value) for name, value in step.query.items()},
            "body": None if step.body is None else {name: _value(value) for name, value in step.body.items()},
        }
        for number, (step, route) in enumerate(known, 1)
    ]


def _value(value: Any) -> dict[str, Any]:
    if not isinstance(value, Taken):
        return {"value": value}
    taken = {"fromStep": value.step, "at": value.at, "where": value.where, "member": value.member}
    return {name: fact for name, fact in taken.items() if fact is not None}
