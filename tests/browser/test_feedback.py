"""A ticket between its author and the team, each in a browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.axe import axe
from tests.browser.installation import OPERATOR, Dashboard


def test_author_and_team_write_to_each_other(page: Page, dashboard: Dashboard) -> None:
    author, team = dashboard.account(), dashboard.account(operator=True)
    portal = dashboard.services.portals.create(OPERATOR, "tickets.example.com")
    dashboard.services.portals.set_member(OPERATOR, portal.id, author.id, "MEMBER")

    dashboard.sign_in(page, author)
    page.goto("/dashboard/feedback")
    axe(page)
    page.get_by_role("button", name="New ticket").click()
    axe(page)
    page.get_by_role("textbox", name="Title").fill("The filter is lost")
    page.get_by_role("textbox", name="Description").fill("When a deal is opened.\nEach time.")
    page.get_by_role("button", name="Open the ticket").click()
    expect(page.get_by_role("heading", name="The filter is lost")).to_be_visible()
    axe(page)

    dashboard.sign_in(page, team)
    page.goto("/dashboard/feedback?status=NEW")
    axe(page)
    page.get_by_role("link", name="The filter is lost").click()
    page.get_by_role("textbox", name="Answer").fill("Which deal?")
    page.get_by_role("combobox", name="Status").select_option("AWAITING_USER")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("article")).to_contain_text("Which deal?")
    axe(page)

    dashboard.sign_in(page, author)
    page.reload()
    page.get_by_role("textbox", name="Your reply").fill("Number 5.")
    page.get_by_role("button", name="Send the reply").click()
    expect(page.get_by_role("article").last).to_contain_text("Number 5.")
    expect(page.get_by_text("Needs review").first).to_be_visible()
