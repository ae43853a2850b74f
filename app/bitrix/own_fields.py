"""The portal's own fields: whether there are those that a request names.

Bitrix24 drops a filter by a field that there is not, and a value for one, without a word. Of the fields that
every portal has the table knows; for those of its own the portal is asked, once in a while. So a field that
was made a moment ago is found, and one that was deleted may be taken for there for five minutes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from app.bitrix.entities import Entity
from app.bitrix.fields import Field
from app.bitrix.portal_calls import Outcomes, PortalCalls
from app.errors import ApiError, invalid
from app.models import Portal

REMEMBERED = 300.0
"""Seconds that the portal's answer counts."""

BELIEVED = 10.0
"""Seconds in which it is believed also of what it lacks."""

_MOST_ANSWERS, _MOST_NAMES = 200, 2_000


class Named(NamedTuple):
    """The portal's own fields that a call of an entity names."""

    entity: Entity
    fields: Sequence[Field] = ()


class _Told(NamedTuple):
    names: frozenset[str]
    at: float


class OwnFields:
    """What this worker knows of the portals' own fields, for all threads."""

    def __init__(self, calls: PortalCalls) -> None:
        self._calls = calls
        self._lock = threading.Lock()
        self._told: dict[tuple[str, str], _Told] = {}

    def check(self, portal: Portal, named: Named) -> None:
        """Raises `ApiError`: VALIDATION_ERROR for fields that there are not, or like `PortalCalls.call`."""
        for refusal in self.refusals(portal, {"": named}).values():
            raise refusal

    def refusals(self, portal: Portal, named: Mapping[str, Named]) -> dict[str, ApiError]:
        """Return why calls are refused, by their names, having asked the portal once if need be.

        Raises `ApiError` like `PortalCalls.batch`.
        """
        asked = {name: one for name, one in named.items() if one.fields}
        told, errors = self._known(portal, asked.values())
        refused: dict[str, ApiError] = {}
        for name, one in asked.items():
            if one.entity.name in errors:
                refused[name] = errors[one.entity.name]
            elif missing := _missing(one, told[one.entity.name]):
                refused[name] = invalid(**dict.fromkeys(missing, "The portal has no such field."))
        return refused

    def _known(self, portal: Portal, named: Iterable[Named]) -> tuple[dict[str, _Told], dict[str, ApiError]]:
        """Return what the portal tells of each entity, and why it does not of others."""
        told: dict[str, _Told] = {}
        unsure: dict[str, Entity] = {}
        for one in named:
            before = self._told.get((portal.id, one.entity.name))
            if before is None or not _suffices(before, one):
                unsure[one.entity.name] = one.entity
            else:
                told[one.entity.name] = before
        outcomes = self._ask(portal, list(unsure.values()))
        for name, result in outcomes.results.items():
            told[name] = _Told(frozenset(result.value), time.monotonic())
            self._remember((portal.id, name), told[name])
        return told, outcomes.errors

    def _ask(self, portal: Portal, entities: Sequence[Entity]) -> Outcomes:
        if len(entities) == 1:
            (entity,) = entities
            return Outcomes({entity.name: self._calls.call(portal, entity.to_describe())})
        return self._calls.batch(portal, {entity.name: entity.to_describe() for entity in entities})

    def _remember(self, key: tuple[str, str], told: _Told) -> None:
        with self._lock:
            self._told.pop(key, None)
            if len(told.names) > _MOST_NAMES:
                return
            while len(self._told) >= _MOST_ANSWERS:
                del self._told[next(iter(self._told))]
            self._told[key] = told


def _suffices(told: _Told, named: Named) -> bool:
    age = time.monotonic() - told.at
    return age <= BELIEVED or (age <= REMEMBERED and not _missing(named, told))


def _missing(named: Named, told: _Told) -> list[str]:
    return [field.name for field in named.fields if field.upstream not in told.names]
