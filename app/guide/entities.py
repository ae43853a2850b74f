"""The entities as the guide tells them, from their table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.bitrix.conditions import OPERATORS
from app.bitrix.entities import ENTITIES, Entity
from app.bitrix.fields import Field
from app.bitrix.kinds import KINDS
from app.registry import Route
from app.registry.entities import ROUTE_FOR


def entities(routes: list[Route]) -> list[dict[str, Any]]:
    """Return, in the shape of `EntityGuide`, the entities of which one of `routes` is."""
    told = {route.operation_id for route in routes}
    return [
        _entity(entity) for entity in ENTITIES.values() if ROUTE_FOR[entity.name, "list"].operation_id in told
    ]


def operators() -> Iterator[dict[str, Any]]:
    """Yield what a filter can ask, in the shape of `Operator`."""
    for name, meaning in OPERATORS.items():
        types = {kind.name for kind in KINDS.values() if name in kind.operators}
        yield {"name": name, "meaning": meaning, "types": sorted(types)}


def _entity(entity: Entity) -> dict[str, Any]:
    return {
        "name": entity.name,
        "path": ROUTE_FOR[entity.name, "list"].path,
        "scope": entity.scope,
        "actions": [
            {"action": action, "operationId": ROUTE_FOR[entity.name, action].operation_id}
            for action in entity.actions
        ],
        "fields": [_field(field) for field in entity.fields.values()],
    }


def _field(field: Field) -> dict[str, Any]:
    facts = {
        "name": field.name,
        "type": f"array of {field.kind.name}" if field.many else field.kind.name,
        "access": field.access,
        "filter": bool(field.operators),
        "order": field.order is not None,
    }
    return facts | ({"required": True} if field.required else {})
