"""API keys in a browser: made, found, rotated, ended; each is in force with the next request."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Dialog, Page, expect

from app.keyring import Issued
from app.models import Account, Key, UsageKey
from tests.browser.axe import axe
from tests.browser.installation import OPERATOR, Dashboard

KEYS, NEW = "/dashboard/keys", "/dashboard/keys/new"
HOUR_MS = 3_600_000


@pytest.fixture
def account(page: Page, dashboard: Dashboard) -> Account:
    """Who is signed in."""
    account = dashboard.account()
    dashboard.sign_in(page, account)
    return account


def code(dashboard: Dashboard, raw_key: str) -> str:
    """What the next request with the key is answered: OK, or why it is refused."""
    status, _, body = dashboard.service.get("/v1/me", {"X-Api-Key": raw_key})
    return "OK" if status == 200 else str(json.loads(body)["error"]["code"])


def raw_key_on(page: Page) -> str:
    return page.get_by_label("The raw key").inner_text()


def rotated(dashboard: Dashboard, key: Key) -> Key:
    return dashboard.services.keyring.rotate(OPERATOR, Key.select(), key.id).key


def test_a_key_is_made_saved_and_revoked(page: Page, dashboard: Dashboard, account: Account) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(KEYS)
    axe(page)
    page.get_by_role("link", name="Create New API Key").last.click()
    page.get_by_label("Name").fill("Work Laptop")
    page.get_by_label("CLI").check()
    page.get_by_label("IP whitelist").press_sequentially("10.1.2.3/8")
    expect(page.get_by_text("10.0.0.0 to 10.255.255.255")).to_be_visible()
    expect(page.get_by_text("not inside")).to_be_visible()
    page.get_by_role("button", name="Add my address").click()
    expect(page.get_by_label("IP whitelist")).to_have_value("10.1.2.3/8\n127.0.0.1")
    expect(page.get_by_text("inside", exact=True)).to_be_visible()
    page.get_by_role("button", name="Create").click()

    expect(page.get_by_role("heading", name="Save your new key")).to_be_visible()
    raw_key = raw_key_on(page)
    assert code(dashboard, raw_key) == "OK"
    axe(page)
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == raw_key
    page.get_by_label("I have saved it").check()
    page.get_by_role("link", name="To the list").click()

    page.get_by_role("link", name="Revoke Work Laptop").click()
    axe(page)
    page.get_by_label("Type “Work Laptop” to confirm").fill("work laptop")
    page.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Type “Work Laptop” to confirm")).to_be_focused()
    assert code(dashboard, raw_key) == "OK"
    page.get_by_label("Type “Work Laptop” to confirm").fill("Work Laptop")
    page.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_text("The key “Work Laptop” was revoked.")).to_be_visible()
    assert code(dashboard, raw_key) == "KEY_REVOKED"


def test_a_key_is_made_by_keyboard_alone(page: Page, dashboard: Dashboard, account: Account) -> None:
    page.goto(NEW)
    page.get_by_label("Name").focus()
    page.keyboard.type("CI")
    page.get_by_label("Expires").focus()
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Last day on which it works")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("Choose a day that is not over.")
    expect(page.get_by_role("group", name="What it opens")).to_be_focused()
    axe(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_label("AI Tools")).to_be_checked()
    page.get_by_label("Expires").press("Home")
    page.get_by_role("button", name="Create").press("Enter")
    expect(page.get_by_role("heading", name="Save your new key")).to_be_visible()
    assert code(dashboard, raw_key_on(page)) == "OK"
    page.get_by_label("I have saved it").press("Space")
    page.get_by_role("link", name="To the list").press("Enter")
    expect(page.get_by_role("link", name="CI", exact=True)).to_be_visible()


def test_who_leaves_a_raw_key_that_is_not_saved_is_asked(page: Page, account: Account) -> None:
    page.goto(NEW)
    page.get_by_label("Name").fill("Lost?")
    page.get_by_label("CLI").check()
    page.get_by_role("button", name="Create").click()
    raw_key = raw_key_on(page)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.get_by_role("link", name="To the list").click()
    assert raw_key_on(page) == raw_key
    assert asked == ["beforeunload"]


def test_the_list_is_searched_while_one_types_filtered_sorted_and_turned(
    page: Page, dashboard: Dashboard, account: Account
) -> None:
    for number in range(51):
        dashboard.key(account, name=f"Robot {number:02}")
    legacy = dashboard.key(account, name="Old tool", integrations=["ai_tools", "cli", "mcp_server"]).key
    Key.update(is_legacy=True, created_at=Key.created_at - 91 * 24 * HOUR_MS).where(
        Key.id == legacy.id
    ).execute()
    rotated(dashboard, dashboard.key(account, name="In grace").key)
    page.goto(f"{KEYS}?sort=created")
    axe(page)
    expect(page.get_by_text("1–50 of 54")).to_be_visible()

    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("51–54 of 54")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("1–50 of 54")).to_be_visible()

    search = page.get_by_role("searchbox")
    search.press_sequentially("robot 4")
    expect(page.get_by_text("1–10 of 10")).to_be_visible()
    expect(page).to_have_url(f"{dashboard.url}{KEYS}?search=robot+4&sort=created")
    expect(search).to_be_focused()

    page.get_by_role("link", name="Name", exact=True).press("Enter")
    expect(page.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "ascending")
    expect(page.get_by_role("link", name="Name")).to_be_focused()
    page.get_by_role("link", name="Name").press("Enter")
    expect(page.get_by_role("row").nth(1)).to_contain_text("Robot 49")

    search.fill("")
    page.get_by_label("Legacy").select_option("Yes")
    expect(page.get_by_text("1–1 of 1")).to_be_visible()
    page.reload()
    expect(page.get_by_role("row").nth(1)).to_contain_text("Old tool")
    expect(page.get_by_label("Legacy")).to_have_value("yes")


def test_a_whole_raw_key_is_not_sent_as_a_search(page: Page, dashboard: Dashboard, account: Account) -> None:
    issued = dashboard.key(account, name="Found")
    page.goto(KEYS)
    search = page.get_by_role("searchbox")
    search.fill(issued.raw_key)
    search.press("Enter")
    assert search.evaluate("field => field.validity.patternMismatch")
    search.fill(issued.key.key_prefix)
    expect(page).to_have_url(f"{dashboard.url}{KEYS}?search={issued.key.key_prefix}")
    expect(page.get_by_role("link", name="Found", exact=True)).to_be_visible()


def test_a_key_is_rotated_and_its_grace_ended(page: Page, dashboard: Dashboard, account: Account) -> None:
    old = used(dashboard.key(account, name="Robot"))
    page.goto(f"{KEYS}/{old.key.id}/rotate")
    axe(page)
    page.get_by_label("The old key ends").select_option("After 4 hours")
    page.get_by_role("button", name="Rotate key").click()
    expect(page.get_by_role("heading", name="Save your new key")).to_be_visible()
    raw_key = raw_key_on(page)
    rotation = page.get_by_role("region", name="Rotation")
    expect(rotation).to_contain_text("3 hours 59 minutes")
    expect(rotation).to_contain_text("1 hour ago from 203.0.113.9")
    assert [code(dashboard, key) for key in (old.raw_key, raw_key)] == ["OK", "OK"]
    axe(page)
    page.get_by_label("I have saved it").check()
    page.get_by_role("button", name="End the grace now").click()
    expect(page.get_by_text("The grace is over")).to_be_visible()
    assert [code(dashboard, key) for key in (old.raw_key, raw_key)] == ["KEY_REVOKED", "OK"]


def used(issued: Issued) -> Issued:
    """The key, as used an hour ago."""
    last = issued.key.created_at - HOUR_MS
    key_id, lineage_id = issued.key.id, issued.key.lineage_id
    UsageKey.create(
        key_id=key_id, lineage_id=lineage_id, requests=1, last_used_at=last, last_used_ip="203.0.113.9"
    )
    return issued


def test_a_key_is_changed_and_deleted(page: Page, dashboard: Dashboard, account: Account) -> None:
    issued = dashboard.key(account, name="Before", integrations=["ai_tools", "cli", "mcp_server"])
    page.goto(f"{KEYS}/{issued.key.id}/change")
    axe(page)
    page.get_by_label("Name").fill("After")
    page.get_by_label("MCP Server").uncheck()
    page.get_by_label("Metadata").fill('{"team": "sales"}')
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("The key “After” was changed.")).to_be_visible()
    assert Key.get_by_id(issued.key.id).integrations == ["ai_tools", "cli"]

    page.goto(KEYS)
    page.get_by_role("link", name="Delete After").click()
    page.get_by_label("to confirm").fill("After")
    page.get_by_role("button", name="Delete key").click()
    expect(page.get_by_text("The key “After” was deleted.")).to_be_visible()
    expect(page.get_by_text("There are no API keys yet.")).to_be_visible()
    assert code(dashboard, issued.raw_key) == "INVALID_API_KEY"


def test_management_and_portal_keys_are_made_by_the_same_form(
    page: Page, dashboard: Dashboard, account: Account
) -> None:
    page.goto("/dashboard/management-keys")
    page.get_by_role("link", name="Create management key").last.click()
    page.get_by_label("Name").fill("Robot")
    page.get_by_label("vibe:mgmt:keys").check()
    page.get_by_role("button", name="Create").click()
    assert raw_key_on(page).startswith("vibe_live_")
    page.get_by_label("I have saved it").check()

    portal = dashboard.services.portals.create(OPERATOR, f"of-{account.id}.example.com")
    dashboard.services.portals.set_member(OPERATOR, portal.id, account.id, "MEMBER")
    page.goto(f"/dashboard/portals/{portal.id}/keys/new")
    page.get_by_label("Name").fill("Export")
    page.get_by_text("Files and calendars").click()
    axe(page)
    page.get_by_label("disk").check()
    page.get_by_role("button", name="Create").click()
    assert raw_key_on(page).startswith("vibe_api_")
    assert code(dashboard, raw_key_on(page)) == "OK"


def test_forms_work_without_scripts(dashboard: Dashboard, page: Page, account: Account) -> None:
    browser = page.context.browser
    assert browser is not None
    plain = browser.new_context(base_url=dashboard.url, java_script_enabled=False).new_page()
    dashboard.sign_in(plain, account)
    dashboard.key(account, name="Robot")
    dashboard.key(account, name="Laptop")
    plain.goto(KEYS)
    plain.get_by_role("searchbox").fill("robot")
    plain.get_by_role("button", name="Show").click()
    expect(plain.get_by_text("1–1 of 1")).to_be_visible()
    plain.goto(NEW)
    expect(plain.get_by_role("button", name="Add my address")).to_be_hidden()
    plain.get_by_label("Name").fill("Plain")
    plain.get_by_label("CLI").check()
    plain.get_by_role("button", name="Create").click()
    expect(plain.get_by_label("The raw key")).to_be_visible()
    plain.context.close()
