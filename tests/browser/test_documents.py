"""Prompts, artifacts and memories in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import axe
from tests.browser.installation import Dashboard

SECTIONS = {
    "prompts": {"Title": "Review a change", "Content": "Read the diff.", "Labels": "code, review"},
    "artifacts": {"Project": "acme/website", "Title": "Week 48", "Content": "# Done\n\n- The filter"},
    "memories": {"Text": "The tests need a real server.", "Project": "acme/website"},
}


@pytest.mark.parametrize("section", list(SECTIONS))
def test_one_is_written_found_changed_and_deleted(page: Page, dashboard: Dashboard, section: str) -> None:
    account = dashboard.account()
    dashboard.sign_in(page, account)
    page.goto(f"/dashboard/{section}")
    axe(page)
    page.get_by_role("main").get_by_role("button", name="New").click()
    axe(page)
    for label, text in SECTIONS[section].items():
        page.get_by_role("textbox", name=label).fill(text)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("was saved")).to_be_visible()
    axe(page)

    page.goto(f"/dashboard/{section}")
    axe(page)
    page.get_by_role("searchbox").fill("nothing like it")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing fits.")).to_be_visible()
    page.get_by_role("link", name="Show all").click()
    page.get_by_role("cell").get_by_role("link").click()
    first = next(iter(SECTIONS[section]))
    expect(page.get_by_role("textbox", name=first)).to_have_value(SECTIONS[section][first])

    page.get_by_role("link", name="Delete this").click()
    axe(page)
    page.get_by_role("textbox").fill("something else")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alert")).to_be_visible()
    axe(page)
    word = page.get_by_text("Type “").first.inner_text().split("“")[1].split("”")[0]
    page.get_by_role("textbox").fill(word)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("was deleted")).to_be_visible()


def test_a_prompt_is_written_by_keyboard_alone(page: Page, dashboard: Dashboard) -> None:
    dashboard.sign_in(page, dashboard.account())
    page.goto("/dashboard/prompts/new")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("textbox", name="Title")).to_be_focused()
    page.keyboard.type("By keyboard")
    page.keyboard.press("Tab")
    page.keyboard.type("All of it.")
    page.get_by_role("textbox", name="Title").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("was saved")).to_be_visible()


def test_a_refused_form_is_read_out_and_keeps_what_was_typed(page: Page, dashboard: Dashboard) -> None:
    dashboard.sign_in(page, dashboard.account())
    page.goto("/dashboard/artifacts/new")
    for label, text in SECTIONS["artifacts"].items():
        page.get_by_role("textbox", name=label).fill(text)
    page.get_by_role("textbox", name="Metadata").fill("no JSON")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("textbox", name="Metadata")).to_have_accessible_description(
        "A JSON object, at most 4 KiB. Not valid JSON."
    )
    expect(page.get_by_role("textbox", name="Title")).to_have_value("Week 48")
    axe(page)
