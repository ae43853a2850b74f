"""GET /static/…: style sheets and scripts, kept by browsers as long as they are what they were."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app import assets
from app.assets import asset_path
from tests.api.world import Service

SCRIPT = "swagger-ui/swagger-ui-bundle.js"
VENDORED = Path(assets.__file__).parent / "static/vendor"

VERSIONS = (
    ("htmx.min.js", 'this.version="', '"'),
    ("pico.conditional.min.css", "Pico CSS ✨ v", " "),
    ("uplot.min.js", "uPlot (v", ")"),
)
"""Where a file says which version it is."""


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("docs.css", "text/css; charset=utf-8"),
        ("copy.js", "text/javascript; charset=utf-8"),
        ("favicon.svg", "image/svg+xml; charset=utf-8"),
        ("vendor/pico.conditional.min.css", "text/css; charset=utf-8"),
        ("vendor/pico.LICENSE.md", "text/plain; charset=utf-8"),
        (SCRIPT, "text/javascript; charset=utf-8"),
    ],
)
def test_200_with_its_type_and_no_guessing(service: Service, name: str, content_type: str) -> None:
    answer = service.call("GET", f"/static/{name}")
    assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert len(answer.body) == int(answer.headers["Content-Length"]) > 0


def test_200_to_head(service: Service) -> None:
    answer = service.call("HEAD", f"/static/{SCRIPT}")
    assert (answer.status, answer.body) == (200, b"")


def test_200_is_kept_for_a_year_when_asked_for_by_its_content(service: Service) -> None:
    answer = service.call("GET", asset_path("docs.css"))
    assert set(answer.headers["Cache-Control"].split(", ")) == {"public", "max-age=31536000", "immutable"}


@pytest.mark.parametrize("query", ["", "?v=", "?v=0123456789abcdef", "?v=1&v=2", "?other=1"])
def test_200_is_asked_for_anew_otherwise(service: Service, query: str) -> None:
    answer = service.call("GET", f"/static/docs.css{query}")
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-cache, max-age=0"


def test_304_to_who_has_it(service: Service) -> None:
    etag = service.call("GET", "/static/docs.css").headers["ETag"]
    answer = service.call("GET", "/static/docs.css", headers={"If-None-Match": etag})
    assert (answer.status, answer.body) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "unknown.css",
        "../config.py",
        "%2e%2e/config.py",
        "vendor",
        "vendor/",
        "vendor//pico.conditional.min.css",
        "/etc/passwd",
        "docs.css%00",
        "docs.css/",
        "swagger-ui/oauth2-redirect.html",
        "a" * 5000,
    ],
)
def test_404_to_what_is_no_file_of_the_pages(service: Service, path: str) -> None:
    answer = service.call("GET", f"/static/{path}")
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_405_to_what_would_change_something(service: Service, method: str) -> None:
    assert service.call(method, "/static/docs.css").code == "METHOD_NOT_ALLOWED"


def test_a_page_cannot_name_a_file_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        asset_path("docs.cs")


def test_every_file_of_others_is_named_with_its_version_and_licence() -> None:
    listed = (VENDORED / "README.md").read_text()
    for path in VENDORED.iterdir():
        assert path.name == "README.md" or f"`{path.name}`" in listed
    for name, before, after in VERSIONS:
        version = (VENDORED / name).read_text().partition(before)[2].partition(after)[0]
        assert re.search(rf"^\| `{name}` \|.*\| {re.escape(version)} \|", listed, re.MULTILINE)
