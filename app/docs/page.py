"""What makes a function a page: its route, its place in the list, its template, and what a browser may do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, render_template

from app.assets import asset_path
from app.services import services

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",  # the icons within the style sheets of Pico and Swagger UI
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

Facts = Callable[[], dict[str, Any]]

blueprint = Blueprint("pages", __name__)


@dataclass(frozen=True, slots=True)
class Page:
    """One page, and what a list of pages says of it."""

    path: str
    title: str
    summary: str


PAGES: list[Page] = []
"""In the order in which they are listed."""


def page(path: str, title: str, summary: str) -> Callable[[Facts], Facts]:
    """Serve a page: the decorated function returns what its template, which has its name, is to show."""

    def decorate(facts: Facts) -> Facts:
        this = Page(path, title, summary)
        PAGES.append(this)
        view = partial(_render, this, f"docs/{facts.__name__}.html", facts)
        blueprint.add_url_rule(path, facts.__name__, view, strict_slashes=False)
        return facts

    return decorate


@blueprint.after_request
def protect(response: Response) -> Response:
    """Nothing comes from elsewhere, nothing is framed, and where a reader comes from is not passed on."""
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _render(this: Page, template: str, facts: Facts) -> str:
    config = services().config
    return render_template(
        template,
        page=this,
        pages=PAGES,
        host=config.public_url,
        # A proxy may serve the service below a path of its own; PUBLIC_URL then ends with it.
        root=urlsplit(config.public_url).path,
        asset=asset_path,
        support_url=config.support_url,
        **facts(),
    )
