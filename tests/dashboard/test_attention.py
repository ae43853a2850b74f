"""Keys that need attention, and the buttons that mend them: what was shown is done, or nothing."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from app.models import Audit, Key
from app.usage.windows import DAY_MS
from tests.api.world import PUBLIC_URL, UNKNOWN_ID, Answer, Clock, World
from tests.dashboard.browser import PROBES, Browser
from tests.dashboard.conftest import SignedIn
from tests.dashboard.pages_of_keys import codes, text_of
from tests.dashboard.test_pages import PART
from tests.usage.recorded import record

DAY = DAY_MS / 1000
BOUNDED: dict[str, Any] = {"ip_whitelist": ["127.0.0.0/8"]}

_FORM = r'action="(/dashboard/attention/{kind}/{id})".*?name="change" value="([^"]+)"'


def button_of(page: Answer, kind: str, key: Key) -> tuple[str, dict[str, str]] | None:
    """Where the button of a key posts to, and what; None if there is none."""
    found = re.search(_FORM.format(kind=kind, id=key.id), page.body.decode(), re.DOTALL)
    return None if found is None else (found[1], {"change": html.unescape(found[2])})


def press(browser: Browser, kind: str, key: Key, **kwargs: Any) -> Answer:
    """Press the button of a key on the page of its kind."""
    button = button_of(browser.get(f"/dashboard/attention/{kind}"), kind, key)
    assert button is not None
    path, fields = button
    return browser.post(
        path, fields, headers={"Referer": f"{PUBLIC_URL}/dashboard/attention/{kind}"}, **kwargs
    )


@pytest.fixture
def key(world: World) -> Key:
    return world.personal_key(name="Laptop", **BOUNDED).key


def test_a_key_that_nobody_used_is_revoked(world: World, signed_in: SignedIn, later: Clock) -> None:
    issued = world.personal_key(name="Laptop")
    later.now += 8 * DAY
    browser = signed_in(world.admin.account)
    assert "Laptop" in text_of(browser.get("/dashboard/attention/never-used"))

    answer = press(browser, "never-used", issued.key)

    assert (answer.status, answer.headers["Location"]) == (303, "/dashboard/attention/never-used")
    assert codes(world, issued.raw_key) == ["KEY_REVOKED"]
    page = text_of(browser.get("/dashboard/attention/never-used"))
    assert "“Laptop” was revoked." in page
    row = Audit.select().order_by(Audit.seq.desc()).first()
    assert (row.action, row.actor_kind, row.target_id) == ("key.revoked", "account", issued.key.id)


def test_a_key_that_was_used_meanwhile_is_left_as_it_is(
    world: World, signed_in: SignedIn, later: Clock
) -> None:
    issued = world.personal_key(name="Laptop")
    later.now += 8 * DAY
    browser = signed_in(world.admin.account)
    button = button_of(browser.get("/dashboard"), "never-used", issued.key)
    assert button is not None
    assert codes(world, issued.raw_key) == ["OK"]
    record(world.service)

    assert browser.post(*button).status == 303
    assert codes(world, issued.raw_key) == ["OK"]
    assert "Nothing was changed: look again." in text_of(browser.get("/dashboard"))


def test_an_expiry_is_set(world: World, signed_in: SignedIn, key: Key) -> None:
    browser = signed_in(world.admin.account)
    shown = text_of(browser.get("/dashboard/attention/no-expiry"))
    press(browser, "no-expiry", key)
    expires_at = Key.get_by_id(key.id).expires_at
    assert 90 * DAY_MS <= expires_at - world.service.clock.now * 1000 < 91 * DAY_MS
    assert "It would expire at the end of 2030-06-15." in shown
    assert "“Laptop” expires at the end of 2030-06-15." in text_of(browser.get("/dashboard"))


def test_a_key_is_restricted_to_where_it_was_used(world: World, signed_in: SignedIn) -> None:
    issued = world.personal_key(name="Laptop")
    for address in ("127.0.0.1", "2001:db8:1::5"):
        world.call("GET", "/v1/me", issued.raw_key, environ_base={"REMOTE_ADDR": address})
    record(world.service)
    browser = signed_in(world.admin.account)
    networks = "127.0.0.0/24 and 2001:db8:1::/48"
    assert f"It would work from {networks} only" in text_of(browser.get("/dashboard/attention/no-whitelist"))

    press(browser, "no-whitelist", issued.key)

    assert Key.get_by_id(issued.key.id).ip_whitelist == ["127.0.0.0/24", "2001:db8:1::/48"]
    outside = world.call("GET", "/v1/me", issued.raw_key, environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert outside.code == "IP_NOT_ALLOWED"


def test_a_key_is_not_restricted_to_other_networks_than_were_shown(world: World, signed_in: SignedIn) -> None:
    issued = world.personal_key(name="Laptop")
    world.call("GET", "/v1/me", issued.raw_key)
    record(world.service)
    browser = signed_in(world.admin.account)
    button = button_of(browser.get("/dashboard"), "no-whitelist", issued.key)
    assert button is not None
    world.call("GET", "/v1/me", issued.raw_key, environ_base={"REMOTE_ADDR": "192.0.2.1"})
    record(world.service)
    browser.post(*button)
    assert Key.get_by_id(issued.key.id).ip_whitelist == []


def test_what_was_not_used_is_taken_away(world: World, signed_in: SignedIn, later: Clock) -> None:
    issued = world.personal_key(name="Laptop", integrations=["ai_tools", "cli"], **BOUNDED)
    later.now += 31 * DAY
    world.call("GET", "/api/v1/activity", issued.raw_key)
    record(world.service)
    browser = signed_in(world.admin.account)
    page = text_of(browser.get("/dashboard/attention/unused-grants"))
    assert "It would lose ai_tools and keep cli." in page
    press(browser, "unused-grants", issued.key)
    assert Key.get_by_id(issued.key.id).integrations == ["cli"]


def test_rotating_has_a_page_of_its_own(world: World, signed_in: SignedIn, later: Clock) -> None:
    issued = world.personal_key(**BOUNDED)
    later.now += 91 * DAY
    world.call("GET", "/v1/me", issued.raw_key)
    record(world.service)
    page = signed_in(world.admin.account).get("/dashboard/attention/rotation-due")
    assert f'href="/dashboard/keys/{issued.key.id}/rotate"' in page.body.decode()
    assert button_of(page, "rotation-due", issued.key) is None


def test_htmx_is_told_in_the_row(world: World, signed_in: SignedIn, key: Key) -> None:
    browser = signed_in(world.admin.account)
    button = button_of(browser.get("/dashboard"), "no-expiry", key)
    assert button is not None
    answer = browser.post(*button, headers=PART)
    assert answer.status == 200
    assert answer.body.decode().startswith('<p class="message" role="status">“Laptop” expires')


def test_the_keys_of_a_kind_have_pages(world: World, signed_in: SignedIn) -> None:
    for number in range(30):
        world.personal_key(name=f"Key {number}.", **BOUNDED)
    browser = signed_in(world.admin.account)
    overview = text_of(browser.get("/dashboard"))
    first, second = (text_of(browser.get(f"/dashboard/attention/no-expiry?page={n}")) for n in (1, 2))
    assert "All 31 of: Never expires" in overview
    assert ("Key 3." in overview, "Key 10." in overview) == (True, False)
    assert ("Key 10." in first, "Key 29." in first) == (True, False)
    assert "Key 29." in second
    assert "The list ends before this page." in text_of(browser.get("/dashboard/attention/no-expiry?page=9"))


def test_a_kind_without_keys_says_so(world: World, signed_in: SignedIn) -> None:
    assert "No key is of this kind any more." in text_of(
        signed_in(world.admin.account).get("/dashboard/attention/idle")
    )


def test_404_for_another_kind_and_for_keys_of_others(world: World, signed_in: SignedIn, key: Key) -> None:
    browser, stranger = signed_in(world.admin.account), signed_in(world.stranger.account)
    button = button_of(browser.get("/dashboard"), "no-expiry", key)
    assert button is not None
    path, fields = button
    unknown = stranger.post(path.replace(key.id, UNKNOWN_ID), fields)
    assert [browser.get("/dashboard/attention/ugly").status, unknown.status] == [404, 404]
    assert stranger.post(path, fields).status == 404
    assert Key.get_by_id(key.id).expires_at is None


def test_an_admin_mends_the_keys_of_the_portal(world: World, signed_in: SignedIn) -> None:
    of_member = world.portal_key(world.member, **BOUNDED).key
    press(signed_in(world.admin.account), "no-expiry", of_member)
    assert Key.get_by_id(of_member.id).expires_at is not None


@pytest.mark.parametrize("status", ["RESTRICTED", "SUSPENDED"])
def test_403_for_an_account_that_may_change_nothing(
    world: World, signed_in: SignedIn, key: Key, status: str
) -> None:
    browser = signed_in(world.admin.account)
    button = button_of(browser.get("/dashboard"), "no-expiry", key)
    assert button is not None
    world.change_account(world.admin, status=status)
    assert button_of(browser.get("/dashboard"), "no-expiry", key) is None
    assert browser.post(*button).status == 403
    assert Key.get_by_id(key.id).expires_at is None


def test_403_without_the_token(world: World, signed_in: SignedIn, key: Key) -> None:
    browser = signed_in(world.admin.account)
    button = button_of(browser.get("/dashboard"), "no-expiry", key)
    assert button is not None
    path, fields = button
    assert browser.open("POST", path, data=fields).status == 403
    assert Key.get_by_id(key.id).expires_at is None


def test_names_come_out_as_text(world: World, signed_in: SignedIn) -> None:
    browser = signed_in(world.admin.account)
    for probe in PROBES:
        key = world.personal_key(name=probe, **BOUNDED).key
        press(browser, "no-expiry", key)
        page = browser.get("/dashboard").body.decode()
        assert html.escape(f"“{probe}” expires").replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page
        assert probe not in page or probe == "{{7*7}}"
