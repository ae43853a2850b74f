"""What a load balancer, an orchestrator and Prometheus ask; no key is needed, and none of it is in the API.

``/healthz``: the process is up.  ``/readyz``: it can serve, so the database answers and its schema is the
newest; a Redis that is away does not make it unready.  ``/metrics``: for who sends ``METRICS_TOKEN``.
"""

from __future__ import annotations

import hmac

import structlog
from flask import Blueprint, Response, jsonify, request
from peewee import PeeweeException
from prometheus_client import CONTENT_TYPE_LATEST

from app.errors import ApiError, error_response
from app.metrics import exposition
from app.migrations import pending
from app.services import Services, services

__all__ = ["blueprint"]

blueprint = Blueprint("health", __name__)
_log = structlog.get_logger(__name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """200 while the process is up, whatever else is down."""
    return jsonify(status="up")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """200 if requests can be served, else 503, with the state of each part."""
    parts = _database_state(services())
    ready = parts == {"database": "up", "migrations": "applied"}
    body = jsonify(status="ready" if ready else "not ready", **parts, redis=_redis_mode(services()))
    return body, 200 if ready else 503


@blueprint.get("/metrics")
def metrics() -> Response:
    """The figures of all workers of this host."""
    token = services().config.metrics_token
    if not token:
        raise ApiError("NOT_FOUND")
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(sent.strip().encode(), token.encode()):
        refusal = error_response(ApiError("INVALID_API_KEY", "This path takes METRICS_TOKEN as its bearer."))
        refusal.headers["WWW-Authenticate"] = "Bearer"
        return refusal
    return Response(exposition(_redis_mode(services())), content_type=CONTENT_TYPE_LATEST)


def _database_state(of: Services) -> dict[str, str]:
    try:
        lacking = pending(of.db)
    except PeeweeException as error:
        _log.warning("database does not answer", reason=str(error))
        return {"database": "down", "migrations": "unknown"}
    return {"database": "up", "migrations": "pending" if lacking else "applied"}


def _redis_mode(of: Services) -> str:
    """Who decides about limits: ``redis``, or what ``REDIS_DOWN`` says."""
    return "redis" if of.trust is not None and of.trust.believed() else of.config.redis_down
