"""The description of this API that programs read: with a key at `/v1/openapi.json`, without one at
`/docs/openapi.json`.
"""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, Response, current_app

from app.api.answers import ApiBlueprint
from app.openapi import DocumentedApi

blueprint = ApiBlueprint("openapi", __name__, description="The description of this API.")
docs = Blueprint("docs", __name__)


@blueprint.operation("GET", "/v1/openapi.json", gives={"type": "object"})
def get_openapi() -> Response:
    """The OpenAPI document of what is served here."""
    return _answer()


@docs.get("/docs/openapi.json")
def get_openapi_without_a_key() -> Response:
    """The same document, for whoever reads before having a key."""
    return _answer()


def document() -> dict[str, Any]:
    """Return the document of the current application; it is shared, and not to be changed."""
    return _api().document


def _api() -> DocumentedApi:
    return cast(DocumentedApi, current_app.extensions["flask-smorest"]["apis"][""]["ext_obj"])


def _answer() -> Response:
    return Response(_api().document_json, content_type="application/json")
