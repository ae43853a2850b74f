"""New keys: the forms, what is refused beside its field, and the one page that shows the raw key."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app.dashboard.openings import PORTAL_GROUPS
from app.models import Audit, Key
from app.scopes import INTEGRATIONS, MANAGEMENT_SCOPES, PORTAL_SCOPES
from tests.api.upstream import webhook
from tests.api.world import UNKNOWN_ID, Tenant, World
from tests.dashboard.browser import ADDRESS, PROBES, Browser
from tests.dashboard.conftest import SignedIn
from tests.dashboard.pages_of_keys import NEW, codes, key_named, raw_key_in, text_of

KEYS, MANAGEMENT = "/dashboard/keys/new", "/dashboard/management-keys/new"
DAY = 86_400


@pytest.fixture
def tenant(world: World) -> Tenant:
    return world.admin


def of_portal(world: World) -> str:
    return f"/dashboard/portals/{world.portal.id}/keys/new"


def portal_key(**fields: Any) -> dict[str, Any]:
    return {"name": "Export", "scopes": ["crm", "task"], "expiresAt": "never", **fields}


def test_the_forms_say_what_is_offered_and_what_it_means(world: World, browser: Browser) -> None:
    personal, management, portal = (text_of(browser.get(p)) for p in (KEYS, MANAGEMENT, of_portal(world)))
    assert "AI Tools " + INTEGRATIONS["ai_tools"] in personal
    assert "CLI " + INTEGRATIONS["cli"] in personal
    assert "MCP" not in personal
    assert "vibe:mgmt:keys " + MANAGEMENT_SCOPES["vibe:mgmt:keys"] in management
    assert "vibe:mgmt:feedback" not in management
    for scope, meaning in PORTAL_SCOPES.items():
        assert f"{scope} {meaning}" in portal
    assert world.portal.domain in portal


def test_every_scope_of_portal_keys_is_in_one_group() -> None:
    grouped = [scope for scopes in PORTAL_GROUPS.values() for scope in scopes]
    assert sorted(grouped) == sorted(PORTAL_SCOPES)


def test_201_the_raw_key_works_at_once_and_is_shown_once(
    world: World, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    page = browser.post(KEYS, NEW)
    raw_key = raw_key_in(page)
    assert page.status == 201
    assert page.headers["Cache-Control"] == "no-store"
    assert codes(world, raw_key) == ["OK"]
    text = text_of(page)
    command = f'curl -H "Authorization: Bearer {raw_key}" \\ https://keys.example.test/api/v1/account'
    assert command in text
    for advice in ("password manager", "environment variable", "Never commit it", "I have saved it"):
        assert advice in text
    assert "data-unsaved" in page.body.decode()
    for elsewhere in ("/dashboard/keys", "/dashboard"):
        assert raw_key not in browser.get(elsewhere).body.decode()
    assert raw_key not in browser.cookie
    out, err = capsys.readouterr()
    assert raw_key not in out + err


def test_201_every_field_is_taken(world: World, tenant: Tenant, browser: Browser) -> None:
    form = {
        "name": "Everything",
        "integrations": ["ai_tools", "cli"],
        "ipWhitelist": "10.1.2.3/8\r\n2001:DB8::1, 203.0.113.7\r\n\r\n",
        "rateLimit": "5",
        "hourlyLimit": " 100 ",
        "expiresAt": "on",
        "expiresOn": "2031-01-31",
    }
    assert browser.post(KEYS, form).status == 201
    key = key_named("Everything")
    assert (key.type, key.owner_id, key.integrations) == ("personal", tenant.account.id, ["ai_tools", "cli"])
    assert key.ip_whitelist == ["10.0.0.0/8", "2001:db8::1", "203.0.113.7"]
    assert (key.rate_limit, key.hourly_limit) == (5, 100)
    assert key.expires_at == 1_927_670_399_999  # 2031-01-31T23:59:59.999Z
    row = Audit.select().where(Audit.target_id == key.id).get()
    assert (row.action, row.actor_kind, row.actor_account_id) == ("key.issued", "account", tenant.account.id)
    assert row.address == ADDRESS


@pytest.mark.parametrize(("told", "days"), [("never", None), ("30", 30), ("90", 90), ("365", 365)])
def test_201_with_the_expiry_that_was_chosen(
    world: World, browser: Browser, told: str, days: int | None
) -> None:
    browser.post(KEYS, {**NEW, "name": f"for {told} {world.portal.id}", "expiresAt": told})
    expected = None if days is None else int((world.service.clock.now + days * DAY) * 1000)
    assert key_named(f"for {told} {world.portal.id}").expires_at == expected


@pytest.mark.parametrize(
    ("wrong", "field", "says"),
    [
        ({"name": ""}, "name", "Must be 1 to 255 characters."),
        ({"name": "vxk_" + "0" * 64}, "name", "Must not hold a raw key."),
        ({"integrations": []}, "integrations", "Choose at least one."),
        ({"integrations": ["cli", "mcp_server"]}, "integrations", "not an integration that is granted"),
        ({"ipWhitelist": "10.0.0.1\n300.1.1.1\n10.0.0.1/33"}, "ipWhitelist", "2 of the entries are wrong"),
        ({"ipWhitelist": "one\n"}, "ipWhitelist", "1 of the entries is wrong"),
        ({"ipWhitelist": "10.0.0.1\n" * 1_001}, "ipWhitelist", "0 to 1000"),
        ({"rateLimit": "0"}, "rateLimit", "Must be 1 to 1000000000."),
        ({"rateLimit": "five"}, "rateLimit", "Not an integer."),
        ({"hourlyLimit": "1.5"}, "hourlyLimit", "Not an integer."),
        ({"expiresAt": "on", "expiresOn": "2020-01-01"}, "expiresAt", "Choose a day that is not over."),
        ({"expiresAt": "on", "expiresOn": "soon"}, "expiresAt", "Choose a day that is not over."),
        ({"expiresAt": "on"}, "expiresAt", "Choose a day that is not over."),
        ({"expiresAt": "tomorrow"}, "expiresAt", "Not an ISO-8601 time."),
    ],
)
def test_400_what_is_wrong_stands_beside_its_field_and_the_rest_stays(
    browser: Browser, tenant: Tenant, wrong: dict[str, Any], field: str, says: str
) -> None:
    before = Key.select().where(Key.owner == tenant.account).count()
    form = {**NEW, "name": "Kept as typed", "ipWhitelist": "192.0.2.0/24", "hourlyLimit": "77", **wrong}
    page = browser.post(KEYS, form)
    assert page.status == 400
    markup, text = page.body.decode(), text_of(page)
    assert f'id="{field}-wrong"' in markup
    assert f'<a href="#{field}">' in markup
    assert says in text
    assert 'aria-invalid="true" autofocus' in markup
    for name, value in form.items():
        if name not in ("integrations", "expiresAt", *wrong):
            assert str(value) in markup
    assert Key.select().where(Key.owner == tenant.account).count() == before


def test_errors_are_told_in_the_order_of_the_fields(browser: Browser) -> None:
    fields = ("name", "integrations", "ipWhitelist", "rateLimit", "hourlyLimit", "expiresAt")
    page = browser.post(KEYS, {field: "" if field == "name" else "x" for field in fields})
    assert tuple(re.findall(r'<li><a href="#(\w+)">', page.body.decode())) == fields


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize(
    "field", ["name", "ipWhitelist", "rateLimit", "hourlyLimit", "expiresOn", "expiresAt", "integrations"]
)
def test_what_was_typed_comes_back_as_text(browser: Browser, field: str, probe: str) -> None:
    page = browser.post(KEYS, {**NEW, "rateLimit": "wrong", field: probe})
    assert page.status == 400
    assert "<script>alert" not in page.body.decode()
    assert "<img src=x" not in page.body.decode()
    assert all(seven_times_seven not in page.body.decode() for seven_times_seven in (">49<", '"49"'))


def test_a_name_is_shown_as_text_beside_the_raw_key(browser: Browser) -> None:
    page = browser.post(KEYS, {**NEW, "name": PROBES[0]})
    assert page.status == 201
    assert PROBES[0] in text_of(page)
    assert PROBES[0] not in page.body.decode()


def test_201_management_keys_of_ones_own(world: World, tenant: Tenant, browser: Browser) -> None:
    page = browser.post(MANAGEMENT, {"name": "Robot", "scopes": ["vibe:mgmt:keys"], "expiresAt": "never"})
    raw_key = raw_key_in(page)
    assert page.status == 201
    assert f'curl -H "X-Api-Key: {raw_key}" \\ https://keys.example.test/v1/me' in text_of(page)
    query = f"/v1/keys?portalId={world.portal.id}"
    assert world.service.call("GET", query, raw_key).status == 200
    assert key_named("Robot").owner_id == tenant.account.id


def test_only_operators_grant_the_sight_of_all_feedback(browser: Browser, operator: Browser) -> None:
    form = {"name": "Desk", "scopes": ["vibe:mgmt:feedback"], "expiresAt": "never"}
    refused = browser.post(MANAGEMENT, form)
    assert refused.status == 400
    assert "granted by an operator only" in text_of(refused)
    assert "vibe:mgmt:feedback" in text_of(operator.get(MANAGEMENT))
    assert operator.post(MANAGEMENT, form).status == 201


def test_201_a_member_makes_keys_of_the_portal(world: World, signed_in: SignedIn) -> None:
    page = signed_in(world.member.account).post(of_portal(world), portal_key(name="Members own"))
    assert page.status == 201
    assert codes(world, raw_key_in(page)) == ["OK"]
    key = key_named("Members own")
    assert (key.type, key.portal_id, key.scopes) == ("api", world.portal.id, ["crm", "task"])
    assert key.owner_id == world.member.account.id


def test_201_the_portals_webhook_is_probed(world: World, browser: Browser) -> None:
    with webhook() as upstream:
        world.change_portal(world.portal, webhook_url=upstream.url)
        assert browser.post(of_portal(world), portal_key()).status == 201
    assert len(upstream.calls) == 2


def test_502_the_webhook_refuses_and_the_form_says_so(world: World, browser: Browser) -> None:
    with webhook(status=401) as upstream:
        world.change_portal(world.portal, webhook_url=upstream.url)
        page = browser.post(of_portal(world), portal_key(name="Never made"))
    assert page.status == 502
    assert 'role="alert"' in page.body.decode()
    assert 'value="Never made"' in page.body.decode()
    assert b"planted-webhook-secret" not in page.body
    assert not Key.select().where(Key.name == "Never made").exists()


def test_400_a_portal_that_is_not_linked(world: World, browser: Browser) -> None:
    world.change_portal(world.portal, linked=False)
    page = browser.post(of_portal(world), portal_key())
    assert page.status == 400
    assert "not linked to Bitrix24" in text_of(page)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_404_portals_of_others_and_unknown_ones_alike(world: World, browser: Browser, method: str) -> None:
    paths = [f"/dashboard/portals/{id}/keys/new" for id in (world.other_portal.id, UNKNOWN_ID, "x")]
    for path in paths:
        answer = browser.get(path) if method == "GET" else browser.post(path, portal_key())
        assert answer.status == 404
        assert "There is no such page" in text_of(answer)


@pytest.mark.parametrize(("status", "says"), [("SUSPENDED", "suspended"), ("RESTRICTED", "restricted")])
def test_403_accounts_that_may_change_nothing(
    world: World, tenant: Tenant, browser: Browser, status: str, says: str
) -> None:
    token = {"csrf_token": browser.csrf_token()}
    world.change_account(tenant, status=status)
    assert "<textarea" not in browser.get(KEYS).body.decode()
    page = browser.post(KEYS, {**NEW, **token})
    assert page.status == 403
    assert says in text_of(page)
    assert "vxk_" not in page.body.decode()


@pytest.mark.parametrize("path", [KEYS, MANAGEMENT])
def test_403_without_the_token(browser: Browser, path: str) -> None:
    assert browser.open("POST", path, data=NEW).status == 403
