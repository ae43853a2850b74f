"""The first calls with a management key, then with a portal key, as commands to paste one after the other.

They are the steps that the guide tells to programs, each with an answer. What a program takes out of an
earlier answer, a person puts into a variable, once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.bitrix.entities import ENTITIES
from app.docs.calls import VARIABLES, curl, indented
from app.registry import ROUTES, Route
from app.registry.quickstart import DEAL_STEPS, MANAGEMENT_STEPS, Step, Taken, numbers

STEPS = (*MANAGEMENT_STEPS, *DEAL_STEPS)
FIRST_WITH_A_PORTAL_KEY = len(MANAGEMENT_STEPS) + 1
"""The number of the step at which who has a portal key already can begin."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable to be set before a step, to what the answer to an earlier step has."""

    name: str
    step: int
    taken: Taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One step: what it is for, the variables to be set before it, and its command.

    `new_key`: the step whose answer has the key to be used from here on.
    """

    number: int
    does: str
    route: Route
    variables: list[Variable]
    new_key: int | None
    command: str
    answer: str


def calls(host: str) -> Iterator[Call]:
    """Yield the steps on `host`; each names the variables that none before it has named."""
    by_id = {route.operation_id: route for route in ROUTES}
    places = numbers(STEPS)
    known: set[str] = set()
    for number, step in enumerate(STEPS, 1):
        route = by_id[step.operation_id]
        needed = {name: taken for name, taken in _variables(step, route).items() if name not in known}
        known.update(needed)
        yield Call(
            number=number,
            does=step.does,
            route=route,
            variables=[Variable(name, places[taken.step], taken) for name, taken in needed.items()],
            new_key=None if step.key is None else places[step.key.step],
            command=_command(step, route, host),
            answer=indented(step.answer or route.example.answer),
        )


def _command(step: Step, route: Route, host: str) -> str:
    path = dict.fromkeys(step.path, _of_path(route)) if step.path else None
    query = _with_examples(step.query, route.example.query)
    body = None if step.body is None else _with_examples(step.body, route.example.body or {})
    return curl(route, host, path=path, query=query, body=body)


def _variables(step: Step, route: Route) -> dict[str, Taken]:
    given = {**step.query, **(step.body or {})}
    example = {**route.example.query, **(route.example.body or {})}
    found = {VARIABLES[example[name]]: value for name, value in given.items() if isinstance(value, Taken)}
    return found | {_of_path(route): taken for taken in step.path.values()}


def _of_path(route: Route) -> str:
    """Return what the number of an item is called in a command."""
    _, _, name, _ = route.path.split("/")
    return f"{ENTITIES[name].one.upper()}_ID"


def _with_examples(given: Mapping[str, Any], example: Mapping[str, Any]) -> dict[str, Any]:
    """Return `given` with the example's id, which a command shows as a variable, for what is to be taken."""
    return {name: example[name] if isinstance(value, Taken) else value for name, value in given.items()}
