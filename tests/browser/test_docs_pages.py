"""The pages below /docs."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from app.docs.page import PAGES
from tests.browser.axe import axe

SWAGGER_UI = "/docs/api"


@pytest.mark.parametrize("path", [page.path for page in PAGES if page.path != SWAGGER_UI])
def test_everybody_can_read_it_on_every_screen(page: Page, path: str) -> None:
    page.goto(path)
    axe(page)


def test_the_reference_shows_the_endpoints(page: Page) -> None:
    page.goto(SWAGGER_UI)
    expect(page.get_by_role("main").locator("#operations-portals-listPortals")).to_be_visible()


def test_a_command_is_copied_by_its_button(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/docs/quickstart")
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("pre.command").first.inner_text()
