"""A key's page in a browser: its chart, its numbers, and why a call is refused."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from app.models import Account, Key, UsageDay, UsageHour, UsageKey, UsageSplitDay
from app.usage.windows import DAY_MS, HOUR_MS, begin
from tests.browser.axe import axe
from tests.browser.installation import OPERATOR, Dashboard
from tests.browser.look import each_look

CHART = "figure .u-wrap"


@pytest.fixture
def account(page: Page, dashboard: Dashboard) -> Account:
    """Who is signed in."""
    account = dashboard.account()
    dashboard.sign_in(page, account)
    return account


@pytest.fixture
def key(dashboard: Dashboard, account: Account) -> Key:
    """A key with a past of ten days, one network of which is not shown at first."""
    issued = dashboard.key(account, name="Night build", ip_whitelist=["192.0.2.0/24"], hourly_limit=500)
    key, now_ms = issued.key, int(dashboard.services.clock() * 1000)
    UsageKey.create(
        key_id=key.id, lineage_id=key.lineage_id, requests=550, last_used_at=now_ms, last_used_ip="192.0.2.7"
    )
    for day in range(10):
        at = {"key_id": key.id, "starts_at": begin(now_ms, DAY_MS) - day * DAY_MS, "requests": 10 + 10 * day}
        UsageDay.create(**at)
        splits = [
            ("tool", "curl"),
            ("status", "2xx"),
            ("action", "GET /v1/me"),
            ("refusal", "IP_NOT_ALLOWED"),
        ]
        for kind, name in (*splits, ("network", f"198.51.{day}.0/24")):
            UsageSplitDay.create(kind=kind, name=name, **at)
    UsageHour.create(key_id=key.id, starts_at=begin(now_ms, HOUR_MS), slot=1, requests=10)
    return key


def test_the_use_of_a_key_is_drawn_and_told(page: Page, dashboard: Dashboard, key: Key) -> None:
    page.goto(f"/dashboard/keys/{key.id}")
    expect(page.locator(CHART)).to_be_visible()
    expect(page.get_by_text("550 in the last 90 days.")).to_be_visible()
    page.get_by_text("The same as a table").click()
    expect(page.get_by_role("table", name="Requests by day").get_by_role("row")).to_have_count(11)
    page.get_by_text("2 more").click()
    expect(page.get_by_text("198.51.0.0/24")).to_be_visible()
    axe(page)
    for _ in each_look(page):
        expect(page.locator(CHART)).to_be_visible()

    page.get_by_role("link", name="48 hours").click()
    expect(page.get_by_text("10 in the last 48 hours.")).to_be_visible()
    expect(page.get_by_role("link", name="48 hours")).to_have_attribute("aria-current", "true")
    expect(page.locator(CHART)).to_be_visible()


def test_a_rotation_and_a_key_that_does_not_work(
    page: Page, dashboard: Dashboard, account: Account, key: Key
) -> None:
    dashboard.services.keyring.rotate(OPERATOR, Key.select(), key.id)
    page.goto(f"/dashboard/keys/{key.id}")
    expect(page.get_by_role("region", name="Rotation")).to_contain_text("The new key")
    axe(page)
    page.get_by_role("button", name="End the grace now").click()
    expect(page.get_by_role("status").first).to_contain_text("The grace is over")


def test_a_question_is_answered_in_its_place(page: Page, key: Key) -> None:
    page.goto(f"/dashboard/keys/{key.id}")
    address = page.get_by_label("Address")
    expect(address).to_have_value("127.0.0.1")
    page.get_by_role("button", name="See the checks").click()
    expect(page.get_by_text("This call would be refused: 403")).to_be_focused()
    expect(page.get_by_role("listitem").filter(has_text="The address is in the whitelist")).to_contain_text(
        "refused"
    )
    expect(page.get_by_text("550 in the last 90 days.")).to_be_visible()
    axe(page)

    address.fill("192.0.2.1")
    page.get_by_label("Path").fill("/v1/me")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This call would be let in.")).to_be_focused()

    address.fill("home")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Not an IPv4 or IPv6 address.").first).to_be_visible()
    expect(address).to_have_value("home")
    axe(page)


def test_without_scripts(browser: Browser, dashboard: Dashboard) -> None:
    account = dashboard.account()
    key = dashboard.key(account).key
    context = browser.new_context(base_url=dashboard.url, java_script_enabled=False)
    page = context.new_page()
    dashboard.sign_in(page, account)
    page.goto(f"/dashboard/keys/{key.id}")
    page.get_by_role("button", name="See the checks").click()
    expect(page.get_by_role("heading", name="Why was it refused? CI")).to_be_visible()
    expect(page.get_by_text("This call would be let in.")).to_be_visible()
    context.close()
