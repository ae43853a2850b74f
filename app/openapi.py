"""The OpenAPI 3.1 document, grown from the views' schemas and the table of routes.

flask-smorest writes what a view takes and gives. What is the same for every route, its id, summary,
security and refusals, comes from `app.registry` and `app.errors`, so that the document cannot promise other
than what is enforced.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from typing import Any

from apispec import BasePlugin
from flask import Flask
from flask_smorest import Api  # type: ignore[import-untyped]
from marshmallow import Schema, fields

from app.errors import ERRORS
from app.registry import ROUTE_OF, Route
from app.schemas.base import StrictSchema
from gateway.denial import DENIALS

API_VERSION = "1"
"""The version of the interface, not of the package that serves it."""

EVERY_ROUTE_ERRORS = ("VALIDATION_ERROR", "METHOD_NOT_ALLOWED", "INTERNAL_ERROR", "DATABASE_UNAVAILABLE")

SECURITY_SCHEMES: Mapping[str, Mapping[str, str]] = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}


class ErrorBody(StrictSchema):
    """Why a request was refused."""

    code = fields.String(required=True, metadata={"enum": sorted(ERRORS)})
    message = fields.String(required=True)
    request_id = fields.String(required=True)
    hint = fields.String()
    retry_after = fields.Integer(metadata={"description": "Seconds.", "minimum": 1})
    details = fields.Dict()


class ErrorAnswer(StrictSchema):
    """The answer to every refused request."""

    success = fields.Boolean(required=True, metadata={"enum": [False]})
    error = fields.Nested(ErrorBody, required=True)


class PageMeta(StrictSchema):
    """Where in a list a page stands."""

    page = fields.Integer(required=True)
    limit = fields.Integer(required=True)
    total = fields.Integer(required=True)
    has_more = fields.Boolean(required=True)


class DocumentedApi(Api):  # type: ignore[misc]
    """flask-smorest's `Api` with the service's own refusals: its handler of errors stays unregistered."""

    ERROR_SCHEMA = ErrorAnswer

    def _register_error_handlers(self) -> None:
        pass


class RegistryPlugin(BasePlugin):
    """Writes into each operation what the table of routes knows of it."""

    def operation_helper(
        self, path: str | None = None, operations: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        for method, operation in (operations or {}).items():
            route = ROUTE_OF[method.upper(), str(path)]
            operation["operationId"] = route.operation_id
            operation["summary"] = route.summary[0].upper() + route.summary[1:]
            operation["security"] = [{scheme: list(route.grants)} for scheme in SECURITY_SCHEMES]
            operation["x-key-types"] = sorted(route.types)
            # flask-smorest's catch-all would allow what is not listed.
            operation["responses"].pop("default", None)
            operation["responses"].update(_refusals(route))


def make_api(app: Flask, public_url: str) -> DocumentedApi:
    """The collector of the document for `app`; blueprints are registered through it."""
    app.config.update(API_TITLE="vibekeys", API_VERSION=API_VERSION, OPENAPI_VERSION="3.1.0")
    options = {"servers": [{"url": public_url}], "components": {"securitySchemes": SECURITY_SCHEMES}}
    return DocumentedApi(app, spec_kwargs={"extra_plugins": [RegistryPlugin()], **options})


@cache
def answer_of(data: type[Schema]) -> type[Schema]:
    """The envelope of a success around `data`."""
    return StrictSchema.from_dict(
        {
            "success": fields.Boolean(required=True, metadata={"enum": [True]}),
            "data": fields.Nested(data, required=True),
        },
        name=f"{data.__name__}Envelope",
    )


@cache
def page_of(item: type[Schema]) -> type[Schema]:
    """The envelope of a page of a list of `item`."""
    return StrictSchema.from_dict(
        {
            "success": fields.Boolean(required=True, metadata={"enum": [True]}),
            "data": fields.List(fields.Nested(item), required=True),
            "meta": fields.Nested(PageMeta, required=True),
        },
        name=f"{item.__name__}Page",
    )


def _refusals(route: Route) -> dict[str, Any]:
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in dict.fromkeys((*DENIALS, *_grant_errors(route), *EVERY_ROUTE_ERRORS, *route.errors)):
        by_status[ERRORS[code].status].append(f"`{code}`: {ERRORS[code].message}")
    return {
        str(status): {
            "description": "\n".join(lines),
            "content": {"application/json": {"schema": ErrorAnswer.__name__}},
        }
        for status, lines in sorted(by_status.items())
    }


def _grant_errors(route: Route) -> tuple[str, ...]:
    errors = []
    if "management" not in route.types:
        errors.append("MANAGEMENT_KEY_NO_ENTITY_ACCESS")
    if route.types == {"management"}:
        errors.append("MANAGEMENT_KEY_REQUIRED")
    if route.method not in {"GET", "HEAD"}:
        errors.append("ACCOUNT_RESTRICTED")
    if route.management_scope is not None:
        errors.append("MANAGEMENT_SCOPE_REQUIRED")
    if route.scope is not None:
        errors.append("SCOPE_DENIED")
    if route.integrations:
        errors.append("INTEGRATION_REQUIRED")
    return tuple(errors)
