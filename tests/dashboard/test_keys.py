"""The lists of API keys and of management keys."""

from __future__ import annotations

import re

import pytest

from app.models import Key, UsageKey
from tests.api.world import Tenant, World
from tests.dashboard.browser import PROBES, Browser
from tests.dashboard.conftest import SignedIn
from tests.dashboard.pages_of_keys import text_of
from tests.dashboard.test_pages import PART

KEYS, MANAGEMENT = "/dashboard/keys", "/dashboard/management-keys"
DAY = 86_400


def names(browser: Browser, query: str = "", path: str = KEYS) -> list[str]:
    page = browser.get(f"{path}{query}")
    assert page.status == 200
    return re.findall(r'<a href="/dashboard/keys/[0-9a-f-]{36}">([^<]+)</a>', page.body.decode())


def test_a_key_is_shown_with_what_there_is_to_know_of_it(
    world: World, tenant: Tenant, browser: Browser
) -> None:
    now_ms = int(world.service.clock.now * 1000)
    key = world.personal_key(tenant, name="Old tool", integrations=["ai_tools", "cli", "mcp_server"]).key
    Key.update(is_legacy=True, created_at=now_ms - 91 * DAY * 1000).where(Key.id == key.id).execute()
    UsageKey.create(
        key_id=key.id,
        lineage_id=key.lineage_id,
        requests=1,
        last_used_at=now_ms - 3_600_000,
        last_used_ip="203.0.113.9",
    )
    page = browser.get(KEYS)
    for badge in (
        '<span class="badge blue">AI Tools</span>',
        '<span class="badge green">CLI</span>',
        '<span class="badge purple">MCP Server</span>',
        '<span class="badge yellow">Legacy</span>',
        '<span class="badge green">Active</span>',
        '<span class="badge yellow">Due</span>',
    ):
        assert badge in page.body.decode()
    text = text_of(page)
    assert f"Old tool Legacy {key.key_prefix}…{key.key_suffix}" in text
    assert (
        "1 hour ago 203.0.113.9 91 days ago never Due Rotate Old tool Revoke Old tool Delete Old tool" in text
    )
    assert "MCP Server is a legacy integration and opens nothing" in text


def test_each_list_has_its_own_keys_alone(world: World, tenant: Tenant, browser: Browser) -> None:
    world.personal_key(tenant, name="mine")
    world.personal_key(world.stranger, name="of a stranger")
    world.join(world.portal, tenant, "ADMIN")
    world.portal_key(tenant, name="of a portal")
    assert names(browser) == ["mine"]
    assert names(browser, path=MANAGEMENT) == ["a key of type management"]
    assert "vibe:mgmt:keys vibe:mgmt:portals" in text_of(browser.get(MANAGEMENT))


def test_the_query_searches_filters_and_sorts(world: World, tenant: Tenant, browser: Browser) -> None:
    world.personal_key(tenant, name="beta", integrations=["ai_tools"])
    alpha = world.personal_key(tenant, name="Alpha").key
    world.change_key(world.personal_key(tenant, name="gone").key, status="REVOKED")
    assert names(browser) == ["gone", "Alpha", "beta"]
    assert names(browser, "?sort=name") == ["Alpha", "beta", "gone"]
    assert names(browser, "?search=ALP") == ["Alpha"]
    assert names(browser, f"?search={alpha.key_prefix}…{alpha.key_suffix}") == ["Alpha"]
    assert names(browser, "?status=REVOKED") == ["gone"]
    assert names(browser, "?opens=ai_tools") == ["beta"]
    assert names(browser, "?legacy=yes") == []
    assert names(browser, "?sort=-name&status=ACTIVE&legacy=no") == ["beta", "Alpha"]


def test_htmx_gets_the_rows_alone_and_a_short_address(world: World, tenant: Tenant, browser: Browser) -> None:
    world.personal_key(tenant, name="Laptop")
    page = browser.get(f"{KEYS}?search=lap&status=&opens=&sort=", headers=PART)
    assert page.status == 200
    assert "<html" not in page.body.decode()
    assert "Laptop" in text_of(page)
    assert page.headers["HX-Replace-Url"] == f"{KEYS}?search=lap"
    assert "HX-Replace-Url" not in browser.get(f"{KEYS}?search=lap", headers=PART).headers


def test_a_key_in_its_grace_says_when_it_ends(world: World, tenant: Tenant, browser: Browser) -> None:
    world.rotate(world.personal_key(tenant).key, grace_hours=2)
    assert "Active ends in 1 hour" in text_of(browser.get(KEYS))


def test_what_is_offered_depends_on_the_status(world: World, tenant: Tenant, browser: Browser) -> None:
    key = world.personal_key(tenant).key
    assert f"{KEYS}/{key.id}/revoke" in browser.get(KEYS).body.decode()
    world.change_key(key, status="REVOKED")
    page = browser.get(KEYS).body.decode()
    assert f"{KEYS}/{key.id}/revoke" not in page
    assert f'action="{KEYS}/{key.id}/activate"' in page


@pytest.mark.parametrize("path", [KEYS, MANAGEMENT])
def test_an_empty_list_says_what_to_do(signed_in: SignedIn, world: World, path: str) -> None:
    tenant = world.new_tenant()
    Key.delete().where(Key.owner == tenant.account).execute()
    browser = signed_in(tenant.account)
    assert "keys yet" in text_of(browser.get(path))
    assert browser.get(path).body.decode().count(f'href="{path}/new"') == 2
    assert "Nothing fits." in text_of(browser.get(f"{path}?search=x"))


def test_who_may_change_nothing_sees_everything_and_no_controls(
    world: World, tenant: Tenant, browser: Browser
) -> None:
    key = world.personal_key(tenant, name="Mine").key
    world.change_account(tenant, status="SUSPENDED")
    page = browser.get(KEYS)
    assert "Mine" in text_of(page)
    for deed in ("new", f"{key.id}/revoke", f"{key.id}/delete", f"{key.id}/rotate"):
        assert f"{KEYS}/{deed}" not in page.body.decode()


@pytest.mark.parametrize("probe", PROBES)
def test_names_and_searches_are_text(world: World, tenant: Tenant, browser: Browser, probe: str) -> None:
    world.personal_key(tenant, name=probe)
    for page in (browser.get(KEYS), browser.get(KEYS, query_string={"search": probe})):
        assert probe in text_of(page)
        assert "<script>alert" not in page.body.decode()
        assert "<img src=x" not in page.body.decode()


def test_303_to_sign_in_for_strangers(world: World) -> None:
    answer = Browser(world.service).get(KEYS)
    assert (answer.status, answer.headers["Location"]) == (303, "/dashboard/sign-in?next=%2Fdashboard%2Fkeys")
