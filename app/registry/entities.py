"""The routes of a portal's entities, made from their table, and that of the batch.

An example shows some members of an item; the item that a call answers with has them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.bitrix.entities import ENTITIES, Entity
from app.registry.route import CHANGE_ERRORS, PORTAL, Example, Route, one, part

UPSTREAM_ERRORS = (
    "PORTAL_NOT_LINKED",
    "BITRIX_ACCESS_DENIED",
    "ENTITY_NOT_FOUND",
    "BITRIX_ERROR",
    "BITRIX_UNAVAILABLE",
)
"""What a call of the portal's Bitrix24 can end with."""

_LIMIT = 20
_PATHS: Mapping[str, tuple[str, str]] = {
    "list": ("GET", ""),
    "search": ("POST", "/search"),
    "get": ("GET", "/{id}"),
    "create": ("POST", ""),
    "update": ("PATCH", "/{id}"),
    "delete": ("DELETE", "/{id}"),
    "fields": ("GET", "/fields"),
}
_SUMMARIES: Mapping[str, str] = {
    "list": "list {name}: filter, order, select, limit, offset",
    "search": "list {name} by a filter that is JSON",
    "get": "single {one}",
    "create": "make a {one}",
    "update": "change a {one}; absent fields stay as they are",
    "delete": "delete a {one}",
    "fields": "fields of {name}, the portal's own among them",
}
_READS = frozenset({"list", "search", "get", "fields"})
_HAVE_A_BODY = frozenset({"search", "create", "update"})


def _route(entity: Entity, action: str) -> Route:
    method, path = _PATHS[action]
    return Route(
        method=method,
        path=f"/v1/{entity.name}{path}",
        operation_id=_operation_id(entity, action),
        summary=_SUMMARIES[action].format(name=entity.name, one=entity.one),
        types=PORTAL,
        scope=entity.scope,
        errors=(*(CHANGE_ERRORS if action in _HAVE_A_BODY else ()), *UPSTREAM_ERRORS),
        reads=action in _READS,
        example=_EXAMPLES[action](entity),
    )


def _operation_id(entity: Entity, action: str) -> str:
    several, one = (name[0].upper() + name[1:] for name in (entity.name, entity.one))
    return f"get{one}Fields" if action == "fields" else f"{action}{several if action in _LISTS else one}"


_LISTS = frozenset({"list", "search"})


def _list(entity: Entity) -> Example:
    query = {
        "filter": {name: _as_text(value) for name, value in entity.sought.items()},
        "order": {"id": "desc"},
        "select": ",".join(entity.example),
        "limit": _LIMIT,
    }
    return Example(query=query, answer=part(entity.example, limit=_LIMIT))


def _search(entity: Entity) -> Example:
    body = {
        "filter": entity.sought,
        "order": {"id": "desc"},
        "select": list(entity.example),
        "limit": _LIMIT,
        "offset": 0,
    }
    return Example(body=body, answer=part(entity.example, limit=_LIMIT))


def _get(entity: Entity) -> Example:
    return Example(path=_id(entity), answer=one(entity.example))


def _create(entity: Entity) -> Example:
    return Example(body=_writable(entity), answer=one(entity.example))


def _update(entity: Entity) -> Example:
    changed = dict(list(_writable(entity).items())[:1])
    return Example(path=_id(entity), body=changed, answer=one(entity.example))


def _delete(entity: Entity) -> Example:
    return Example(path=_id(entity), answer=one({**_id(entity), "deleted": True}))


def _fields(entity: Entity) -> Example:
    described = {
        name: {
            "type": field.kind.name,
            "multiple": field.many,
            "access": field.access,
            "required": field.required,
            "custom": False,
            "operators": list(field.operators),
            "order": field.order is not None,
            "title": name[0].upper() + name[1:],
            "bitrixType": field.kind.name,
            "values": None,
        }
        for name, field in entity.fields.items()
        if name in entity.example
    }
    return Example(answer=one(described))


_EXAMPLES = {
    "list": _list,
    "search": _search,
    "get": _get,
    "create": _create,
    "update": _update,
    "delete": _delete,
    "fields": _fields,
}


def _id(entity: Entity) -> dict[str, int]:
    return {"id": entity.example["id"]}


def _writable(entity: Entity) -> dict[str, Any]:
    return {name: value for name, value in entity.example.items() if entity.fields[name].access == "write"}


def _as_text(value: Any) -> Any:
    """Return what is sought as a query parameter has it."""
    if isinstance(value, Mapping):
        return {operator: _as_text(inner) for operator, inner in value.items()}
    if isinstance(value, list):
        return ",".join(map(_as_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


ROUTE_FOR: Mapping[tuple[str, str], Route] = {
    (entity.name, action): _route(entity, action) for entity in ENTITIES.values() for action in entity.actions
}
"""By entity and action."""

_DEAL, _TASK = ENTITIES["deals"], ENTITIES["tasks"]

BATCH = Route(
    method="POST",
    path="/v1/batch",
    operation_id="batch",
    summary="up to 50 calls of entities in one request; each needs the scope that it needs alone",
    types=PORTAL,
    errors=(*CHANGE_ERRORS, "BATCH_LIMIT_EXCEEDED", *UPSTREAM_ERRORS),
    reads=True,
    example=Example(
        body={
            "calls": [
                {"id": "deal", "entity": "deals", "action": "get", "entityId": _DEAL.example["id"]},
                {"id": "new", "entity": "tasks", "action": "create", "params": _writable(_TASK)},
                {
                    "id": "open",
                    "entity": "deals",
                    "action": "list",
                    "params": {"filter": _DEAL.sought, "select": list(_DEAL.example), "limit": _LIMIT},
                },
                {"id": "gone", "entity": "deals", "action": "get", "entityId": 404},
            ]
        },
        answer=one(
            {
                "results": {"deal": _DEAL.example, "new": _TASK.example, "open": [_DEAL.example]},
                "errors": {"gone": {"code": "ENTITY_NOT_FOUND", "message": "There is no such object."}},
                "meta": {"open": part(_DEAL.example, limit=_LIMIT)["meta"]},
            }
        ),
    ),
)

ROUTES: tuple[Route, ...] = (*ROUTE_FOR.values(), BATCH)
