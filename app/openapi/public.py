"""The paths that need no key, as the document tells them; `app.health` and `app.api.spec` serve them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.openapi.headers import response_headers
from app.openapi.refusals import SERVER_FAULTS, refusal, server_fault

TAG = {"name": "service", "description": "What needs no key: the state of the service, and this document."}

_READY = {"status": "ready", "database": "up", "migrations": "applied", "redis": "redis"}
_NOT_READY = {**_READY, "status": "not ready", "migrations": "pending"}


def _object(**members: list[str]) -> dict[str, Any]:
    properties = {name: {"type": "string", "enum": values} for name, values in members.items()}
    return {
        "type": "object",
        "properties": properties,
        "required": list(members),
        "additionalProperties": False,
    }


_READINESS = _object(
    status=["ready", "not ready"],
    database=["up", "down"],
    migrations=["applied", "pending", "unknown"],
    redis=["redis", "local", "open", "closed"],
)


def _answer(
    description: str, schema: Mapping[str, Any], example: Any, media: str = "application/json"
) -> dict[str, Any]:
    content = {media: {"schema": schema, "example": example}}
    return {"description": description, "headers": response_headers(200), "content": content}


def _operation(
    operation_id: str, summary: str, answers: Mapping[int, Any], *security: Mapping[str, Any]
) -> dict[str, Any]:
    refused = {
        400: refusal(400, ["KEY_IN_URL", "VALIDATION_ERROR"]),
        405: refusal(405, ["METHOD_NOT_ALLOWED"]),
        413: refusal(413, ["PAYLOAD_TOO_LARGE"]),
        **{status: server_fault(status) for status in SERVER_FAULTS},
        500: refusal(500, ["INTERNAL_ERROR"]),
    }
    return {
        "operationId": operation_id,
        "summary": summary,
        "tags": [TAG["name"]],
        "security": list(security),
        "responses": {str(status): answer for status, answer in sorted({**refused, **answers}.items())},
    }


_NO_OAUTH_YET = {401: refusal(401, ["OAUTH_REQUIRED"])}

PATHS: Mapping[str, Any] = {
    "/healthz": {
        "get": _operation(
            "getHealth",
            "Whether the process is up",
            {200: _answer("It is, whatever else is down.", _object(status=["up"]), {"status": "up"})},
        )
    },
    "/readyz": {
        "get": _operation(
            "getReadiness",
            "Whether requests can be served, and the state of each part",
            {
                200: _answer("The database answers and has the newest schema.", _READINESS, _READY),
                503: _answer("It does not, or has not.", _READINESS, _NOT_READY),
            },
        )
    },
    "/metrics": {
        "get": _operation(
            "getMetrics",
            "Figures for Prometheus",
            {
                200: _answer(
                    "The figures of all workers of this host.",
                    {"type": "string"},
                    "vibekeys_redis_mode 1.0\n",
                    "text/plain",
                ),
                401: refusal(401, ["INVALID_API_KEY"]),
                404: refusal(404, ["NOT_FOUND"]),
            },
            {"metricsToken": []},
        )
    },
    "/docs/openapi.json": {
        "get": _operation(
            "getOpenapiWithoutKey",
            "This document",
            {200: _answer("The same as `/v1/openapi.json`.", {"type": "object"}, {"openapi": "3.1.0"})},
        )
    },
    "/mcp/v1/common": {
        "get": _operation("getMcp", "The MCP endpoint, which takes OAuth 2.1", _NO_OAUTH_YET),
        "post": _operation("callMcp", "The MCP endpoint, which takes OAuth 2.1", _NO_OAUTH_YET),
    },
}
