"""Portals in a browser: refused, stopped, left by members; all of it is in force with the next request."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from app.keyring import Issued
from app.models import Account, Portal
from tests.browser.axe import axe
from tests.browser.installation import OPERATOR, Dashboard


@pytest.fixture
def admin(page: Page, dashboard: Dashboard) -> Account:
    """Who is signed in."""
    account = dashboard.account()
    dashboard.sign_in(page, account)
    return account


def portal_of(dashboard: Dashboard, account: Account) -> Portal:
    portal = dashboard.services.portals.create(
        OPERATOR, f"{account.email.partition('@')[0]}.bitrix24.example"
    )
    dashboard.services.portals.set_member(OPERATOR, portal.id, account.id, "ADMIN")
    return portal


def key_of(dashboard: Dashboard, portal: Portal, owner: Account) -> Issued:
    return dashboard.key(owner, type="api", portal=portal, scopes=["crm"], integrations=[], name="Till")


def code(dashboard: Dashboard, key: Issued) -> str:
    """What the next request with the key is answered: OK, or why it is refused."""
    status, _, body = dashboard.service.get("/v1/me", {"X-Api-Key": key.raw_key})
    return "OK" if status == 200 else str(json.loads(body)["error"]["code"])


def test_a_webhook_that_does_not_answer_is_told_beside_what_was_typed(page: Page, admin: Account) -> None:
    page.goto("/dashboard/portals")
    axe(page)
    page.get_by_role("main").get_by_role("button", name="Link a portal").click()
    axe(page)
    page.get_by_role("textbox", name="Domain").fill("company.invalid")
    page.get_by_role("textbox", name="Webhook URL").fill("https://company.invalid/rest/1/s3cr3t/")
    page.get_by_role("button", name="Link portal").click()
    url = page.get_by_role("textbox", name="Webhook URL")
    expect(url).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("textbox", name="Domain")).to_have_value("company.invalid")
    axe(page)


def test_a_portal_is_stopped_and_its_member_removed(page: Page, dashboard: Dashboard, admin: Account) -> None:
    portal, other = portal_of(dashboard, admin), dashboard.account()
    url = f"https://{portal.domain}/rest/1/s3cr3t/"
    dashboard.services.portals.update(OPERATOR, portal.id, webhook_url=url)
    page.goto("/dashboard/portals")
    axe(page)
    page.get_by_role("link", name=portal.domain).click()
    expect(page.get_by_text("/rest/1/***")).to_be_visible()
    axe(page)

    page.get_by_role("link", name="1 member").click()
    page.get_by_role("textbox", name="E-mail").fill("nobody@example.org")
    page.get_by_role("button", name="Add member").click()
    expect(page.get_by_role("alert")).to_contain_text("There is no account with this e-mail")
    page.get_by_role("textbox", name="E-mail").fill(other.email)
    page.get_by_role("button", name="Add member").click()
    expect(page.get_by_role("cell").filter(has_text=other.email).first).to_be_visible()
    page.get_by_role("button", name=f"Make ADMIN {other.email}").click()
    page.get_by_role("button", name=f"Make MEMBER {other.email}").click()
    expect(page.get_by_role("button", name=f"Make ADMIN {other.email}")).to_be_visible()
    axe(page)

    key = key_of(dashboard, portal, other)
    page.goto(f"/dashboard/portals/{portal.id}")
    expect(page.get_by_role("cell").filter(has_text=other.email)).to_be_visible()
    axe(page)
    page.get_by_role("link", name="Set inactive").click()
    axe(page)
    page.get_by_role("textbox").fill(portal.domain)
    page.get_by_role("button", name="Set inactive").click()
    expect(page.get_by_text("This portal is inactive.")).to_be_visible()
    assert code(dashboard, key) == "PORTAL_INACTIVE"
    axe(page)
    page.get_by_role("button", name="Set active").click()
    expect(page.get_by_text("The portal is active")).to_be_visible()
    assert code(dashboard, key) == "OK"

    page.get_by_role("link", name="2 members").click()
    page.get_by_role("link", name=f"Remove {other.email}").click()
    expect(page.get_by_text("stops at once")).to_be_visible()
    axe(page)
    page.get_by_role("textbox").fill(other.email)
    page.get_by_role("button", name="Remove member").click()
    expect(page.get_by_text("is no member of")).to_be_visible()
    assert code(dashboard, key) == "NOT_PORTAL_MEMBER"


def test_a_webhook_is_removed_by_keyboard_alone(page: Page, dashboard: Dashboard, admin: Account) -> None:
    portal = portal_of(dashboard, admin)
    url = f"https://{portal.domain}/rest/1/s3cr3t/"
    dashboard.services.portals.update(OPERATOR, portal.id, webhook_url=url)
    page.goto(f"/dashboard/portals/{portal.id}/webhook")
    axe(page)
    page.goto(f"/dashboard/portals/{portal.id}")
    page.get_by_role("link", name="Remove…").press("Enter")
    page.get_by_role("textbox").press_sequentially(portal.domain)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Remove webhook")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("None: keys reach nothing")).to_be_visible()
    assert Portal.get_by_id(portal.id).webhook_url_sealed is None
