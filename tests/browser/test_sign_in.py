"""Signing in and out, and the first page."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.axe import axe
from tests.browser.installation import Dashboard

PASSWORD = "four words and a number 7"


def test_who_has_a_password_signs_in_by_keyboard_and_out_again(page: Page, dashboard: Dashboard) -> None:
    account = dashboard.account(password=PASSWORD)
    page.goto("/dashboard")
    axe(page)
    page.get_by_label("E-mail").focus()
    page.keyboard.type(account.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text(account.email).first).to_be_visible()
    page.get_by_role("button", name="Sign out").press("Enter")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("E-mail")).to_be_visible()


def test_who_errs_is_told_and_has_to_type_the_password_alone(page: Page, dashboard: Dashboard) -> None:
    account = dashboard.account(password=PASSWORD)
    page.goto("/dashboard/sign-in")
    page.get_by_label("E-mail").fill(account.email)
    page.get_by_label("Password").fill("another one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("no account with this e-mail and this password")
    expect(page.get_by_label("E-mail")).to_have_value(account.email)
    expect(page.get_by_label("Password")).to_have_value("")
    axe(page)


def test_the_overview_is_the_first_page(page: Page, dashboard: Dashboard) -> None:
    dashboard.sign_in(page, dashboard.account())
    page.goto("/")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    axe(page)
