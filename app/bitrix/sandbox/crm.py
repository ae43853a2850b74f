"""`crm.item.*`: leads, deals, contacts and companies, told apart by `entityTypeId`.

Names are camelCase, numbers are numbers, booleans the letters Y and N, times ISO 8601 with the portal's
offset. Fields that there are not, or that nobody may set, are dropped from what is written without a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.bitrix.sandbox import clock, php, query
from app.bitrix.sandbox.answer import Answer, Call
from app.bitrix.sandbox.crm_fields import COMPANY, CONTACT, DEAL, LEAD, Field
from app.bitrix.sandbox.php import pairs, values
from app.bitrix.sandbox.query import Kinds
from app.bitrix.sandbox.refusal import Refusal, missing_parameter
from app.bitrix.sandbox.store import Row

_SEMANTICS = {"WON": "S", "CONVERTED": "S", "LOSE": "F", "JUNK": "F"}
_REACHED_BY = {"PHONE": "phone", "EMAIL": "email", "IM": "imol"}


@dataclass(frozen=True, slots=True)
class ItemType:
    """One value of `entityTypeId`."""

    number: int
    table: str
    fields: Mapping[str, Field]
    title: tuple[str, str]
    """The field that names an item, and the word that a nameless one gets there."""


TYPES = {
    1: ItemType(1, "leads", LEAD, ("title", "Lead")),
    2: ItemType(2, "deals", DEAL, ("title", "Deal")),
    3: ItemType(3, "contacts", CONTACT, ("lastName", "Contact")),
    4: ItemType(4, "companies", COMPANY, ("title", "Company")),
}


def list_(call: Call) -> Answer:
    """`crm.item.list`: filter, order, select, start."""
    type_ = _type(call)
    conditions, order = call.params.get("filter"), _order(call.params.get("order"), type_)
    try:
        rows = query.matching(call.store.rows(type_.table), conditions, _kinds(type_))
    except query.BadField as error:
        raise _invalid(f"Invalid filter: field '{error}' is not allowed in filter") from None
    except query.BadValue as error:
        raise _invalid(f"Invalid filter: field '{error}' has invalid value") from None
    page = query.page(query.ordered(rows, order, _kinds(type_), "id"), call.params.get("start", 0))
    shown = _selection(type_, call.params.get("select"))
    return Answer({"items": [shown(row) for row in page.rows]}, page.total, page.next)


def get(call: Call) -> Answer:
    """`crm.item.get`: the whole item."""
    type_ = _type(call)
    return Answer({"item": _whole(type_, _item(call, type_))})


def add(call: Call) -> Answer:
    """`crm.item.add`: no field is required; the new item is the answer."""
    type_ = _type(call)
    if "fields" not in call.params:
        raise missing_parameter("fields")
    number = call.store.next_number(type_.table)
    row = new_item(type_, number, call.now, dict(pairs(call.params["fields"])))
    call.store.put(type_.table, number, row)
    return Answer({"item": _whole(type_, row)})


def update(call: Call) -> Answer:
    """`crm.item.update`: what is given is changed; the whole item is the answer."""
    type_ = _type(call)
    if "fields" not in call.params:
        raise missing_parameter("fields")
    row = _item(call, type_)
    given = dict(pairs(call.params["fields"]))
    if "id" in given:
        raise Refusal(400, "", "Setting value for Primary ID is not allowed, it is read-only field")
    changed = row | {"updatedTime": clock.written(call.now), "updatedBy": 1}
    _write(type_, changed, given, creating=False)
    call.store.put(type_.table, row["id"], changed)
    return Answer({"item": _whole(type_, changed)})


def delete(call: Call) -> Answer:
    """`crm.item.delete`: the answer is an empty list."""
    type_ = _type(call)
    call.store.delete(type_.table, _item(call, type_)["id"])
    return Answer([])


def fields(call: Call) -> Answer:
    """`crm.item.fields`: what `crm_fields` says, without what is only shown."""
    described = {
        field.name: {
            "type": field.type,
            "isRequired": False,
            "isReadOnly": field.access == "read",
            "isImmutable": field.access == "once",
            "isMultiple": field.multiple or field.type == "crm_multifield",
            "isDynamic": field.name.startswith("uf"),
            "title": re.sub(r"(?<=[a-z])(?=[A-Z])", " ", field.name).capitalize(),
            "upperName": _upper(field.name),
        }
        for field in _type(call).fields.values()
        if field.access != "shown"
    }
    return Answer({"fields": described})


METHODS: dict[str, Callable[[Call], Answer]] = {
    "crm.item.list": list_,
    "crm.item.get": get,
    "crm.item.add": add,
    "crm.item.update": update,
    "crm.item.delete": delete,
    "crm.item.fields": fields,
}


def new_item(type_: ItemType, number: int, now: float, given: Mapping[str, Any]) -> Row:
    """A whole row, from what is given of it."""
    row: Row = {field.name: _nothing(field) for field in type_.fields.values() if field.access != "listed"}
    at = clock.written(now)
    row |= dict.fromkeys(("createdTime", "updatedTime", "lastActivityTime"), at)
    row |= dict.fromkeys(("createdBy", "updatedBy", "assignedById", "lastActivityBy"), 1)
    row |= {"id": number, "opened": "Y"}
    if "stageId" in type_.fields:
        row |= {"stageId": "NEW", "opportunity": 0, "currencyId": "EUR", "movedBy": 1, "movedTime": at}
    _write(type_, row, given, creating=True)
    field, word = type_.title
    if not row[field] and not row.get("name"):
        row[field] = f"{word} #{number}"
    return row


def _type(call: Call) -> ItemType:
    given = call.params.get("entityTypeId")
    if given is None:
        raise missing_parameter("entityTypeId")
    found = TYPES.get(php.number(given) or 0)
    if found is None:
        raise Refusal(400, "NOT_FOUND", "There is no such type of CRM object")
    return found


def _item(call: Call, type_: ItemType) -> Row:
    given = call.params.get("id")
    if given is None:
        raise missing_parameter("id")
    found = call.store.get(type_.table, php.number(given) or 0)
    if found is None:
        raise Refusal(400, "NOT_FOUND", "Item not found")
    return found


def _kinds(type_: ItemType) -> Kinds:
    def kind(name: str) -> query.Kind | None:
        field = type_.fields.get(name)
        if field is None or field.type == "crm_multifield" or field.access == "listed":
            return None
        return field.kind

    return kind


def _order(given: Any, type_: ItemType) -> list[tuple[str, bool]]:
    found = []
    for field, direction in pairs(given):
        if _kinds(type_)(field) is None:
            raise _invalid(f"Invalid order: field '{field}' is not allowed in order")
        if direction not in ("ASC", "DESC"):
            allowed = "allowed sort directions are `ASC, DESC`"
            raise _invalid(f"Invalid order: {allowed}. But got '{direction}' for field '{field}'")
        found.append((field, direction == "DESC"))
    return found


def _invalid(description: str) -> Refusal:
    return Refusal(400, "INVALID_ARG_VALUE", description)


def _selection(type_: ItemType, given: Any) -> Callable[[Row], Row]:
    names = [name for name in type_.fields if name in values(given or []) and _kinds(type_)(name)]
    if not given or "*" in values(given):
        return lambda row: _whole(type_, row)
    return lambda row: {name: row[name] for name in ("id", *names)}


def _whole(type_: ItemType, row: Row) -> Row:
    return {**row, "entityTypeId": type_.number}


def _write(type_: ItemType, row: Row, given: Mapping[str, Any], *, creating: bool) -> None:
    for name, value in given.items():
        field = type_.fields.get(name)
        if field is None:
            continue
        if field.access == "listed":
            raise Refusal(400, "100", f"The field {name} cannot be set (internal error)")
        if field.type == "crm_multifield":
            row[name] = _more_ways(row[name], value)
        elif field.access == "write" or (creating and field.access == "once"):
            row[name] = _written(field, value)
    _link(row, given)
    _derive(row)


def _written(field: Field, value: Any) -> Any:
    if not field.multiple:
        return _one_written(field, value)
    if not isinstance(value, (dict, list)):
        kind = "string" if isinstance(value, str) else type(value).__name__
        message = f"Expected iterable value for multiple field, but got `{kind}` instead"
        raise Refusal(400, "100", message)
    return [_one_written(field, each) for each in values(value)]


def _one_written(field: Field, value: Any) -> Any:
    if field.type == "boolean":
        return "Y" if value is True or value in ("true", "y", "Y") else "N"
    if value is None or value == "":
        return _nothing(field)
    try:
        if field.kind == "number":
            return php.plain(float(value))
        if field.kind == "time":
            return clock.written(clock.read(str(value)).timestamp())
    except (TypeError, ValueError, OverflowError):
        message = f'Invalid value of the field "{field.name}"'
        raise Refusal(400, "CRM_FIELD_ERROR_VALUE_NOT_VALID", message) from None
    return str(value)


def _nothing(field: Field) -> Any:
    if field.multiple or field.type == "crm_multifield":
        return []
    if field.type == "boolean":
        return None if field.access == "shown" else "N"
    if field.type in ("crm_company", "crm_contact") and field.name != "mycompanyId":
        return 0
    return None


def _link(row: Row, given: Mapping[str, Any]) -> None:
    """The old field for one contact or company goes with the list that came in its place."""
    for one, several in (("contactId", "contactIds"), ("companyId", "companyIds")):
        if one in row and several in row:
            if several not in given and one in given:
                row[several] = [row[one]] if row[one] else []
            row[one] = next(iter(row[several]), 0)


def _derive(row: Row) -> None:
    if "stageId" in row:
        row["stageSemanticId"] = _SEMANTICS.get(row["stageId"], "P")
    if "closed" in row:
        row["closed"] = "N" if row["stageSemanticId"] == "P" else "Y"
        row["isNew"] = "Y" if row["stageId"] == "NEW" else "N"
    if "fm" in row:
        _derive_ways(row)


def _more_ways(known: list[Row], given: Any) -> list[Row]:
    """Phones, addresses and the like are only ever added by these methods."""
    added = [dict(pairs(each)) for each in values(given)]
    first = 1 + max((way["id"] for way in known), default=100)
    return known + [
        {
            "id": first + place,
            "valueType": str(way.get("valueType", "WORK")),
            "value": str(way.get("value", "")),
            "typeId": str(way.get("typeId", "PHONE")),
        }
        for place, way in enumerate(added)
    ]


def _derive_ways(row: Row) -> None:
    """The flat fields that show the first value of each sort."""
    for type_id, name in _REACHED_BY.items():
        ways = [way for way in row["fm"] if way["typeId"] == type_id]
        row[f"has{name.capitalize()}"] = "Y" if ways else "N"
        row[name] = ways[0]["value"] if ways else ""
        for suffix in ("Home", "Mailing", "Mobile", "Work"):
            if f"{name}{suffix}" in row:
                of_type = [way["value"] for way in ways if way["valueType"] == suffix.upper()]
                row[f"{name}{suffix}"] = of_type[0] if of_type else ""


def _upper(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()
