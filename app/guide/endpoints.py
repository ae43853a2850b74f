"""An endpoint as the guide tells it, from the table of routes and the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.openapi import own_codes_of
from app.registry import Route

_LIMITS = (
    "format",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "default",
)
"""What is told of a JSON schema beside its type and its values."""

_JSON = "application/json"
_YOUR_KEY = "<your key>"


def endpoint(route: Route, key_type: str, document: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    """Return `route`, as keys of a type call it, in the shape of `EndpointAnswer`."""
    path_item = document["paths"][route.path]
    operation = path_item[route.method.lower()]
    return {
        "operationId": route.operation_id,
        "method": route.method,
        "path": route.path,
        "summary": route.summary,
        "keyTypes": sorted(route.types),
        "managementScope": route.management_scope,
        "scope": route.scope,
        "integrations": sorted(route.integrations),
        "parameters": [
            *(_parameter(one) for one in path_item.get("parameters", [])),
            *(_parameter(one) for one in operation.get("parameters", [])),
            *_members(operation, document),
        ],
        "example": _example(route, key_type, operation, base_url),
        "errors": list(own_codes_of(route)),
    }


def _parameter(described: Mapping[str, Any]) -> dict[str, Any]:
    facts = _facts(described["schema"])
    return {
        "name": described["name"],
        "in": described["in"],
        "required": described.get("required", False),
        **facts,
        "description": described["description"],
    }


def _members(operation: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The members of the body. Where it has one of several forms, those of all, needed if each form does."""
    if "requestBody" not in operation:
        return
    schema = operation["requestBody"]["content"][_JSON]["schema"]
    forms = [_followed(form, document) for form in schema.get("oneOf", [schema])]
    members = {name: facts for form in reversed(forms) for name, facts in form["properties"].items()}
    for name, facts in members.items():
        yield from _member(name, facts, all(name in form.get("required", ()) for form in forms), document)


def _member(
    name: str, schema: Mapping[str, Any], required: bool, document: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """A member, and if it is a list of objects with known members, these: `calls[].id`."""
    items = _followed(schema.get("items", {}), document)
    told = {**schema, "items": items} if items else schema
    yield {"name": name, "in": "body", "required": required, **_facts(told)}
    for inner, facts in items.get("properties", {}).items():
        yield from _member(f"{name}[].{inner}", facts, inner in items.get("required", ()), document)


def _followed(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema, or what a reference to one of the document's names."""
    if "$ref" not in schema:
        return schema
    found: Mapping[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _facts(schema: Mapping[str, Any]) -> dict[str, Any]:
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    items = schema.get("items", {})
    named = [f"array of {items.get('type', 'anything')}" if name == "array" else name for name in types]
    facts = {
        "type": " or ".join(named),
        "description": schema.get("description"),
        "enum": schema.get("enum") or items.get("enum"),
        "limits": {name: schema[name] for name in _LIMITS if name in schema} or None,
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


def _example(route: Route, key_type: str, operation: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    example = route.example_for(key_type)
    content_type = {} if example.body is None else {"Content-Type": _JSON}
    return {
        "request": {
            "method": route.method,
            "url": route.example_url(base_url),
            "headers": {"X-Api-Key": _YOUR_KEY, **content_type},
            "body": example.body,
        },
        "answer": {
            "status": min(int(status) for status in operation["responses"]),
            "body": example.answer,
        },
    }
