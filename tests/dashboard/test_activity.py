"""Activity: each event in words, and the list narrowed."""

from __future__ import annotations

import html
import re

import pytest

from app.dashboard.event_words import TITLES
from app.ledger import Actor
from app.models import Event
from app.models.activity import EVENT_TYPES
from tests.api.world import Clock, Tenant, World
from tests.dashboard.browser import ADDRESS, PROBES, Browser
from tests.dashboard.conftest import SignedIn

PROMPT = {"title": "Review a change", "content": "Read the diff.", "status": "draft"}


def told(browser: Browser, query: str = "") -> list[str]:
    """The events that are shown, as text."""
    page = browser.get(f"/dashboard/activity?{query}")
    assert page.status == 200
    _, _, shown = page.body.decode().partition('<ol class="events">')
    items = re.split(r"<li>\s*<p><strong>", shown.partition("</ol>")[0])[1:]
    return [" ".join(re.sub("<[^>]*>", " ", item).split()).replace(" ,", ",") for item in items]


def test_every_type_has_words() -> None:
    assert tuple(TITLES) == EVENT_TYPES


def test_what_was_done_in_the_dashboard_is_told_with_what_was_before(
    browser: Browser, tenant: Tenant
) -> None:
    location = browser.post("/dashboard/prompts/new", PROMPT).headers["Location"]
    tag = re.search('name="tag" value="([^"]+)"', browser.get(location).body.decode())
    assert tag
    browser.post(location, {**PROMPT, "status": "published", "tag": html.unescape(tag[1])})
    newest, before, *_ = told(browser)
    assert newest.startswith(f"Prompt changed Review a change just now, by you from {ADDRESS}")
    assert "status: draft → published" in newest
    assert before.startswith("Prompt made Review a change")
    assert f'href="{location}"' in browser.get("/dashboard/activity").body.decode()

    browser.post(f"{location}/delete", {"confirm": "review-a-change"})
    assert "Prompt deleted" in told(browser)[0]
    assert f'href="{location}"' not in browser.get("/dashboard/activity").body.decode()


def test_what_a_key_has_done_is_told_with_the_key(browser: Browser, tenant: Tenant, world: World) -> None:
    issued = world.personal_key(tenant, name="Laptop", integrations=["cli"])
    created = world.call("POST", "/api/v1/memories", issued.raw_key, json={"text": "Remember."})
    assert created.status == 201, created.body
    newest = told(browser)[0]
    assert f"by you with the key Laptop ({issued.key.key_prefix}…) from 127.0.0.1" in newest
    world.change_key(issued.key, status="REVOKED")
    assert told(browser)[0].startswith("Key revoked Laptop")
    assert "by an operator" in told(browser)[0]
    assert "revoked: no → yes" in told(browser)[0]


def test_sessions_of_an_ide_are_among_them(browser: Browser, tenant: Tenant, world: World) -> None:
    key = world.personal_key(tenant, integrations=["ai_tools"]).raw_key
    hook = {"hook_event_name": "PreToolUse", "session_id": "s-1"}
    assert world.call("POST", "/api/v1/claude-code/hooks", key, json=hook).status == 201
    newest = told(browser)[0]
    assert newest.startswith("Hook of Claude Code PreToolUse")
    assert "session id: s-1" in newest


def test_the_list_is_narrowed_by_type_key_and_time(
    browser: Browser, tenant: Tenant, world: World, later: Clock
) -> None:
    one, other = (world.personal_key(tenant, name=name).key for name in ("One", "Other"))
    world.change_key(one, name="First")
    assert [len(told(browser, f"keyId={key.id}")) for key in (one, other)] == [2, 1]
    assert [event.split(" just")[0] for event in told(browser, f"keyId={one.id}&type=key.changed")] == [
        f"Key changed First ({one.key_prefix}…)"
    ]
    assert len(told(browser, "type=nothing")) == len(told(browser))
    later.now += 2 * 3600
    assert told(browser, "since=hour") == []
    assert len(told(browser, f"since=day&keyId={one.id}")) == 2
    assert "Nothing fits." in browser.get("/dashboard/activity?since=hour").body.decode()


def test_a_key_that_is_gone_still_narrows_the_list(browser: Browser, tenant: Tenant, world: World) -> None:
    key = world.personal_key(tenant, name="Gone").key
    world.services.keyring.delete(Actor("cli"), type(key).select(), key.id)
    assert [event.split(" (")[0].split(" just")[0] for event in told(browser, f"keyId={key.id}")] == [
        "Key deleted Gone",
        "Key made Gone",
    ]
    assert "A deleted key" in browser.get(f"/dashboard/activity?keyId={key.id}").body.decode()


def test_nobody_sees_what_others_have_done(browser: Browser, world: World, signed_in: SignedIn) -> None:
    key = world.personal_key(world.stranger, name="A stranger's").key
    for query in ("", f"keyId={key.id}"):
        text = browser.get(f"/dashboard/activity?{query}").body.decode()
        assert "A stranger" not in text


def test_pages_lead_on(browser: Browser, tenant: Tenant, world: World) -> None:
    for number in range(51):
        world.personal_key(tenant, name=f"Key {number}")
    assert len(told(browser, "type=key.issued")) == 50
    assert "type=key.issued&amp;page=2" in browser.get("/dashboard/activity?type=key.issued").body.decode()
    assert len(told(browser, "type=key.issued&page=2")) == 2  # and the management key


@pytest.mark.parametrize("probe", PROBES)
def test_whatever_is_in_an_event_is_shown_as_text(
    browser: Browser, tenant: Tenant, world: World, probe: str
) -> None:
    world.change_key(world.personal_key(tenant, name=probe).key, name=f"{probe} again")
    with world.services.ledger.change(Actor("system")) as change:
        facts = {probe: probe, "hook_event_name": probe}
        change.event(tenant.account.id, "hook.cursor-ide", "hook", "1", None, facts)
    page = browser.get(f"/dashboard/activity?keyId={probe}").body.decode()
    for text in (page, browser.get("/dashboard/activity").body.decode()):
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert ">49<" not in text
    assert Event.select().where(Event.account == tenant.account, Event.type == "hook.cursor-ide").exists()
