"""Static files: the address by which a page names one, and the route that serves it.

The service's own files and vendored ones are in `app/static/`; those of Swagger UI are in its package. Pages
name a file by `asset_path`: the `v` in it comes from the content, so that a browser keeps the file for a year
and still gets the new one after an upgrade.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import flask_swagger_ui  # type: ignore[import-untyped]
from flask import Blueprint, Response, request, send_file
from werkzeug.exceptions import NotFound

__all__ = ["asset_path", "blueprint"]

YEAR = 365 * 24 * 3600

_STATIC = Path(__file__).parent / "static"
_SWAGGER_UI = Path(flask_swagger_ui.__file__).parent / "dist"
_FILES: Mapping[str, Path] = {
    **{path.relative_to(_STATIC).as_posix(): path for path in _STATIC.rglob("*") if path.is_file()},
    **{f"swagger-ui/{name}": _SWAGGER_UI / name for name in ("swagger-ui-bundle.js", "swagger-ui.css")},
}
"""Every file that is served, by the rest of its path: no path leads out of the folders."""

# Not left to the machine's own table of types: under nosniff a wrong one is a script that does not run.
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

blueprint = Blueprint("assets", __name__)


@blueprint.get("/static/<path:name>")
def static_file(name: str) -> Response:
    """One file; to be kept by the client if it was asked for by the `v` of its content."""
    path = _FILES.get(name)
    if path is None:
        raise NotFound
    asked_by_content = request.args.get("v") == _fingerprint(path)
    response = send_file(
        path,
        mimetype=_TYPES.get(path.suffix, "text/plain"),
        etag=_fingerprint(path),
        max_age=YEAR if asked_by_content else 0,
    )
    response.cache_control.immutable = asked_by_content
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def asset_path(name: str) -> str:
    """Return the path of a file, with its `v`. Raises KeyError if there is no such file."""
    return f"/static/{name}?v={_fingerprint(_FILES[name])}"


@cache
def _fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
