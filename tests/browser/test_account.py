"""The account, what happened in it, and its alerts, in a browser."""

from __future__ import annotations

import itertools
from typing import Any

from playwright.sync_api import Page, expect

from app.alerts.finding import Finding
from app.alerts.life import open_alert
from app.ledger import Actor
from app.models import Account, Alert
from tests.browser.axe import axe
from tests.browser.installation import Dashboard

PASSWORD, NEW_PASSWORD = "four words and a number 7", "five words and a number 8"
FACTS: dict[str, dict[str, Any]] = {
    "NEW_LOCATION": {"network": "198.51.100.0/24", "request_count": 12, "known_networks": 2},
    "SPIKE": {"request_count": 4_812, "mean": 41.3, "mean_of_hours": 168, "factor": 5},
    "AUTH_FAILURES": {"failures": 31, "codes": {"INVALID_API_KEY": 28, "KEY_REVOKED": 3}},
    "AFTER_HOURS": {
        "request_count": 7,
        "last_used_at": 1_795_000_000_000,
        "last_used_ip": "198.51.100.7",
        "local_time": "Tue 23:41",
        "timezone": "Europe/Berlin",
        "business_hours": {"days": ["mon", "tue"], "from": "09:00", "to": "18:00"},
    },
    "ROTATION_DUE": {"created_at": 1_780_000_000_000, "expires_at": None},
    "EXPIRING": {"created_at": 1_780_000_000_000, "expires_at": 1_795_000_000_000},
}

_subjects = itertools.count(1)


def alert(dashboard: Dashboard, account: Account, type: str) -> Alert:
    """Open an alert about a new key of the account."""
    key = dashboard.key(account).key
    about = {"key_name": key.name, "key_prefix": key.key_prefix, "hour_starts_at": 1_794_999_600_000}
    finding = Finding(account.id, type, str(next(_subjects)), key.id, None, {**about, **FACTS[type]})
    with dashboard.services.ledger.change(Actor("system")) as change:
        return open_alert(change, finding)


def test_business_hours_are_set_by_keyboard_and_taken_away(page: Page, dashboard: Dashboard) -> None:
    dashboard.sign_in(page, dashboard.account())
    page.goto("/dashboard/account")
    axe(page)
    zone = page.get_by_role("combobox", name="Time zone")
    zone.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("Europe/Nowhere")
    page.keyboard.press("Tab")
    expect(page.get_by_role("checkbox", name="Mon")).to_be_focused()
    page.keyboard.press("Space")
    zone.focus()
    page.keyboard.press("Enter")
    expect(zone).to_have_accessible_description(
        "As in Europe/Berlin. Not the IANA name of a time zone, such as Europe/Berlin."
    )
    expect(page.get_by_role("checkbox", name="Mon")).to_be_checked()
    axe(page)
    zone.fill("Europe/Berlin")
    page.get_by_role("button", name="Save business hours").press("Enter")
    expect(page.get_by_text("were saved")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Mon")).to_be_checked()

    page.get_by_role("checkbox", name="Mon").uncheck()
    page.get_by_role("button", name="Save business hours").click()
    expect(page.get_by_text("were saved")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Mon")).not_to_be_checked()


def test_the_secret_of_a_webhook_is_shown_once(page: Page, dashboard: Dashboard) -> None:
    dashboard.sign_in(page, dashboard.account())
    page.goto("/dashboard/account")
    page.get_by_label("Address", exact=True).fill("https://hooks.example.com/secret-path")
    page.get_by_role("button", name="Set the webhook").click()
    secret = page.get_by_text("whsec_")
    expect(secret).to_be_visible()
    expect(page.get_by_text("https://hooks.example.com/***")).to_be_visible()
    axe(page)
    page.goto("/dashboard/account")
    expect(secret).to_have_count(0)
    page.get_by_role("button", name="Remove the webhook").click()
    expect(page.get_by_text("Alerts are posted nowhere any more.")).to_be_visible()


def test_a_new_password_signs_out_the_other_browser(page: Page, dashboard: Dashboard) -> None:
    account = dashboard.account(password=PASSWORD)
    dashboard.sign_in(page, account)
    dashboard.sign_in(page, account)
    page.goto("/dashboard/account")
    expect(page.get_by_role("button", name="End", exact=True)).to_be_visible()
    page.get_by_label("Present password").fill("not this one")
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password once more").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("alert")).to_contain_text("Not the present password.")
    expect(page.get_by_label("Present password")).to_have_value("")
    axe(page)
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password once more").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("The password was changed.")).to_be_visible()
    expect(page.get_by_role("button", name="End", exact=True)).to_have_count(0)


def test_what_happened_is_told_and_narrowed(page: Page, dashboard: Dashboard) -> None:
    account = dashboard.account()
    key = dashboard.key(account, name="Laptop").key
    dashboard.services.keyring.change(
        Actor("account", account.id, address="127.0.0.1"), type(key).select(), key.id, {"name": "Desk"}
    )
    dashboard.sign_in(page, account)
    page.goto("/dashboard/activity")
    axe(page)
    page.get_by_role("combobox", name="What").select_option("key.changed")
    page.get_by_role("combobox", name="When").select_option("hour")
    page.get_by_role("button", name="Show").click()
    told = page.get_by_role("main").get_by_role("listitem").filter(has_text="Key changed")
    expect(told).to_contain_text("name: Laptop → Desk")
    expect(told).to_contain_text("by you from 127.0.0.1")
    expect(page.get_by_text("Key made").and_(page.locator("strong"))).to_have_count(0)
    axe(page)


def test_alerts_say_what_was_seen_and_are_dismissed(page: Page, dashboard: Dashboard) -> None:
    account = dashboard.account()
    dashboard.sign_in(page, account)
    page.goto("/dashboard/alerts")
    expect(page.get_by_text("There is no alert.")).to_be_visible()
    axe(page)
    for kind in FACTS:
        alert(dashboard, account, kind)
    page.reload()
    for facts in page.get_by_text("The facts").all():
        facts.click()
    axe(page)
    spike = page.get_by_role("article", name="A key has far more requests than usual")
    expect(spike).to_contain_text("more than 5 times its mean of 41.3")
    spike.get_by_role("button", name="Dismiss").press("Enter")
    expect(page.get_by_text("The alert was dismissed.")).to_be_visible()
    expect(page.get_by_role("article").last).to_contain_text("Dismissed")
    expect(page.get_by_role("button", name="Dismiss")).to_have_count(len(FACTS) - 1)
