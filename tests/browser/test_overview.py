"""The Overview in a browser: first steps, what needs attention, and the buttons that mend it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from app.alerts.finding import Finding
from app.alerts.life import open_alert
from app.models import Account, Key, UsageDay, UsageKey, UsageSplitDay
from app.usage.windows import DAY_MS, begin
from tests.browser.axe import axe
from tests.browser.installation import OPERATOR, Dashboard

OVERVIEW = "/dashboard"


@pytest.fixture
def account(page: Page, dashboard: Dashboard) -> Account:
    """Who is signed in."""
    account = dashboard.account()
    dashboard.sign_in(page, account)
    return account


def used_today(dashboard: Dashboard, key: Key) -> None:
    """Let a key have had requests and refusals, and an alert be open about it."""
    now_ms = int(dashboard.services.clock() * 1000)
    today = begin(now_ms, DAY_MS)
    UsageKey.create(key_id=key.id, lineage_id=key.lineage_id, requests=1200, last_used_at=now_ms)
    UsageDay.create(key_id=key.id, starts_at=today, requests=1200)
    for kind, name, requests in (("network", "192.0.2.0/24", 1200), ("refusal", "RATE_LIMITED", 7)):
        UsageSplitDay.create(key_id=key.id, starts_at=today, kind=kind, name=name, requests=requests)
    facts = {"key_name": key.name, "key_prefix": key.key_prefix, "created_at": key.created_at}
    with dashboard.services.ledger.change(OPERATOR) as change:
        open_alert(change, Finding(key.owner_id, "ROTATION_DUE", key.id, key.id, None, facts))


def test_the_first_steps_lead_to_the_first_key(page: Page, account: Account) -> None:
    page.goto(OVERVIEW)
    axe(page)
    page.get_by_role("link", name="Create an API key").click()
    expect(page.get_by_label("Name")).to_be_visible()


def test_what_needs_attention_is_mended_in_its_place(
    page: Page, dashboard: Dashboard, account: Account
) -> None:
    key = dashboard.key(account, name="Night build").key
    used_today(dashboard, key)
    page.goto(OVERVIEW)
    expect(page.get_by_text("1,200")).to_be_visible()
    expect(page.get_by_role("row", name="RATE_LIMITED")).to_contain_text("7")
    expect(page.get_by_text("“Night build”")).to_be_visible()
    axe(page)

    expect(page.get_by_text("It would work from 192.0.2.0/24 only")).to_be_visible()
    page.get_by_role("button", name="Restrict key Night build").click()
    expect(page.get_by_text("“Night build” works from 192.0.2.0/24 only.")).to_be_visible()
    assert Key.get_by_id(key.id).ip_whitelist == ["192.0.2.0/24"]
    expect(page.get_by_role("button", name="Set expiry Night build")).to_be_visible()
    axe(page)

    page.reload()
    expect(page.get_by_role("heading", name="Works from anywhere")).to_have_count(0)


def test_by_keyboard_alone(page: Page, dashboard: Dashboard, account: Account) -> None:
    key = dashboard.key(account, name="Night build", ip_whitelist=["192.0.2.0/24"]).key
    page.goto(OVERVIEW)
    page.get_by_role("link", name="Night build").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Set expiry Night build")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("“Night build” expires at the end of")
    assert Key.get_by_id(key.id).expires_at is not None


def test_without_scripts(browser: Browser, dashboard: Dashboard) -> None:
    account = dashboard.account()
    keys = [dashboard.key(account, name=f"Key {number}", ip_whitelist=["::1"]).key for number in range(30)]
    context = browser.new_context(base_url=dashboard.url, java_script_enabled=False)
    page = context.new_page()
    dashboard.sign_in(page, account)
    page.goto(OVERVIEW)
    page.get_by_role("link", name="All 30").click()
    page.get_by_role("link", name="Next").click()
    page.get_by_role("button", name=f"Set expiry {keys[-1].name}").click()
    expect(page.get_by_role("status")).to_contain_text("“Key 29” expires")
    expect(page.get_by_text("26–29 of 29")).to_be_visible()
    context.close()
