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
from app.guide.batch import batch_reference
from app.guide.endpoints import endpoint
from app.guide.entities import entities, operators
from app.guide.feedback import PATH as FEEDBACK_PATH
from app.guide.feedback import feedback_reference
from app.guide.words import AUTHENTICATION, CONVENTIONS, HOW
from app.openapi import COMMON_CODES
from app.registry import MANAGEMENT, PORTAL, ROUTES, Route
from app.registry.entities import BATCH
from app.registry.quickstart import MANAGEMENT_STEPS, STEPS, Step, Taken, numbers
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
        "operators": list(operators()),
        "commonErrors": list(COMMON_CODES),
        "errors": {code: {"status": kind.status, "message": kind.message} for code, kind in ERRORS.items()},
    }
    if any(route.path == FEEDBACK_PATH for route in routes):
        guide["feedback"] = feedback_reference(key.type, document, base_url)
    if BATCH in routes:
        guide["batch"] = batch_reference(document)
    return guide


def _scopes(key: KeyRecord) -> Iterator[dict[str, Any]]:
    held = {*key.scopes, *key.integrations}
    for table, types in _TABLES:
        for name, meaning in table.items():
            yield {"name": name, "meaning": meaning, "keyTypes": sorted(types), "held": name in held}


def _steps(steps: tuple[Step, ...], routes: list[Route]) -> list[dict[str, Any]]:
    by_id = {route.operation_id: route for route in routes}
    known = [step for step in steps if step.operation_id in by_id]
    places = numbers(known)
    return [_step(step, by_id[step.operation_id], places) for step in known]


def _step(step: Step, route: Route, places: Mapping[str, int]) -> dict[str, Any]:
    return {
        "step": places[step.operation_id],
        "operationId": route.operation_id,
        "method": route.method,
        "path": route.path,
        "does": step.does,
        "key": None if step.key is None else _value(step.key, places),
        "pathParameters": _values(step.path, places),
        "query": _values(step.query, places),
        "body": None if step.body is None else _values(step.body, places),
    }


def _values(values: Mapping[str, Any], places: Mapping[str, int]) -> dict[str, Any]:
    return {name: _value(value, places) for name, value in values.items()}


def _value(value: Any, places: Mapping[str, int]) -> dict[str, Any]:
    if not isinstance(value, Taken):
        return {"value": value}
    taken = {"fromStep": places[value.step], "at": value.at, "where": value.where, "member": value.member}
    return {name: fact for name, fact in taken.items() if fact is not None}
