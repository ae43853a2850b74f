"""The fields of an entity as a portal has them: our table, and what Bitrix24 tells beside it.

Bitrix24 knows the titles, in its portal's language, and the portal's own fields; the table knows the names
here, the kinds, and what a filter may ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.bitrix.entities import Entity
from app.bitrix.fields import Field, camel


def described(entity: Entity, upstream: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return every field of the table, then the portal's own, by name.

    `upstream` is what Bitrix24 tells of the fields it has.
    """
    told = {camel(name) if name.isupper() else name: (name, facts) for name, facts in upstream.items()}
    own = {name: entity.field(called) for name, (called, _) in told.items() if name not in entity.fields}
    fields = {**entity.fields, **{name: field for name, field in own.items() if field is not None}}
    return {
        name: _described(field, told.get(name, (name, None))[1], custom=name in own)
        for name, field in fields.items()
    }


def _described(field: Field, told: Any, *, custom: bool) -> dict[str, Any]:
    facts = told if isinstance(told, dict) else {"title": told}
    return {
        "type": field.kind.name,
        "multiple": field.many or facts.get("isMultiple") is True,
        "access": "read" if facts.get("isReadOnly") is True else field.access,
        "required": field.required or facts.get("isRequired") is True,
        "custom": custom,
        "operators": list(field.operators),
        "order": field.order is not None,
        "title": _text(facts.get("title")),
        "bitrixType": _text(facts.get("type")),
        "values": _values(facts),
    }


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _values(facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the values that there are, with their titles: two of the methods tell them, each in its way."""
    if isinstance(facts.get("items"), list):
        items = [item for item in facts["items"] if isinstance(item, dict)]
        return {str(item.get("ID")): _text(item.get("VALUE")) for item in items}
    values = facts.get("values")
    if isinstance(values, list):
        return {str(value): None for value in values}
    return {name: _text(title) for name, title in values.items()} if isinstance(values, dict) else None
