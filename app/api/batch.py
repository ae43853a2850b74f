"""`POST /v1/batch`: up to 50 calls of entities, sent to the portal as one request.

Each call is judged as if it came alone: what is refused here never leaves, and stops none of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from flask import Response

from app.api.answers import ApiBlueprint, answer, list_meta
from app.api.entities import changed_item, found_in, named_in, portal
from app.auth import check_grants, principal
from app.bitrix.client import MOST_IN_A_BATCH
from app.bitrix.descriptions import described
from app.bitrix.entities import ENTITIES, Entity
from app.bitrix.own_fields import Named
from app.bitrix.pages import PAGE, first_start, joined
from app.bitrix.portal_calls import Call, Outcomes, Result
from app.errors import ApiError, invalid, told
from app.json_body import read_object
from app.models import Portal
from app.openapi import answer_of
from app.registry.entities import ROUTE_FOR
from app.schemas.base import loader
from app.schemas.batch import ID_LENGTH, Batch, BatchAnswer, BatchCall
from app.schemas.entity import create, update
from app.schemas.listing import search, wanted
from app.services import services

blueprint = ApiBlueprint("batch", __name__, description="Several calls of entities in one request.")

_OF_ONE_ITEM = frozenset({"get", "update", "delete"})
_TAKE_NO_PARAMS = frozenset({"get", "delete", "fields"})


class Done(NamedTuple):
    """What a call's own answer would hold."""

    data: Any
    meta: Mapping[str, Any] | None = None


class Prepared(NamedTuple):
    """A call as commands of the portal's batch, of which a list may need several, and what they give."""

    commands: Sequence[Call]
    read: Callable[[Sequence[Result]], Done]
    named: Named | None = None


@blueprint.operation("POST", "/v1/batch", body=Batch, gives=answer_of(BatchAnswer))
def batch() -> Response:
    """What became of each call, by its id. The request succeeds whatever became of them."""
    calls = _by_id(loader(Batch).load(read_object())["calls"])
    errors: dict[str, ApiError] = {}
    prepared: dict[str, Prepared] = {}
    for name, call in calls.items():
        try:
            prepared[name] = _prepare(call)
        except ApiError as refusal:
            errors[name] = refusal
    named = {name: one.named for name, one in prepared.items() if one.named is not None}
    of = portal()
    errors |= services().own_fields.refusals(of, named)
    errors |= _without_room({name: one for name, one in prepared.items() if name not in errors})
    sent = {name: one for name, one in prepared.items() if name not in errors}
    done, refused = _send(of, sent)
    errors |= refused
    return answer(
        {
            "results": {name: one.data for name, one in done.items()},
            "errors": {name: told(errors[name]) for name in calls if name in errors},
            "meta": {name: one.meta for name, one in done.items() if one.meta is not None},
        }
    )


def _by_id(calls: Sequence[Any]) -> dict[str, Any]:
    """Return the calls by their ids; one that can't have the id that it asks for has that of its place."""
    by_id: dict[str, Any] = {}
    for place, call in enumerate(calls):
        asked = call.get("id") if isinstance(call, dict) else None
        name = asked if isinstance(asked, str) and 1 <= len(asked) <= ID_LENGTH else str(place)
        if name in by_id:
            raise invalid(calls=f"{place}: Another call has the same id.")
        by_id[name] = call
    return by_id


def _prepare(call: Any) -> Prepared:
    if not isinstance(call, dict):
        raise invalid(calls="Not an object.")
    asked = loader(BatchCall).load(call)
    entity, action, number = ENTITIES[asked["entity"]], asked["action"], asked.get("entity_id")
    if action not in entity.actions:
        raise ApiError("METHOD_NOT_ALLOWED", f"There is no {action} of {entity.name}.")
    check_grants(principal(), ROUTE_FOR[entity.name, action])
    if (number is not None) != (action in _OF_ONE_ITEM):
        raise invalid(entityId="Required." if number is None else f"Not for {action}.")
    params = asked.get("params", {})
    if params and action in _TAKE_NO_PARAMS:
        raise invalid(params=f"Not for {action}.")
    return _PREPARE[action](entity, number, params)


def _list(entity: Entity, _: int, params: Mapping[str, Any]) -> Prepared:
    asked = loader(search(entity)).load(params)
    limit, offset, looked_for = asked["limit"], asked["offset"], wanted(asked)
    call, starts = entity.to_list(looked_for), range(first_start(offset), offset + limit, PAGE)

    def read(results: Sequence[Result]) -> Done:
        listed = joined(dict(zip(starts, results, strict=True)), offset=offset, limit=limit)
        items = [entity.shown(item, looked_for.select) for item in listed.items]
        return Done(items, list_meta(limit=limit, offset=offset, total=listed.total))

    pages = [call._replace(start=start) for start in starts]
    return Prepared(pages, read, Named(entity, entity.own(looked_for.fields)))


def _get(entity: Entity, number: int, _: Mapping[str, Any]) -> Prepared:
    return _one(entity.to_get(number), lambda result: found_in(entity, number, result))


def _create(entity: Entity, _: int, params: Mapping[str, Any]) -> Prepared:
    values = loader(create(entity)).load(params)
    named = named_in(entity, values)
    return _one(entity.to_create(values), lambda result: entity.shown(result.value), named)


def _update(entity: Entity, number: int, params: Mapping[str, Any]) -> Prepared:
    values = loader(update(entity)).load(params)
    named = named_in(entity, values)
    return _one(entity.to_update(number, values), lambda result: changed_item(entity, result), named)


def _delete(entity: Entity, number: int, _: Mapping[str, Any]) -> Prepared:
    return _one(entity.to_delete(number), lambda result: {"id": number, "deleted": True})


def _fields(entity: Entity, _: int, params: Mapping[str, Any]) -> Prepared:
    return _one(entity.to_describe(), lambda result: described(entity, result.value))


_PREPARE: Mapping[str, Callable[[Entity, Any, Mapping[str, Any]], Prepared]] = {
    "list": _list,
    "search": _list,
    "get": _get,
    "create": _create,
    "update": _update,
    "delete": _delete,
    "fields": _fields,
}


def _one(call: Call, read: Callable[[Result], Any], named: Named | None = None) -> Prepared:
    return Prepared([call], lambda results: Done(read(results[0])), named)


def _without_room(prepared: Mapping[str, Prepared]) -> dict[str, ApiError]:
    """Return the refusals of long lists: for those no commands are left once every other call has its own."""
    room = MOST_IN_A_BATCH - sum(len(one.commands) == 1 for one in prepared.values())
    refused: dict[str, ApiError] = {}
    for name, one in prepared.items():
        if len(one.commands) > 1:
            room -= len(one.commands)
            if room < 0:
                room += len(one.commands)
                refused[name] = invalid(limit=f"The batch has room for {max(room, 0) * PAGE} items more.")
    return refused


def _send(of: Portal, prepared: Mapping[str, Prepared]) -> tuple[dict[str, Done], dict[str, ApiError]]:
    commands = {
        f"{name}/{place}": command
        for name, one in prepared.items()
        for place, command in enumerate(one.commands)
    }
    outcomes = services().portal_calls.batch(of, commands)
    done: dict[str, Done] = {}
    errors: dict[str, ApiError] = {}
    for name, one in prepared.items():
        names = [f"{name}/{place}" for place in range(len(one.commands))]
        try:
            done[name] = one.read([_result(outcomes, command) for command in names])
        except ApiError as refusal:
            errors[name] = refusal
    return done, errors


def _result(outcomes: Outcomes, name: str) -> Result:
    if name in outcomes.errors:
        raise outcomes.errors[name]
    return outcomes.results[name]
