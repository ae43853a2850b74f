"""`/mcp/v1/common`: takes OAuth 2.1 and no API key, and nothing yet.

Whatever comes, also with a key, is told where to learn how to authenticate (RFC 9728). The gateway lets it
pass unread, so it is counted on no key.
"""

from __future__ import annotations

from flask import Flask, Response

from app.errors import ApiError, error_response
from app.services import services

PATH = "/mcp/v1/common"
_METADATA = "/.well-known/oauth-protected-resource"


def register(app: Flask) -> None:
    """Serve the path for every method there is: Flask itself knows only those that are listed."""
    app.url_map.add(app.url_rule_class(PATH, endpoint="mcp", methods=None))
    app.view_functions["mcp"] = _unauthenticated


def _unauthenticated() -> Response:
    response = error_response(ApiError("OAUTH_REQUIRED"))
    where = f"{services().config.public_url}{_METADATA}{PATH}"
    response.headers["WWW-Authenticate"] = f'Bearer resource_metadata="{where}"'
    return response
