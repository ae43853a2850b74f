"""`/v1/deals` and the other entities of the key's portal, from its Bitrix24.

Every entity is served alike; what is special about one stands in its row of `app.bitrix.entities`. All that a
caller sends is checked before anything leaves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import Response
from werkzeug.routing import BaseConverter

from app.api.answers import ApiBlueprint, answer, list_answer, list_meta
from app.auth import principal
from app.bitrix.conditions import Wanted
from app.bitrix.descriptions import described
from app.bitrix.entities import ENTITIES, Entity
from app.bitrix.kinds import LARGEST
from app.bitrix.own_fields import Named
from app.bitrix.portal_calls import Call, PortalCalls, Result
from app.errors import ApiError
from app.json_body import read_object
from app.models import Portal
from app.openapi import answer_of, part_of
from app.registry.entities import ROUTE_FOR
from app.schemas.base import loader
from app.schemas.entity import DeletedItem, FieldsAnswer, create, shown, update
from app.schemas.listing import list_query, search, wanted
from app.services import services

_NUMBER = re.compile(r"[1-9][0-9]{0,15}")


class ItemConverter(BaseConverter):
    """What follows an entity in a path and is not one of its own routes."""

    regex = "(?!(?:fields|search)$)[^/]+"


def blueprints() -> Iterator[ApiBlueprint]:
    """Yield the operations of each entity."""
    for entity in ENTITIES.values():
        blueprint = ApiBlueprint(entity.name, __name__, description=f"The portal's {entity.name}.")
        for action in entity.actions:
            _VIEWS[action](blueprint, entity)
        yield blueprint


def portal() -> Portal:
    """Return the portal of the calling key, read from the database: once a request is enough."""
    found: Portal = Portal.get_by_id(principal().portal_id)
    return found


def changed_item(entity: Entity, result: Result) -> dict[str, Any]:
    """Return the item as a change left it, as it is shown.

    Raises BITRIX_UNAVAILABLE when Bitrix24 says only that it was changed, as some of its versions do.
    """
    if result.value is True:
        message = "Bitrix24 made the change, but does not show what it changed; read it."
        raise ApiError("BITRIX_UNAVAILABLE", message, details={"outcome": "unknown"})
    return entity.shown(result.value)


def number_of_path(text: str) -> int:
    """Return the number of an item that stands in the path. Raises ENTITY_NOT_FOUND if it can be none."""
    number = int(text) if _NUMBER.fullmatch(text) else 0
    if not 0 < number <= LARGEST:
        raise ApiError("ENTITY_NOT_FOUND")
    return number


def named_in(entity: Entity, values: Mapping[str, Any]) -> Named:
    """Return the portal's own fields among those that are written."""
    return Named(entity, entity.own(field for name in values if (field := entity.field(name)) is not None))


def found_in(entity: Entity, number: int, result: Result) -> dict[str, Any]:
    """Return the one item that was looked for, as it is shown. Raises ENTITY_NOT_FOUND.

    A filter that Bitrix24 dropped would give another one.
    """
    item = entity.shown(result.value)
    if entity.dialect.number is None and item.get("id") != number:
        raise ApiError("ENTITY_NOT_FOUND")
    return item


def _calls() -> PortalCalls:
    return services().portal_calls


def _list(blueprint: ApiBlueprint, entity: Entity) -> None:
    def view(limit: int, offset: int, **asked: Any) -> Response:
        """The items that the filter lets through, in the order asked for."""
        return _part(entity, wanted(asked), limit, offset)

    _serve(blueprint, entity, "list", view, query=list_query(entity), gives=part_of(shown(entity)))


def _search(blueprint: ApiBlueprint, entity: Entity) -> None:
    def view() -> Response:
        """The items that the filter lets through, in the order asked for."""
        asked = loader(search(entity)).load(read_object())
        return _part(entity, wanted(asked), asked["limit"], asked["offset"])

    _serve(blueprint, entity, "search", view, body=search(entity), gives=part_of(shown(entity)))


def _get(blueprint: ApiBlueprint, entity: Entity) -> None:
    def view(id: str) -> Response:
        """One item, with all its fields."""
        number = number_of_path(id)
        return answer(found_in(entity, number, _calls().call(portal(), entity.to_get(number))))

    _serve(blueprint, entity, "get", view, gives=answer_of(shown(entity)))


def _create(blueprint: ApiBlueprint, entity: Entity) -> None:
    def view() -> Response:
        """The new item, with all its fields."""
        values = loader(create(entity)).load(read_object())
        of = portal()
        services().own_fields.check(of, named_in(entity, values))
        return answer(entity.shown(_calls().call(of, entity.to_create(values)).value), 201)

    _serve(blueprint, entity, "create", view, body=create(entity), gives=answer_of(shown(entity)), status=201)


def _update(blueprint: ApiBlueprint, entity: Entity) -> None:
    def view(id: str) -> Response:
        """The item after the change, with all its fields."""
        values = loader(update(entity)).load(read_object())
        number, of = number_of_path(id), portal()
        services().own_fields.check(of, named_in(entity, values))
        result = _changed(of, entity, number, entity.to_update(number, values))
        if result.value is True:
            result = _read_again(of, entity, number) or result
        return answer(changed_item(entity, result))

    _serve(blueprint, entity, "update", view, body=update(entity), gives=answer_of(shown(entity)))


def _delete(blueprint: ApiBlueprint, entity: Entity) -> None:
    def view(id: str) -> Response:
        """Delete an item."""
        number = number_of_path(id)
        _changed(portal(), entity, number, entity.to_delete(number))
        return answer({"id": number, "deleted": True})

    _serve(blueprint, entity, "delete", view, gives=answer_of(DeletedItem))


def _fields(blueprint: ApiBlueprint, entity: Entity) -> None:
    def view() -> Response:
        """The fields by name: those that every portal has, and the portal's own."""
        return answer(described(entity, _calls().call(portal(), entity.to_describe()).value))

    _serve(blueprint, entity, "fields", view, gives=FieldsAnswer)


_VIEWS: Mapping[str, Callable[[ApiBlueprint, Entity], None]] = {
    "list": _list,
    "search": _search,
    "get": _get,
    "create": _create,
    "update": _update,
    "delete": _delete,
    "fields": _fields,
}


def _serve(
    blueprint: ApiBlueprint, entity: Entity, action: str, view: Callable[..., Response], **documented: Any
) -> None:
    route = ROUTE_FOR[entity.name, action]
    view.__name__ = route.operation_id
    blueprint.operation(route.method, route.path.replace("{id}", "<item:id>"), **documented)(view)


def _part(entity: Entity, asked: Wanted, limit: int, offset: int) -> Response:
    of = portal()
    services().own_fields.check(of, Named(entity, entity.own(asked.fields)))
    listed = _calls().list_pages(of, entity.to_list(asked), offset=offset, limit=limit)
    items = [entity.shown(item, asked.select) for item in listed.items]
    return list_answer(items, list_meta(limit=limit, offset=offset, total=listed.total))


def _changed(of: Portal, entity: Entity, number: int, call: Call) -> Result:
    """Make a change. Where a refusal may mean that there is no such item, look whether there is."""
    try:
        return _calls().call(of, call)
    except ApiError as refusal:
        code = (refusal.details or {}).get("code")
        if code in entity.dialect.hides_missing and _is_missing(of, entity, number):
            raise ApiError("ENTITY_NOT_FOUND") from None
        raise


def _read_again(of: Portal, entity: Entity, number: int) -> Result | None:
    try:
        return _calls().call(of, entity.to_get(number))
    except ApiError:
        return None  # whatever it is, it is not what became of the change


def _is_missing(of: Portal, entity: Entity, number: int) -> bool:
    try:
        _calls().call(of, entity.to_get(number))
    except ApiError as refusal:
        return refusal.code == "ENTITY_NOT_FOUND"
    return False
