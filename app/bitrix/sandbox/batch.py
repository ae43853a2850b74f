"""`batch`: up to 50 commands in one request, which costs as much as one.

A command is `method?query`. Its parameters may hold `$result[name][field]…`, which is replaced by what the
command of that name gave. The status is 200 whatever became of the commands; what they gave, and what went
wrong, is told by their names in maps, each of which is a list when PHP would make one of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from app.bitrix.sandbox import php
from app.bitrix.sandbox.refusal import Refusal

LONGEST = 50

Runner = Callable[[str, dict[str, Any]], dict[str, Any]]
"""Calls a method and gives the whole answer. Raises `Refusal`."""

_REFERENCE = re.compile(r"\$result((?:\[[^\]]*\])+)")


def run(params: dict[str, Any], call: Runner) -> dict[str, Any]:
    """Run the commands in their order and return the result of `batch`."""
    halt = params.get("halt") in (True, 1, "1", "true", "Y")
    results: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    told: dict[str, dict[str, Any]] = {"total": {}, "next": {}, "time": {}}
    for place, (name, command) in enumerate(php.pairs(params.get("cmd"))):
        try:
            if place >= LONGEST:
                raise Refusal(400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded")
            answer = _run(str(command), results, call)
        except Refusal as refusal:
            errors[name] = refusal.body()
            if halt:
                break
            continue
        results[name] = answer["result"]
        for member, by_name in told.items():
            if member in answer:
                by_name[name] = answer[member]
    return {
        "result": php.encoded(results),
        "result_error": php.encoded(errors),
        **{f"result_{member}": php.encoded(by_name) for member, by_name in told.items()},
    }


def _run(command: str, results: dict[str, Any], call: Runner) -> dict[str, Any]:
    method, _, query = command.partition("?")
    params = _resolved(php.from_query(query), results)
    return call(method.removesuffix(".json"), params)


def _resolved(value: Any, results: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _resolved(inner, results) for key, inner in value.items()}
    if isinstance(value, list):
        return [_resolved(inner, results) for inner in value]
    whole = _REFERENCE.fullmatch(value)
    if whole is not None:
        return _found(whole[1], results)
    return _REFERENCE.sub(lambda matched: str(_found(matched[1], results)), value)


def _found(path: str, results: dict[str, Any]) -> Any:
    """What a path leads to; nothing if it leads nowhere."""
    found: Any = results
    for key in re.findall(r"\[([^\]]*)\]", path):
        found = dict(php.pairs(found)).get(key, "")
    return found
