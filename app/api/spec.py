"""`GET /v1/openapi.json`: the description of this API that programs read."""

from __future__ import annotations

import json
from typing import Any, cast

from flask import Response, current_app

from app.api.answers import ApiBlueprint
from app.openapi import DocumentedApi

blueprint = ApiBlueprint("openapi", __name__, description="The description of this API.")


@blueprint.operation("GET", "/v1/openapi.json", gives={"type": "object"})
def get_openapi() -> Response:
    """The OpenAPI document of what is served here."""
    return Response(json.dumps(document()), content_type="application/json")


def document() -> dict[str, Any]:
    """Return the document of the current application."""
    api = cast(DocumentedApi, current_app.extensions["flask-smorest"]["apis"][""]["ext_obj"])
    written: dict[str, Any] = api.spec.to_dict()
    return written
