"""The lines of `capabilities` in `GET /v1/me`: what a management key can do, for programs to read."""

from __future__ import annotations

from collections.abc import Iterable

from app.registry import ROUTES, Route

# To the letter as the seed has them, and first: programs read them. They are the same whatever the scopes.
_SEED: dict[tuple[str, str], str] = {
    ("GET", "/v1/me"): "this endpoint (management key self-description)",
    ("GET", "/v1/guide"): "full API reference (portal-agnostic)",
    ("GET", "/v1/keys"): "list APP keys for a portal (requires portalId query param)",
    ("POST", "/v1/keys"): "create APP key (requires portalId in body)",
    ("GET", "/v1/portals"): "list your portals",
    ("GET", "/v1/feedback"): "list ALL platform feedback (management key sees everything)",
    ("GET", "/v1/feedback/{id}"): "feedback details including comment thread",
    ("PATCH", "/v1/feedback/{id}"): "update status/resolution (legacy, prefer /comments)",
    ("POST", "/v1/feedback/{id}/comments"): "post a team comment, changes status",
}


def capabilities(host: str) -> list[str]:
    """Return a line for every route that serves management keys: the seed's nine, then the others.

    Parameters of a path are written as the seed writes them, `:id`.
    """
    others = {
        (route.method, route.path): route.summary
        for route in ROUTES
        if "management" in route.types and (route.method, route.path) not in _SEED
    }
    return [_line(host, *operation, what) for operation, what in {**_SEED, **others}.items()]


def lines(routes: Iterable[Route], host: str) -> list[str]:
    """Return a line for each of the routes, in the same form."""
    return [_line(host, route.method, route.path, route.summary) for route in routes]


def _line(host: str, method: str, path: str, what: str) -> str:
    return f"{method} {host}{path.replace('{', ':').replace('}', '')} — {what}"
