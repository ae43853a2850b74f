"""Changing a key, and letting a revoked one work again: in force with the very next request."""

from __future__ import annotations

from typing import Any

import pytest

from app.keyring import Issued
from app.models import Audit, Key
from tests.api.world import UNKNOWN_ID, Answer, Tenant, World
from tests.dashboard.browser import PROBES, Browser
from tests.dashboard.conftest import SignedIn
from tests.dashboard.pages_of_keys import codes, text_of


@pytest.fixture
def tenant(world: World) -> Tenant:
    return world.admin


@pytest.fixture
def issued(world: World) -> Issued:
    return world.personal_key(name="Before", metadata={"team": "sales"}, expires_at=1_999_999_999_123)


def path(key: Key, deed: str = "change") -> str:
    return f"/dashboard/keys/{key.id}/{deed}"


def form_of(key: Key, **changes: Any) -> dict[str, Any]:
    """The form as the page has it, with other things typed into it."""
    now = Key.get_by_id(key.id)
    return {
        "name": now.name,
        "integrations": now.integrations,
        "scopes": now.scopes,
        "ipWhitelist": "\n".join(now.ip_whitelist),
        "expiresAt": "keep" if now.expires_at else "never",
        "metadata": "",
        "revision": str(now.revision),
        **changes,
    }


def change(browser: Browser, key: Key, **changes: Any) -> Answer:
    return browser.post(path(key), form_of(key, **changes))


def test_the_form_shows_the_key_as_it_is(world: World, browser: Browser) -> None:
    key = world.personal_key(
        name="As it is",
        integrations=["ai_tools", "mcp_server"],
        ip_whitelist=["10.0.0.0/8", "2001:db8::1"],
        rate_limit=5,
        metadata={"team": "Süd"},
        expires_at=1_999_999_999_123,
    ).key
    page = browser.get(path(key))
    markup, text = page.body.decode(), text_of(page)
    assert 'value="As it is"' in markup
    assert ">\n10.0.0.0/8\n2001:db8::1</textarea>" in markup
    assert 'name="rateLimit" type="text" value="5"' in markup
    assert "As it is: 2033-05-18 03:33 UTC" in text
    assert "&#34;team&#34;: &#34;Süd&#34;" in markup
    assert "MCP Server Nothing any more; kept on keys that have it" in text
    assert markup.count(" checked") == 2


def test_303_what_is_changed_is_in_force_and_the_rest_stays(
    world: World, browser: Browser, issued: Issued
) -> None:
    assert codes(world, issued.raw_key) == ["OK"]
    metadata = '{"team": "support", "n": 1}'
    answer = change(
        browser, issued.key, name="After", ipWhitelist="192.0.2.1", rateLimit="7", metadata=metadata
    )
    assert (answer.status, answer.headers["Location"]) == (303, f"/dashboard/keys/{issued.key.id}")
    assert codes(world, issued.raw_key) == ["IP_NOT_ALLOWED"]
    key = Key.get_by_id(issued.key.id)
    assert (key.name, key.rate_limit, key.metadata) == ("After", 7, {"team": "support", "n": 1})
    assert key.expires_at == 1_999_999_999_123
    row = Audit.select().where(Audit.target_id == key.id).order_by(Audit.seq.desc()).get()
    assert (row.action, row.actor_kind) == ("key.changed", "account")
    assert "The key “After” was changed." in text_of(browser.get("/dashboard"))


def test_303_integrations_and_expiry_change(world: World, browser: Browser, issued: Issued) -> None:
    account = "/api/v1/account"
    assert world.call("GET", account, issued.raw_key).status == 200
    assert change(browser, issued.key, integrations=["ai_tools"], expiresAt="never").status == 303
    assert world.call("GET", account, issued.raw_key).code == "INTEGRATION_REQUIRED"
    assert Key.get_by_id(issued.key.id).expires_at is None


def test_303_a_legacy_integration_can_be_taken_off_and_not_put_back(world: World, browser: Browser) -> None:
    key = world.personal_key(integrations=["cli", "mcp_server"]).key
    assert change(browser, key, name="Renamed").status == 303
    assert Key.get_by_id(key.id).integrations == ["cli", "mcp_server"]
    assert change(browser, key, integrations=["cli"]).status == 303
    refused = change(browser, key, integrations=["cli", "mcp_server"])
    assert refused.status == 400
    assert "no longer granted" in text_of(refused)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"name": ""}, "Must be 1 to 255 characters."),
        ({"integrations": []}, "Choose at least one."),
        ({"ipWhitelist": "x"}, "1 of the entries is wrong"),
        ({"metadata": "{"}, "Not an object."),
        ({"metadata": "[1]"}, "Not an object."),
        ({"metadata": '{"a": 1, "a": 2}'}, "Not an object."),
        ({"metadata": '{"a": "' + "x" * 4_096 + '"}'}, "4096 bytes"),
        ({"expiresAt": "on", "expiresOn": "2020-01-01"}, "Choose a day that is not over."),
    ],
)
def test_400_what_is_wrong_stands_beside_its_field(
    browser: Browser, issued: Issued, wrong: dict[str, Any], says: str
) -> None:
    page = change(browser, issued.key, rateLimit="33", **wrong)
    assert page.status == 400
    assert says in text_of(page)
    assert 'value="33"' in page.body.decode()
    assert Key.get_by_id(issued.key.id).rate_limit is None


def test_409_who_comes_second_is_told_and_may_save_once_more(
    world: World, browser: Browser, issued: Issued
) -> None:
    stale = form_of(issued.key, name="Of the second")
    world.change_key(issued.key, ip_whitelist=["192.0.2.1"])
    page = browser.post(path(issued.key), stale)
    assert page.status == 409
    assert "was changed elsewhere" in text_of(page)
    assert 'value="Of the second"' in page.body.decode()
    assert Key.get_by_id(issued.key.id).ip_whitelist == ["192.0.2.1"]
    revision = Key.get_by_id(issued.key.id).revision
    assert f'name="revision" value="{revision}"' in page.body.decode()
    assert browser.post(path(issued.key), {**stale, "revision": str(revision)}).status == 303


@pytest.mark.parametrize("revision", ["", "x", "٣", "9" * 40, "-1"])
def test_409_a_form_that_does_not_say_what_it_was_made_of(
    browser: Browser, issued: Issued, revision: str
) -> None:
    assert change(browser, issued.key, revision=revision).status == 409


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("field", ["name", "ipWhitelist", "rateLimit", "metadata", "expiresOn", "revision"])
def test_what_was_typed_comes_back_as_text(browser: Browser, issued: Issued, field: str, probe: str) -> None:
    page = change(browser, issued.key, **{"hourlyLimit": "wrong", field: probe})
    assert page.status == 400
    assert "<script>alert" not in page.body.decode()
    assert "<img src=x" not in page.body.decode()


def test_a_member_changes_own_keys_of_a_portal_and_an_admin_all(world: World, signed_in: SignedIn) -> None:
    admins, members = world.portal_key(world.admin).key, world.portal_key(world.member).key
    admin, member = signed_in(world.admin.account), signed_in(world.member.account)
    assert change(admin, members, name="By the admin").status == 303
    assert change(member, members, name="By the member").status == 303
    assert change(member, admins, name="Not by the member").status == 404
    assert Key.get_by_id(admins.id).name != "Not by the member"


def test_303_activate(world: World, browser: Browser, issued: Issued) -> None:
    world.change_key(issued.key, status="REVOKED")
    assert codes(world, issued.raw_key) == ["KEY_REVOKED"]
    assert browser.post(path(issued.key, "activate")).status == 303
    assert codes(world, issued.raw_key) == ["OK"]


def test_409_a_rotated_key_does_not_come_back(world: World, browser: Browser, issued: Issued) -> None:
    world.rotate(issued.key)
    world.change_key(issued.key, status="REVOKED")
    page = browser.post(path(issued.key, "activate"))
    assert page.status == 409
    assert "cannot be re-activated" in text_of(page)
    assert codes(world, issued.raw_key) == ["KEY_REVOKED"]


@pytest.mark.parametrize("deed", ["change", "activate"])
def test_404_keys_of_others_and_unknown_ones_alike(world: World, browser: Browser, deed: str) -> None:
    theirs = world.personal_key(world.stranger, name="Theirs").key
    elsewhere = world.portal_key(world.stranger, portal=world.other_portal).key
    answers = [
        browser.post(f"/dashboard/keys/{id}/{deed}", {"name": "Mine now"})
        for id in (theirs.id, elsewhere.id, UNKNOWN_ID, "x")
    ]
    assert {answer.status for answer in answers} == {404}
    assert len({text_of(answer) for answer in answers}) == 1
    if deed == "change":
        assert browser.get(path(theirs)).status == 404
    assert Key.get_by_id(theirs.id).name == "Theirs"


@pytest.mark.parametrize("status", ["SUSPENDED", "RESTRICTED"])
def test_403_accounts_that_may_change_nothing(
    world: World, tenant: Tenant, browser: Browser, issued: Issued, status: str
) -> None:
    token = {"csrf_token": browser.csrf_token()}
    world.change_account(tenant, status=status)
    page = browser.get(path(issued.key))
    assert page.status == 200
    assert "Save changes" not in text_of(page)
    assert change(browser, issued.key, **token).status == 403
    assert browser.post(path(issued.key, "activate"), token).status == 403
