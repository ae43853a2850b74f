"""The pages of operators in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import axe
from tests.browser.installation import Dashboard

ACCOUNTS, AUDIT, HEALTH = (f"/dashboard/operator/{name}" for name in ("accounts", "audit", "health"))


@pytest.fixture
def operator(page: Page, dashboard: Dashboard) -> Page:
    """The window of an operator."""
    dashboard.sign_in(page, dashboard.account(operator=True))
    return page


def test_an_account_is_made_found_and_suspended(operator: Page) -> None:
    page = operator
    page.goto(ACCOUNTS)
    axe(page)
    page.get_by_role("button", name="New account").click()
    axe(page)
    page.get_by_role("textbox", name="E-mail").fill("ada@journey.example.com")
    page.get_by_role("combobox", name="Tier").select_option("enterprise")
    page.get_by_role("button", name="Make account").click()
    expect(page.get_by_role("alert")).to_contain_text("the word none")
    axe(page)
    page.get_by_role("textbox", name="Requests an hour").fill("5000")
    page.get_by_role("button", name="Make account").click()
    expect(page.get_by_role("heading", name="ada@journey.example.com")).to_be_visible()
    axe(page)

    page.goto(ACCOUNTS)
    page.get_by_role("searchbox", name="E-mail").fill("ADA@journey")
    expect(page.get_by_text("1–1 of 1")).to_be_visible()
    page.get_by_role("link", name="ada@journey.example.com").click()
    page.get_by_role("radio", name="Suspended").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The account was saved")).to_be_visible()
    expect(page.get_by_role("radio", name="Suspended")).to_be_checked()
    axe(page)


def test_the_feedback_desk_is_granted_and_all_keys_are_revoked(operator: Page, dashboard: Dashboard) -> None:
    page, owner = operator, dashboard.account()
    dashboard.key(owner, type="management", name="Support", integrations=(), scopes=("vibe:mgmt:keys",))
    dashboard.key(owner)
    page.goto(f"{ACCOUNTS}/{owner.id}/keys")
    axe(page)
    page.get_by_role("button", name="Grant to Support").click()
    expect(page.get_by_role("button", name="Withdraw from Support")).to_be_visible()
    axe(page)
    page.get_by_role("link", name="Back to the account").click()
    page.get_by_role("link", name="Revoke all keys").click()
    page.get_by_role("textbox").fill("somebody else")
    page.get_by_role("button", name="Revoke all keys").click()
    expect(page.get_by_role("alert")).to_contain_text("This is not its e-mail.")
    axe(page)
    page.get_by_role("textbox").fill(owner.email)
    page.get_by_role("button", name="Revoke all keys").click()
    expect(page.get_by_text("2 keys were revoked.")).to_be_visible()


def test_an_account_is_restricted_by_keyboard_alone(operator: Page, dashboard: Dashboard) -> None:
    page, owner = operator, dashboard.account()
    page.goto(f"{ACCOUNTS}/{owner.id}")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_role("radio", name="Active", exact=True)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The account was saved")).to_be_visible()
    expect(page.get_by_role("radio", name="Restricted")).to_be_checked()


def test_the_audit_log_is_narrowed_and_verified(operator: Page, dashboard: Dashboard) -> None:
    page, owner = operator, dashboard.account()
    dashboard.key(owner, name="Traced")
    page.goto(AUDIT)
    axe(page)
    page.get_by_role("combobox", name="Action").select_option("key.issued")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("cell", name="Traced").first).to_be_visible()
    axe(page)
    page.get_by_role("button", name="Verify the chain").click()
    expect(page.get_by_text("rows, unbroken, head")).to_be_visible()
    axe(page)


def test_health_is_told_and_the_slow_checks_are_made(operator: Page) -> None:
    operator.goto(HEALTH)
    axe(operator)
    operator.get_by_role("button", name="Check database").click()
    expect(operator.get_by_text("no damage found")).to_be_visible()
    axe(operator)
