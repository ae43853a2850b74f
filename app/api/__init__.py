"""The REST API: its views, one file a resource, and `register`, which gives them to a Flask application."""

from __future__ import annotations

from flask import Flask

from app import auth, errors
from app.api import (
    account,
    activity,
    alerts,
    artifacts,
    batch,
    entities,
    feedback,
    guide,
    hooks,
    keys,
    mcp,
    me,
    memories,
    personal_keys,
    portals,
    prompts,
    servers,
    spec,
)
from app.auth import openapi_path
from app.openapi import make_api
from app.registry import ROUTE_OF

_RESOURCES = (
    me,
    guide,
    spec,
    portals,
    keys,
    feedback,
    servers,
    batch,
    prompts,
    artifacts,
    memories,
    personal_keys,
    account,
    activity,
    hooks,
    alerts,
)


def register(app: Flask) -> None:
    """Serve the API from `app`: routes, the check of every caller, and the envelope of every refusal.

    The services must be at hand in `app.extensions["vibekeys"]`.

    Raises RuntimeError if a route is served that `app.registry` does not have, or the other way round.
    """
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    # A redirect is an answer without an envelope; "/v1//me" is simply not served.
    app.url_map.merge_slashes = False
    errors.register(app)
    services = app.extensions["vibekeys"]
    app.before_request(auth.authorize)
    app.before_request(services.portal_calls.begin_request)
    api = make_api(app, services.config.public_url)
    app.url_map.converters["item"] = entities.ItemConverter
    for module in _RESOURCES:
        api.register_blueprint(module.blueprint)
    for blueprint in entities.blueprints():
        api.register_blueprint(blueprint)
    app.register_blueprint(spec.docs)
    mcp.register(app)
    _check_registry(app)


def _check_registry(app: Flask) -> None:
    """A route without its row would be one that nobody guards."""
    served = {
        (method, openapi_path(rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(("/v1/", "/api/"))
        for method in (rule.methods or set()) - {"HEAD"}
    }
    if served != set(ROUTE_OF):
        raise RuntimeError(f"routes and app.registry differ: {sorted(served ^ set(ROUTE_OF))}")
