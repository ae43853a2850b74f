"""`tasks.task.*`: names go in as UPPER_SNAKE and come out as camelCase, and nearly every value as a
string.

Ids are strings too, an empty map is a list, a task that is not there is the empty list under status 200,
and the names of people and groups come along unasked. Fields that there are not are dropped without a
word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.bitrix.sandbox import clock, php, query
from app.bitrix.sandbox.answer import Answer, Call
from app.bitrix.sandbox.php import pairs, values
from app.bitrix.sandbox.refusal import Refusal, missing_parameter
from app.bitrix.sandbox.store import Row
from app.bitrix.sandbox.task_fields import FIELDS, Field

_CALLED = {"REAL_STATUS": "STATUS", "ACCOMPLICE": "ACCOMPLICES", "AUDITOR": "AUDITORS"}
"""Filters and orders that are not called as the field is."""
_READ_ONLY = {"ID", "CREATED_DATE", "CHANGED_DATE", "CHANGED_BY", "STATUS_CHANGED_DATE", "STATUS_CHANGED_BY"}
_READ_ONLY |= {"CLOSED_DATE", "CLOSED_BY", "ACTIVITY_DATE", "VIEWED_DATE", "GUID", "OUTLOOK_VERSION"}
_CUSTOM = [name for name in FIELDS if name.startswith("UF_")]
"""Shown when they are asked for, and then all of them."""
_DEFAULT = [name for name in FIELDS if name not in _CUSTOM and name != "CHECKLIST"]
_ACTIONS = {"complete": True, "edit": True, "remove": True, "delegate": True, "start": True, "rate": True}
_STATUSES = {"2", "3", "4", "5", "6"}
_DONE = 5
_NO_TASK_ID = "CTaskItem All parameters in the constructor must have real class type (internal error)"


def list_(call: Call) -> Answer:
    """`tasks.task.list`: conditions on fields that there are not are left out, the newest come first."""
    conditions = dict(filter(None, map(_condition, pairs(call.params.get("filter")))))
    try:
        rows = query.matching(call.store.rows("tasks"), conditions, _kind)
    except query.BadValue:
        rows = []
    asked = [(_CALLED.get(name, name), direction) for name, direction in pairs(call.params.get("order"))]
    order = [(field, str(direction).lower() == "desc") for field, direction in asked if _kind(field)]
    page = query.page(query.ordered(rows, order or [("ID", True)], _kind, "ID"), call.params.get("start", 0))
    names = _selected(call.params)
    return Answer({"tasks": [_shown(call, row, names) for row in page.rows]}, page.total, page.next)


def get(call: Call) -> Answer:
    """`tasks.task.get`: an empty list if there is no such task."""
    row = _task(call)
    if row is None:
        return Answer([])
    return Answer({"task": {**_shown(call, row, _selected(call.params)), "action": _ACTIONS}})


def add(call: Call) -> Answer:
    """`tasks.task.add`: TITLE and RESPONSIBLE_ID are required."""
    given = _given(call)
    if not str(given.get("TITLE") or "").strip():
        raise _core("The task name is not specified")
    if not given.get("RESPONSIBLE_ID"):
        raise _core("The responsible person is not specified")
    row = new_task(call.store.next_number("tasks"), call.now)
    _write(call, row, given)
    call.store.put("tasks", row["ID"], row)
    return Answer({"task": {**_shown(call, row, _DEFAULT), "action": _ACTIONS, "checklist": []}})


def update(call: Call) -> Answer:
    """`tasks.task.update`: what is given is changed; the whole task is the answer."""
    row, given = _task(call), _given(call)
    if row is None:
        raise Refusal(400, "0", "Action on the task is not allowed (internal error)")
    changed = row | {"CHANGED_DATE": clock.written(call.now), "ACTIVITY_DATE": clock.written(call.now)}
    _write(call, changed, given)
    if changed["STATUS"] != row["STATUS"]:
        _status_changed(changed, call.now)
    call.store.put("tasks", row["ID"], changed)
    return Answer({"task": {**_shown(call, changed, _DEFAULT), "action": _ACTIONS, "checklist": []}})


def delete(call: Call) -> Answer:
    """`tasks.task.delete`: `{"task": true}`."""
    row = _task(call)
    if row is None:
        raise Refusal(400, "1048582", "No access to delete the task")
    call.store.delete("tasks", row["ID"])
    return Answer({"task": True})


def fields(call: Call) -> Answer:
    """`tasks.task.getFields`: what `task_fields` says."""
    return Answer({"fields": {field.name: field.described() for field in FIELDS.values()}})


METHODS: dict[str, Callable[[Call], Answer]] = {
    "tasks.task.list": list_,
    "tasks.task.get": get,
    "tasks.task.add": add,
    "tasks.task.update": update,
    "tasks.task.delete": delete,
    "tasks.task.getFields": fields,
}


def new_task(number: int, now: float) -> Row:
    """A whole row with every default."""
    at = clock.written(now)
    row: Row = {field.name: field.default for field in FIELDS.values()}
    row |= {"ID": number, "CREATED_BY": 1, "CHANGED_BY": 1, "SITE_ID": "s1", "OUTLOOK_VERSION": 1}
    row |= dict.fromkeys(("CREATED_DATE", "CHANGED_DATE", "ACTIVITY_DATE", "STATUS_CHANGED_DATE"), at)
    return row | {"ACCOMPLICES": [], "AUDITORS": [], "GUID": f"{{00000000-0000-4000-8000-{number:012d}}}"}


def _task(call: Call) -> Row | None:
    given = call.params.get("taskId")
    if given is None:
        raise Refusal(400, "100", _NO_TASK_ID)
    number = php.number(given)
    if number is None:
        raise Refusal(400, "0", "wrong task id")
    return call.store.get("tasks", number)


def _given(call: Call) -> dict[str, Any]:
    given = dict(pairs(call.params.get("fields")))
    if not given:
        raise missing_parameter("fields")
    return given


def _core(description: str) -> Refusal:
    return Refusal(400, "ERROR_CORE", f"{description}<br>")


def _condition(given: tuple[str, Any]) -> tuple[str, Any] | None:
    """A condition under the name that its field has; None if there is no such field."""
    key, value = given
    operator, name = query.parts(key)
    field = _CALLED.get(name, name)
    return (operator + field, value) if field in FIELDS else None


def _kind(name: str) -> query.Kind | None:
    field = FIELDS.get(name)
    return field.kind if field is not None else None


def _write(call: Call, row: Row, given: Mapping[str, Any]) -> None:
    if "STATUS" in given and str(given["STATUS"]) not in _STATUSES:
        raise _core("Invalid status")
    for name in ("RESPONSIBLE_ID", "CREATED_BY"):
        if name in given and not _user(call, given[name]):
            raise _core("The user was not found")
    for name, value in given.items():
        if name in FIELDS and name not in _READ_ONLY:
            row[name] = _written(FIELDS[name], value)


def _written(field: Field, value: Any) -> Any:
    if field.type == "array":
        return [each for each in map(php.number, values(value)) if each is not None]
    if field.name in _CUSTOM:
        return [str(each) for each in values(value)]
    if value is None or value == "":
        return field.default if field.type in ("integer", "enum") else None
    try:
        if field.type == "datetime":
            return clock.written(clock.read(str(value)).timestamp())
        if field.type == "integer" or (field.type == "enum" and str(value).isdecimal()):
            return int(value)
    except (TypeError, ValueError, OverflowError):
        raise _core(f"Invalid value of the field {field.name}") from None
    return str(value)


def _status_changed(row: Row, now: float) -> None:
    at = clock.written(now)
    row |= {"STATUS_CHANGED_DATE": at, "STATUS_CHANGED_BY": 1}
    done = row["STATUS"] == _DONE
    row |= {"CLOSED_DATE": at if done else None, "CLOSED_BY": 1 if done else 0}


def _selected(params: Mapping[str, Any]) -> list[str]:
    """The names to show; `select` may be spelled in either case, and holds names or `*`."""
    given = params.get("select", params.get("SELECT"))
    if given is None:
        return _DEFAULT
    if not isinstance(given, (dict, list)) or not given:
        message = f"Invalid value {{{given}}} to match with parameter {{select}}."
        raise Refusal(400, "100", f"{message} Should be value of type array. (internal error)")
    names = _DEFAULT if "*" in values(given) else [name for name in FIELDS if name in values(given)]
    return [*names, *_CUSTOM] if set(_CUSTOM) & set(values(given)) else names


def _shown(call: Call, row: Row, names: list[str]) -> dict[str, Any]:
    shown: dict[str, Any] = {_camel(name): _out(row[name]) for name in ["ID", *names]}
    if "STATUS" in names:
        shown["subStatus"] = shown["status"]
    if "NEW_COMMENTS_COUNT" in names:
        shown["newCommentsCount"] = row["NEW_COMMENTS_COUNT"]
    shown |= {"descriptionInBbcode": "Y", "favorite": "N", "group": []}
    for name, field in (("creator", "CREATED_BY"), ("responsible", "RESPONSIBLE_ID")):
        if field in names:
            shown[name] = _person(call, row[field])
    return shown


def _out(value: Any) -> Any:
    if isinstance(value, list):
        return [str(each) for each in value]
    return value if value is None else str(value)


def _user(call: Call, given: Any) -> Row | None:
    number = php.number(given)
    return None if number is None else call.store.get("users", number)


def _person(call: Call, number: int) -> dict[str, str] | list[Any]:
    user = _user(call, number)
    if user is None:
        return []
    return {
        "id": user["ID"],
        "name": f"{user['NAME']} {user['LAST_NAME']}",
        "link": f"/company/personal/user/{user['ID']}/",
        "icon": "/bitrix/images/tasks/default_avatar.png",
        "workPosition": user["WORK_POSITION"],
    }


def _camel(name: str) -> str:
    first, *rest = name.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)
