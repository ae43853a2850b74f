"""The first calls with a management key, as commands to paste one after the other.

They are the steps that the guide tells to programs, each with an answer. What a program takes out of an
earlier answer, a person puts into a variable, once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.docs.calls import VARIABLES, curl, indented
from app.registry import ROUTES, Route
from app.registry.quickstart import MANAGEMENT_STEPS, Step, Taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One step: what it is for, the variables to be set before it, and its command."""

    number: int
    does: str
    route: Route
    variables: Mapping[str, Taken]
    new_key: Taken | None
    command: str
    answer: str


def calls(host: str) -> Iterator[Call]:
    """Yield the steps on `host`; each names the variables that none before it has named."""
    by_id = {route.operation_id: route for route in ROUTES}
    known: set[str] = set()
    for number, step in enumerate(MANAGEMENT_STEPS, 1):
        route = by_id[step.operation_id]
        needed = {name: taken for name, taken in _variables(step, route).items() if name not in known}
        known.update(needed)
        query = _with_examples(step.query, route.example.query)
        body = None if step.body is None else _with_examples(step.body, route.example.body or {})
        yield Call(
            number=number,
            does=step.does,
            route=route,
            variables=needed,
            new_key=step.key,
            command=curl(route, host, query=query, body=body),
            answer=indented(step.answer or route.example.answer),
        )


def _variables(step: Step, route: Route) -> dict[str, Taken]:
    given = {**step.query, **(step.body or {})}
    example = {**route.example.query, **(route.example.body or {})}
    return {VARIABLES[example[name]]: value for name, value in given.items() if isinstance(value, Taken)}


def _with_examples(given: Mapping[str, Any], example: Mapping[str, Any]) -> dict[str, Any]:
    """Return `given` with the example's id, which a command shows as a variable, for what is to be taken."""
    return {name: example[name] if isinstance(value, Taken) else value for name, value in given.items()}
