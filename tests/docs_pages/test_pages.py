"""The pages as a browser gets them: without a key, complete, and with nothing from elsewhere."""

from __future__ import annotations

import re

import pytest

from app.docs.page import PAGES
from tests.api.world import PUBLIC_URL, Service
from tests.docs_pages.parsed import Parsed

PATHS = [page.path for page in PAGES]
CONTRACT = ("/docs", "/docs/quickstart", "/docs/management-keys", "/docs/keys-and-authorization")
CONTRACT += ("/docs/scopes", "/docs/entities", "/docs/error-codes", "/docs/api")


def test_the_pages_are_those_that_others_link_to() -> None:
    assert sorted(PATHS) == sorted(CONTRACT)


@pytest.mark.parametrize("path", PATHS)
def test_200_without_a_key(service: Service, path: str) -> None:
    answer = service.call("GET", path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["X-Request-Id"]
    assert service.call("GET", f"{path}/").body == answer.body


@pytest.mark.parametrize("path", PATHS)
def test_200_to_head_has_no_body(service: Service, path: str) -> None:
    answer = service.call("HEAD", path)
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_405_to_what_would_change_something(service: Service, path: str, method: str) -> None:
    answer = service.call(method, path)
    assert (answer.status, answer.code) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/docs/unknown", "/docs/scopes/more", "/docs//scopes", "/docs/index.html"])
def test_404_to_a_page_that_is_not_there(service: Service, path: str) -> None:
    answer = service.call("GET", path)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", PATHS)
def test_nothing_comes_from_elsewhere_and_nothing_is_framed(service: Service, path: str) -> None:
    headers = service.call("GET", path).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'self'",
        "img-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", PATHS)
def test_no_script_or_style_stands_in_the_markup(pages: dict[str, Parsed], path: str) -> None:
    assert pages[path].inline == []


@pytest.mark.parametrize("path", PATHS)
def test_every_asset_is_a_file_of_our_own_that_is_there(
    service: Service, pages: dict[str, Parsed], path: str
) -> None:
    assert pages[path].assets
    for asset in pages[path].assets:
        assert asset.startswith("/static/")
        assert service.call("GET", asset).status == 200


@pytest.mark.parametrize("path", PATHS)
def test_every_link_leads_somewhere(service: Service, pages: dict[str, Parsed], path: str) -> None:
    for link in pages[path].links:
        target, _, anchor = link.partition("#")
        target = target or path
        if target in pages:
            assert not anchor or anchor in pages[target].ids, link
        else:
            assert target.startswith("/"), link
            assert service.call("GET", target).status == 200, link


@pytest.mark.parametrize("path", PATHS)
def test_anchors_are_unique(pages: dict[str, Parsed], path: str) -> None:
    ids = pages[path].ids
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_a_page_has_its_title_as_its_one_heading_and_links_to_all_pages(
    pages: dict[str, Parsed], page: object
) -> None:
    parsed = pages[page.path]
    assert parsed.headings == [page.title]
    assert set(PATHS) <= set(parsed.links)


def test_what_is_typed_into_the_reference_is_not_kept(service: Service) -> None:
    (script,) = re.findall(
        r'src="([^"]+api-reference\.js[^"]*)"', service.call("GET", "/docs/api").body.decode()
    )
    text = service.call("GET", script).body.decode()
    assert "persistAuthorization: false" in text
    assert "validatorUrl: null" in text
    assert not re.search(r"localStorage|sessionStorage|cookie|https?://", text)


def test_addresses_are_those_of_public_url(pages: dict[str, Parsed]) -> None:
    for parsed in pages.values():
        for command in parsed.commands:
            assert not re.search(r"https?://", command.replace(PUBLIC_URL, ""))
