"""What the pages say, held against the tables that they are made from."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import get_args

import pytest

from app.bitrix.conditions import EMPTY, OPERATORS
from app.docs import reference
from app.docs.fields import Field, fields_of
from app.docs.page import PAGES
from app.docs.remedies import REMEDIES
from app.errors import ERRORS
from app.feedback import CATEGORIES, STATUSES
from app.guide.batch import ROOM
from app.registry import ROUTES, Route
from app.schemas.explain import Outcome
from app.scopes import INTEGRATIONS, MANAGEMENT_SCOPES, PORTAL_SCOPES
from gateway.denial import DENIALS
from gateway.keys import PREFIXES
from tests.api.world import serving
from tests.docs_pages.parsed import Parsed

PROSE = {page.path for page in PAGES} - {"/docs/api"}
WORDS_OF_NO_CODE = {
    "API_KEY",
    "PORTAL_ID",
    "KEY_ID",
    "TICKET_ID",
    "SERVER_ID",
    "DEAL_ID",
    "REDIS_DOWN",
    *STATUSES,
    *get_args(Outcome),
}


@pytest.mark.parametrize("code", ERRORS)
def test_every_code_has_its_anchor_with_status_message_and_remedy(
    pages: dict[str, Parsed], code: str
) -> None:
    page = pages["/docs/error-codes"]
    assert code in page.ids
    assert str(ERRORS[code].status) in page.ids
    for text in (ERRORS[code].message, REMEDIES[code].replace("`", "")):
        assert text in page.text


def test_every_code_has_a_remedy_and_no_other() -> None:
    assert set(REMEDIES) == set(ERRORS)


@pytest.mark.parametrize("path", sorted(PROSE))
def test_a_page_names_no_code_that_does_not_exist(pages: dict[str, Parsed], path: str) -> None:
    named = set(re.findall(r"\b[A-Z]{3,}(?:_[A-Z]+)+\b", pages[path].text))
    assert named - set(ERRORS) - WORDS_OF_NO_CODE == set()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation_id)
def test_every_endpoint_is_told_with_its_scopes(pages: dict[str, Parsed], route: Route) -> None:
    assert f"{route.method} {route.path}" in pages["/docs/scopes"].text
    if "management" in route.types:
        page = pages["/docs/management-keys"]
        assert route.operation_id in page.ids
        assert any(route.path.partition("{")[0] in command for command in page.commands)


@pytest.mark.parametrize("path", sorted(PROSE))
def test_every_endpoint_that_a_page_names_is_served(pages: dict[str, Parsed], path: str) -> None:
    named = {code for code in pages[path].codes if re.fullmatch(r"([A-Z]+ )?/v1/\S+", code)}
    paths = {route.path for route in ROUTES}
    assert named - paths - {f"{route.method} {route.path}" for route in ROUTES} == set()


@pytest.mark.parametrize("name", [*MANAGEMENT_SCOPES, *PORTAL_SCOPES, *INTEGRATIONS])
def test_every_scope_and_integration_has_its_anchor_and_meaning(pages: dict[str, Parsed], name: str) -> None:
    page = pages["/docs/scopes"]
    assert name in page.ids
    assert {**MANAGEMENT_SCOPES, **PORTAL_SCOPES, **INTEGRATIONS}[name] in page.text


def test_what_asks_for_no_scope_is_told_with_the_types_of_key() -> None:
    free = {route.operation_id: types for route, types in reference.free()}
    assert free["getMe"] == ["api", "authorization", "management", "personal"]
    assert free["listTickets"] == ["api", "authorization"]
    assert "listKeys" not in free
    assert "listServers" not in free


def test_what_only_an_operator_grants_and_what_is_legacy_is_said(pages: dict[str, Parsed]) -> None:
    assert "vibe:mgmt:feedback granted by an operator only" in pages["/docs/scopes"].text
    assert "mcp_server legacy: not for new keys" in pages["/docs/scopes"].text


def test_every_type_of_key_is_told(pages: dict[str, Parsed]) -> None:
    page = pages["/docs/keys-and-authorization"]
    assert set(PREFIXES) <= set(page.ids)
    assert all(prefix in page.text for prefix in PREFIXES.values())


def test_the_checks_have_the_codes_of_the_gateway_in_its_order() -> None:
    checked = [code for _, codes in reference.CHECKS for code in codes if code in DENIALS]
    not_a_check_of_a_key = {"AUTH_ATTEMPTS_LIMITED", "GATEWAY_UNAVAILABLE"}
    assert checked == [code for code in DENIALS if code not in not_a_check_of_a_key]


def test_the_checks_have_every_refusal_for_what_a_key_may_not() -> None:
    checked = {code for _, codes in reference.CHECKS for code in codes}
    of_no_key = {"WRONG_KEY", "TICKET_ARCHIVED", "BITRIX_ACCESS_DENIED", "OAUTH_REQUIRED"}
    assert {code for code, kind in ERRORS.items() if kind.status in (401, 403)} - of_no_key <= checked


def test_filters_and_batches_are_told_with_their_bounds(pages: dict[str, Parsed]) -> None:
    page = pages["/docs/entities"]
    for text in (*OPERATORS.values(), EMPTY.replace("`", ""), ROOM):
        assert text in page.text


def test_every_status_and_category_of_a_ticket_is_told(pages: dict[str, Parsed]) -> None:
    page = pages["/docs/management-keys"]
    for name, status in STATUSES.items():
        assert name in page.text
        assert status.meaning in page.text
    assert ", ".join(CATEGORIES) in page.text


def test_the_limits_are_those_of_the_installation(tmp_path: Path) -> None:
    with serving(tmp_path, TIER_FREE_HOURLY="1234", ROTATION_GRACE_HOURS="0.5") as service:
        page = Parsed(service.call("GET", "/docs/keys-and-authorization").body.decode())
    assert "free 1,234, pro 10,000" in page.text
    assert "works on for\n  0.5 hours" in page.text


def test_below_a_path_of_a_proxy_links_begin_with_it(tmp_path: Path) -> None:
    support = "https://help.example.test/<&"
    with serving(tmp_path, PUBLIC_URL="https://example.test/keys", SUPPORT_URL=support) as service:
        text = service.call("GET", "/docs/quickstart").body.decode()
        reference_page = service.call("GET", "/docs/api").body.decode()
    page = Parsed(text)
    own = [link for link in page.links if link != support]
    assert escape(support) in text
    assert all(link.startswith(("/keys/docs", "#")) for link in own)
    assert all(asset.startswith("/keys/static/") for asset in page.assets)
    assert 'data-document="/keys/docs/openapi.json"' in reference_page


def test_a_field_is_told_in_words() -> None:
    scopes = [f"scope-{number}" for number in range(30)]
    told = fields_of(
        [
            {"name": "page", "in": "query", "required": False, "type": "integer", "limits": {"minimum": 1}},
            {
                "name": "name",
                "in": "body",
                "required": True,
                "type": "string",
                "description": "What it is called.",
                "limits": {"minLength": 1, "maxLength": 255},
            },
            {"name": "scopes", "in": "body", "required": True, "type": "array of string", "enum": scopes},
            {"name": "status", "in": "query", "required": False, "type": "string", "enum": ["A", "B"]},
            {
                "name": "expiresAt",
                "in": "body",
                "required": False,
                "type": "string or null",
                "limits": {"format": "date-time", "default": "never"},
            },
        ]
    )
    assert told == [
        Field("page", "query", "integer", False, "1 or more."),
        Field("name", "body", "string", True, "What it is called. 1 to 255 characters."),
        Field("scopes", "body", "array of string", True, "The names are on the page Scopes."),
        Field("status", "query", "string", False, "One of `A`, `B`."),
        Field("expiresAt", "body", "string or null", False, "An ISO-8601 time. Without it: never."),
    ]
