"""The OpenAPI 3.1 document, grown from the views' schemas and the table of routes.

flask-smorest writes what a view takes and gives. What is the same for every route, its id, summary,
security, refusals and headers, comes from `app.registry` and `app.errors`, so that the document cannot
promise other than what is enforced. The paths that need no key are in `app.openapi.public`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from apispec import BasePlugin
from flask import Flask
from flask_smorest import Api  # type: ignore[import-untyped]
from marshmallow import fields

from app.openapi import public
from app.openapi.envelopes import ErrorAnswer
from app.openapi.headers import COMPONENTS, response_headers
from app.openapi.refusals import examples, refusals, shared_responses
from app.registry import PORTAL, ROUTE_OF, ROUTES, Route

API_VERSION = "1"
"""The version of the interface, not of the package that serves it."""

DESCRIPTION = """\
API keys for VibeCode and VibeXP: what a key is and may do, and, with a management key, the keys of portals.

**Keys.** Every path under `/v1` and `/api` needs one key, as `X-Api-Key: <key>` or \
`Authorization: Bearer <key>`, never in the URL. `x-key-types` of an operation names the types of key that \
it serves. The alternatives in its `security` name the scope or integration that a key needs; where there \
are several, the description says which is for which type of key.

**Answers.** `{"success": true, "data": …}`, a list with `meta`; a refusal is \
`{"success": false, "error": {"code", "message", "requestId", …}}`. Look at `code`. Unknown fields and query \
parameters are refused, and so are values of another type, texts that hold control characters (line breaks \
and tabs are fine where a text can have several lines, in the texts of entities, and in JSON of your own, \
all but NUL in what a document says), and texts without a visible character where one is needed (those of \
entities may be empty, but for what an item needs to be made). Times are ISO-8601 in UTC, ids are UUIDs, \
those of entities numbers.

**HEAD** is served wherever GET is, and gets the same status and headers. OPTIONS is not served.
"""

SECURITY_SCHEMES: Mapping[str, Mapping[str, str]] = {
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Api-Key",
        "description": "An API key of any type: `vibe_api_…`, `vibe_app_…`, `vibe_live_…` or `vxk_…`.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The same key as `Authorization: Bearer <key>`. One of the two headers is enough.",
    },
    "metricsToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "The operator's `METRICS_TOKEN`, for `/metrics` alone. It is no API key.",
    },
}
_OF_KEYS = ("apiKey", "bearer")
_TEXT = {"type": "string"}
_UUID = {"type": "string", "format": "uuid"}
_NUMBER = {"type": "integer", "minimum": 1}
_JSON = "application/json"


class DocumentedApi(Api):  # type: ignore[misc]
    """flask-smorest's `Api`, without the answers and headers that this service does not have."""

    ERROR_SCHEMA = ErrorAnswer

    @cached_property
    def document(self) -> dict[str, Any]:
        """The whole document; to be asked for once everything is registered, and not to be changed."""
        written: dict[str, Any] = self.spec.to_dict()
        written["paths"] = {**written["paths"], **public.PATHS}
        written["tags"] = [*written["tags"], public.TAG]
        return written

    @cached_property
    def document_json(self) -> bytes:
        """The same as it is served."""
        return json.dumps(self.document, ensure_ascii=False).encode()

    def _register_error_handlers(self) -> None:
        pass

    def _register_etag_headers(self) -> None:
        pass

    def _register_pagination_header(self) -> None:
        pass


class RegistryPlugin(BasePlugin):
    """Writes into each operation what the table of routes knows of it."""

    def path_helper(
        self,
        path: str | None = None,
        operations: dict[str, Any] | None = None,
        parameters: list[dict[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        """Tell of what stands in the path where it comes from."""
        collection, _, _ = str(path).partition("/{")
        route = next(route for route in ROUTES if route.path == path)
        for parameter in parameters or []:
            name = parameter["name"]
            note = route.path_notes.get(name)
            parameter["description"] = note or f"`{name}` of an item of `GET {collection}`."
            parameter["example"] = example = route.example.path[name]
            parameter["schema"] = _TEXT if note else _NUMBER if isinstance(example, int) else _UUID

    def operation_helper(
        self, path: str | None = None, operations: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """Complete the operations of `path`."""
        for method, operation in (operations or {}).items():
            route = ROUTE_OF[method.upper(), str(path)]
            operation["operationId"] = route.operation_id
            operation["description"] = "\n\n".join((operation["summary"], *_grants(route)))
            operation["summary"] = route.summary[0].upper() + route.summary[1:]
            operation["security"] = _security(route)
            operation["x-key-types"] = sorted(route.types)
            # Of flask-smorest's answers only the success: its catch-all would allow what is not listed.
            success = {str(s): answer for s, answer in operation["responses"].items() if str(s) < "3"}
            operation["responses"] = dict(sorted((success | refusals(route)).items()))
            _show_example(operation, route)


def make_api(app: Flask, public_url: str) -> DocumentedApi:
    """The collector of the document for `app`; blueprints are registered through it."""
    app.config.update(API_TITLE="vibekeys", API_VERSION=API_VERSION, OPENAPI_VERSION="3.1.0")
    options = {
        "info": {"description": DESCRIPTION},
        "servers": [{"url": public_url}],
        "externalDocs": {"url": f"{public_url}/docs", "description": "The documentation for people"},
        "components": {
            "securitySchemes": SECURITY_SCHEMES,
            "headers": COMPONENTS,
            "examples": examples(),
            "responses": shared_responses(ROUTES[0]),
        },
    }
    api = DocumentedApi(app, spec_kwargs={"extra_plugins": [RegistryPlugin()], **options})
    api.ma_plugin.converter.add_parameter_attribute_function(_needed_all_the_same)
    return api


def _needed_all_the_same(_converter: Any, field: fields.Field[Any], **kwargs: Any) -> dict[str, Any]:
    """Of a parameter that a schema lets pass, because its absence has a code of its own."""
    return {"required": True} if "code_if_absent" in field.metadata else {}


def _show_example(operation: dict[str, Any], route: Route) -> None:
    shown = {**route.example.path, **route.example.query}
    for parameter in operation.get("parameters", []):
        if parameter["schema"].get("type") == "object":
            parameter.update(style="deepObject", explode=True)
        if parameter["name"] in shown:
            parameter["example"] = shown[parameter["name"]]
    if route.example.body is not None:
        operation["requestBody"]["content"][_JSON]["example"] = route.example.body
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            response["content"][_JSON]["example"] = route.example.answer
            response["headers"] = response_headers(int(status), route)


def _security(route: Route) -> list[dict[str, list[str]]]:
    """What a key needs, an alternative each: types of key may differ in it, and one integration is enough."""
    needed: dict[tuple[str, ...], None] = {}
    for key_type in sorted(route.types):
        each: list[tuple[str, ...]] = [(name,) for name in route.asked_of(key_type)]
        needed.update(dict.fromkeys(each or [()]))
    return [{scheme: list(grants)} for grants in needed for scheme in _OF_KEYS]


def _grants(route: Route) -> list[str]:
    """In words what the operation asks of a key, for who reads the document in a browser."""
    lines = [f"Types of key: {', '.join(f'`{name}`' for name in sorted(route.types))}."]
    if route.management_scope is not None:
        lines.append(f"Scope of a management key: `{route.management_scope}`.")
    if route.scope is not None:
        lines.append(f"Scope of a portal key: `{route.scope}`.")
    elif route.management_scope is not None and route.types & PORTAL:
        lines.append("A portal key needs no scope.")
    if route.integrations:
        wanted = " or ".join(f"`{name}`" for name in sorted(route.integrations))
        lines.append(f"Integration of a personal key: {wanted}.")
    return lines
