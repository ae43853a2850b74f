"""Revoking and deleting a key."""

from __future__ import annotations

import pytest

from app.keyring import Issued
from app.models import Key, Server, new_id
from tests.api.world import UNKNOWN_ID, Tenant, World
from tests.dashboard.browser import PROBES, Browser
from tests.dashboard.pages_of_keys import codes, text_of

NAME = "Work Laptop -  Claude Code"
"""With two blanks, of which a browser shows one."""
each_ending = pytest.mark.parametrize(
    ("ending", "code"), [("revoke", "KEY_REVOKED"), ("delete", "INVALID_API_KEY")]
)


@pytest.fixture
def tenant(world: World) -> Tenant:
    return world.admin


@pytest.fixture
def issued(world: World) -> Issued:
    return world.personal_key(name=NAME)


def path(key: Key, ending: str) -> str:
    return f"/dashboard/keys/{key.id}/{ending}"


@each_ending
@pytest.mark.parametrize("typed", [NAME, " Work Laptop - Claude Code "])
def test_303_the_very_next_request_is_refused(
    world: World, browser: Browser, issued: Issued, ending: str, code: str, typed: str
) -> None:
    page = browser.get(path(issued.key, ending))
    assert page.status == 200
    assert "from this moment on" in text_of(page)
    assert codes(world, issued.raw_key) == ["OK"]
    answer = browser.post(path(issued.key, ending), {"confirm": typed})
    assert answer.status == 303
    assert codes(world, issued.raw_key) == [code]
    home = f"/dashboard/keys/{issued.key.id}" if ending == "revoke" else "/dashboard/keys"
    assert answer.headers["Location"] == home
    assert f"was {ending}d." in text_of(browser.get("/dashboard"))


@each_ending
@pytest.mark.parametrize("typed", ["", "work laptop - claude code", "delete"])
def test_400_without_the_name(
    world: World, browser: Browser, issued: Issued, ending: str, code: str, typed: str
) -> None:
    page = browser.post(path(issued.key, ending), {"confirm": typed})
    assert page.status == 400
    assert "not the key's name" in text_of(page)
    assert codes(world, issued.raw_key) == ["OK"]


def test_after_deleting_one_is_where_the_others_are(world: World, browser: Browser) -> None:
    management = world.issue("management", world.admin.account, scopes=["vibe:mgmt:keys"], name="M").key
    portal = world.portal_key(name="P").key
    for key, home in (
        (management, "/dashboard/management-keys"),
        (portal, f"/dashboard/portals/{world.portal.id}"),
    ):
        assert browser.post(path(key, "delete"), {"confirm": key.name}).headers["Location"] == home


def test_409_a_key_with_servers_is_not_deleted_and_the_page_says_why(world: World, browser: Browser) -> None:
    issued = world.portal_key(scopes=["vibe:infra"], name="Hosts")
    now_ms = int(world.service.clock.now * 1000)
    Server.create(
        id=new_id(now_ms),
        portal=world.portal,
        lineage_id=issued.key.lineage_id,
        name="web-1",
        created_at=now_ms,
    )
    page = browser.get(path(issued.key, "delete"))
    assert page.status == 200
    assert "The key has active servers" in text_of(page)
    assert "<input id=" not in page.body.decode()
    assert browser.post(path(issued.key, "delete"), {"confirm": "Hosts"}).status == 409
    assert codes(world, issued.raw_key) == ["OK"]
    assert browser.post(path(issued.key, "revoke"), {"confirm": "Hosts"}).status == 303
    assert codes(world, issued.raw_key) == ["KEY_REVOKED"]


@each_ending
@pytest.mark.parametrize("probe", PROBES)
def test_names_and_what_was_typed_are_text(
    world: World, browser: Browser, ending: str, code: str, probe: str
) -> None:
    key = world.personal_key(name=probe).key
    for page in (browser.get(path(key, ending)), browser.post(path(key, ending), {"confirm": probe + "x"})):
        assert f"Type “{probe}” to confirm" in text_of(page)
        assert "<script>alert" not in page.body.decode()
        assert "<img src=x" not in page.body.decode()


@each_ending
def test_404_keys_of_others_and_unknown_ones_alike(
    world: World, browser: Browser, ending: str, code: str
) -> None:
    theirs = world.personal_key(world.stranger, name="Theirs")
    for id in (theirs.key.id, UNKNOWN_ID, "x"):
        assert browser.get(f"/dashboard/keys/{id}/{ending}").status == 404
        assert browser.post(f"/dashboard/keys/{id}/{ending}", {"confirm": "Theirs"}).status == 404
    assert codes(world, theirs.raw_key) == ["OK"]


@each_ending
@pytest.mark.parametrize("status", ["SUSPENDED", "RESTRICTED"])
def test_403_accounts_that_may_change_nothing(
    world: World, tenant: Tenant, browser: Browser, issued: Issued, ending: str, code: str, status: str
) -> None:
    token = {"csrf_token": browser.csrf_token()}
    world.change_account(tenant, status=status)
    assert "to confirm" not in text_of(browser.get(path(issued.key, ending)))
    assert browser.post(path(issued.key, ending), {"confirm": NAME, **token}).status == 403
    assert Key.select().where(Key.id == issued.key.id, ~Key.revoked).exists()


@each_ending
def test_403_without_the_token(browser: Browser, issued: Issued, ending: str, code: str) -> None:
    assert browser.open("POST", path(issued.key, ending), data={"confirm": NAME}).status == 403
