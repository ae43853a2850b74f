"""Portals: the list, linking one, and a portal's own page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.bitrix.throttle import CALLS_AT_ONCE
from app.ledger import Actor
from app.models import Audit, Membership, Portal
from tests.api.world import UNKNOWN_ID, Answer, World
from tests.dashboard.bitrix24 import Bitrix24, bitrix24
from tests.dashboard.browser import PROBES, Browser
from tests.dashboard.conftest import SignedIn


@pytest.fixture
def upstream(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bitrix24]:
    with bitrix24(world.services, tmp_path, monkeypatch) as running:
        yield running


@pytest.fixture
def admin(world: World, signed_in: SignedIn) -> Browser:
    return signed_in(world.admin.account)


@pytest.fixture
def member(world: World, signed_in: SignedIn) -> Browser:
    return signed_in(world.member.account)


def link(browser: Browser, upstream: Bitrix24, **fields: str) -> Answer:
    form = {"domain": upstream.domain, "webhookUrl": upstream.webhook_url, **fields}
    return browser.post("/dashboard/portals/new", form)


def text(page: Answer) -> str:
    return page.body.decode()


def path(portal: Portal) -> str:
    return f"/dashboard/portals/{portal.id}"


def test_the_list_has_the_visitors_portals_and_no_others(admin: Browser, world: World) -> None:
    world.portal_key()
    page = text(admin.get("/dashboard/portals"))
    assert world.portal.domain in page
    assert '<td class="number">1</td>' in page
    assert world.other_portal.domain not in page


def test_the_list_is_searched_and_filtered(admin: Browser, world: World) -> None:
    world.change_portal(world.portal, status="INACTIVE")
    here = [
        world.portal.domain in text(admin.get(f"/dashboard/portals?{query}")).partition("</search>")[2]
        for query in (f"search={world.portal.domain}", "search=elsewhere", "status=INACTIVE", "status=ACTIVE")
    ]
    assert here == [True, False, True, False]


def test_who_has_no_portal_is_told_how_to_get_one(world: World, signed_in: SignedIn) -> None:
    page = text(signed_in(world.new_tenant().account).get("/dashboard/portals"))
    assert "You are a member of no portal yet." in page


def test_who_links_a_portal_is_its_admin(world: World, signed_in: SignedIn, upstream: Bitrix24) -> None:
    tenant = world.new_tenant()
    browser = signed_in(tenant.account)
    answer = link(browser, upstream, domain=f" {upstream.domain.upper()} ")

    assert answer.status == 303, text(answer)
    assert upstream.methods == ["profile", "scope"]
    portal = Portal.get(Portal.domain == upstream.domain)
    assert (portal.status, portal.linked, portal.allow_private) == ("ACTIVE", True, False)
    own = Membership.get(Membership.portal == portal)
    assert (own.account_id, own.role) == (tenant.account.id, "ADMIN")
    assert answer.headers["Location"].endswith(path(portal))
    made = Audit.select().where(Audit.target_id == portal.id).order_by(Audit.seq)
    assert [(row.action, row.actor_account_id) for row in made] == [
        ("portal.created", tenant.account.id),
        ("portal.member_set", tenant.account.id),
    ]


def test_a_key_of_a_portal_that_was_just_linked_works(
    world: World, signed_in: SignedIn, upstream: Bitrix24
) -> None:
    tenant = world.new_tenant()
    assert link(signed_in(tenant.account), upstream).status == 303
    portal = Portal.get(Portal.domain == upstream.domain)
    key = world.portal_key(tenant, portal=portal).raw_key
    assert world.call("GET", "/v1/deals?limit=1", key).status == 200


def test_of_a_webhook_only_host_and_user_are_shown(
    world: World, signed_in: SignedIn, upstream: Bitrix24, capfd: pytest.CaptureFixture[str]
) -> None:
    browser = signed_in(world.new_tenant().account)
    page = text(browser.get(link(browser, upstream).headers["Location"]))
    assert f"{upstream.webhook_url.rpartition(upstream.secret)[0]}***" in page
    assert upstream.secret not in page
    assert upstream.secret not in "".join(capfd.readouterr())


@pytest.mark.parametrize("fault", ["refuse", "not_json", "redirect"])
def test_a_webhook_that_does_not_answer_is_told_beside_its_url_and_nothing_is_kept(
    admin: Browser, world: World, upstream: Bitrix24, fault: Any
) -> None:
    upstream.sandbox.faults.add(fault, method="scope", times=2)
    before = world.service.rows()
    refused = link(admin, upstream)
    assert refused.status == 400
    assert 'id="webhookUrl-wrong"' in text(refused)
    assert f'value="{upstream.domain}"' in text(refused)
    assert world.service.rows() == before


def test_a_webhook_that_bitrix_does_not_know_is_refused(
    admin: Browser, world: World, upstream: Bitrix24
) -> None:
    refused = link(admin, upstream, webhookUrl=f"{upstream.webhook_url.rstrip('/')}x")
    assert refused.status == 400
    assert "Bitrix24 does not know the portal" in text(refused)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://{domain}/rest/1/secret/",
        "https://elsewhere.example/rest/1/secret/",
        "https://127.0.0.1/rest/1/secret/",
        "https://{domain}/rest/1/secret/profile.json",
    ],
)
def test_a_webhook_elsewhere_is_not_called(admin: Browser, upstream: Bitrix24, url: str) -> None:
    refused = link(admin, upstream, webhookUrl=url.format(domain=upstream.domain))
    assert refused.status == 400
    assert 'id="webhookUrl-wrong"' in text(refused)
    assert upstream.methods == []


@pytest.mark.parametrize("domain", ["localhost", "127.0.0.1", "bitrix.internal", "8.8.8.8"])
def test_no_leave_for_private_addresses_is_given_here(admin: Browser, domain: str) -> None:
    form = {"domain": domain, "webhookUrl": f"https://{domain}/rest/1/secret/"}
    assert admin.post("/dashboard/portals/new", form).status == 400
    assert not Portal.select().where(Portal.domain == domain).exists()


def test_that_a_portal_is_there_is_told_only_to_who_has_a_webhook_of_it(
    admin: Browser, world: World, upstream: Bitrix24
) -> None:
    taken = "There is a portal with this domain already. Ask an ADMIN of it for membership."
    world.services.portals.create(Actor("cli"), upstream.domain)
    guessed = link(admin, upstream, webhookUrl=f"{upstream.webhook_url.rstrip('/')}x")
    assert (guessed.status, taken in text(guessed)) == (400, False)
    known = link(admin, upstream)
    assert (known.status, taken in text(known)) == (400, True)
    assert not Membership.select().join(Portal).where(Portal.domain == upstream.domain).exists()


def test_webhooks_that_one_account_tries_are_throttled_together(
    admin: Browser, world: World, upstream: Bitrix24
) -> None:
    throttle = world.services.portal_calls._throttle
    for _ in range(CALLS_AT_ONCE + 6):
        throttle.take(world.admin.account.id, 10.0)
    refused = link(admin, upstream)
    assert refused.status == 429
    assert "takes no more calls at this moment" in text(refused)


@pytest.mark.parametrize("status", ["RESTRICTED", "SUSPENDED"])
def test_an_account_that_may_not_change_anything_has_no_webhook_called(
    admin: Browser, world: World, upstream: Bitrix24, status: str
) -> None:
    world.change_account(world.admin, status=status)
    assert "Link a portal</a>" not in text(admin.get("/dashboard/portals"))
    assert "<form" not in text(admin.get("/dashboard/portals/new")).partition("<main")[2]
    page = text(admin.get(path(world.portal)))
    assert "Set inactive" not in page
    assert "New key" not in page
    assert link(admin, upstream).status == 403
    replaced = admin.post(f"{path(world.portal)}/webhook", {"webhookUrl": upstream.webhook_url})
    assert replaced.status == 403
    assert upstream.methods == []
    fields = {"confirm": world.portal.domain}
    assert admin.post(f"{path(world.portal)}/deactivate", fields).status == 403


def test_an_admin_sees_all_keys_with_their_owners_and_a_member_its_own(
    admin: Browser, member: Browser, world: World
) -> None:
    world.portal_key(name="of the admin")
    world.portal_key(world.member, name="of the member")
    world.portal_key(world.stranger, portal=world.other_portal, name="of another portal")
    pages = [text(browser.get(path(world.portal))) for browser in (admin, member)]
    assert ["of the admin" in page for page in pages] == [True, False]
    assert ["of the member" in page for page in pages] == [True, True]
    assert not any("of another portal" in page for page in pages)
    assert world.member.account.email in pages[0]
    assert f"{path(world.portal)}/keys/new" in pages[0]


def test_the_keys_alone_are_what_htmx_asks_for(admin: Browser, world: World) -> None:
    world.portal_key(name="till")
    headers = {"HX-Request": "true", "HX-Request-Type": "partial"}
    part = text(admin.get(f"{path(world.portal)}?search=till", headers=headers))
    assert "till" in part
    assert "<html" not in part


def test_another_webhook_is_called_before_it_is_used(
    admin: Browser, world: World, upstream: Bitrix24
) -> None:
    world.change_portal(world.portal, domain=upstream.domain)
    assert "None: keys reach nothing" in text(admin.get(path(world.portal)))
    bad = {"webhookUrl": f"{upstream.webhook_url.rstrip('/')}x"}
    assert admin.post(f"{path(world.portal)}/webhook", bad).status == 400
    assert Portal.get_by_id(world.portal.id).webhook_url_sealed is None

    good = {"webhookUrl": upstream.webhook_url}
    assert admin.post(f"{path(world.portal)}/webhook", good).status == 303
    saved = Portal.get_by_id(world.portal.id)
    assert world.services.portals.webhook_url(saved) == upstream.webhook_url.rstrip("/")

    remove = f"{path(world.portal)}/webhook/remove"
    assert admin.post(remove, {"confirm": "x"}).status == 400
    assert admin.post(remove, {"confirm": upstream.domain}).status == 303
    assert Portal.get_by_id(world.portal.id).webhook_url_sealed is None


def test_a_webhook_whose_secret_is_lost_has_to_be_given_again(admin: Browser, world: World) -> None:
    Portal.update(webhook_url_sealed=b"sealed elsewhere").where(Portal.id == world.portal.id).execute()
    page = admin.get(path(world.portal))
    assert page.status == 200
    assert "has to be given again" in text(page)


def test_inactive_stops_the_portals_keys_at_once_and_active_starts_them(admin: Browser, world: World) -> None:
    key = world.portal_key(world.member).raw_key
    assert world.call("GET", "/v1/me", key).status == 200
    assert "are refused from this moment on" in text(admin.get(f"{path(world.portal)}/deactivate"))
    assert admin.post(f"{path(world.portal)}/deactivate", {"confirm": "x"}).status == 400
    assert world.call("GET", "/v1/me", key).status == 200

    assert admin.post(f"{path(world.portal)}/deactivate", {"confirm": world.portal.domain}).status == 303
    assert world.call("GET", "/v1/me", key).code == "PORTAL_INACTIVE"
    assert "This portal is inactive." in text(admin.get(path(world.portal)))

    assert admin.post(f"{path(world.portal)}/activate").status == 303
    assert world.call("GET", "/v1/me", key).status == 200


def test_an_unlinked_portal_says_so(admin: Browser, world: World) -> None:
    world.change_portal(world.portal, linked=False)
    page = text(admin.get(path(world.portal)))
    assert "This portal is unlinked." in page
    assert "New key" not in page


CHANGES: list[tuple[str, dict[str, str]]] = [
    ("webhook", {"webhookUrl": "https://x.example/rest/1/s/"}),
    ("webhook/remove", {"confirm": "{domain}"}),
    ("deactivate", {"confirm": "{domain}"}),
    ("activate", {}),
]


@pytest.mark.parametrize(("deed", "fields"), CHANGES)
def test_a_member_changes_nothing_and_others_find_nothing(
    member: Browser, world: World, signed_in: SignedIn, deed: str, fields: dict[str, str]
) -> None:
    form = {name: value.format(domain=world.portal.domain) for name, value in fields.items()}
    before = world.service.rows()
    assert member.post(f"{path(world.portal)}/{deed}", form).status == 403
    stranger = signed_in(world.stranger.account)
    asked = world.service.rows()
    assert stranger.post(f"{path(world.portal)}/{deed}", form).status == 404
    assert stranger.post(f"/dashboard/portals/{UNKNOWN_ID}/{deed}", form).status == 404
    assert asked["Portal"] == before["Portal"]
    assert world.service.rows() == asked
    if deed != "activate":
        assert member.get(f"{path(world.portal)}/{deed}").status == 403
        assert stranger.get(f"{path(world.portal)}/{deed}").status == 404


@pytest.mark.parametrize("id", [UNKNOWN_ID, "nonsense", "%00"])
def test_others_portals_are_not_told_from_unknown_ones(world: World, signed_in: SignedIn, id: str) -> None:
    stranger = signed_in(world.stranger.account)
    theirs, unknown = stranger.get(path(world.portal)), stranger.get(f"/dashboard/portals/{id}")
    assert theirs.status == unknown.status == 404
    assert world.portal.domain not in text(theirs)


def test_what_a_member_may_do_is_all_that_it_is_shown(member: Browser, world: World) -> None:
    page = text(member.get(path(world.portal)))
    assert "Your keys" in page
    assert not any(word in page for word in ("Set inactive", "webhook/remove", ">Replace<", ">Add one<"))


@pytest.mark.parametrize("probe", PROBES)
def test_what_is_typed_is_shown_as_text(admin: Browser, world: World, probe: str) -> None:
    world.portal_key(name=probe)
    pages = [
        admin.post("/dashboard/portals/new", {"domain": probe, "webhookUrl": probe}),
        admin.post(f"{path(world.portal)}/webhook", {"webhookUrl": probe}),
        admin.post(f"{path(world.portal)}/deactivate", {"confirm": probe}),
        admin.get("/dashboard/portals", query_string={"search": probe}),
        admin.get(path(world.portal)),
        admin.get(path(world.portal), query_string={"search": probe}),
    ]
    assert [page.status for page in pages] == [400, 400, 400, 200, 200, 200]
    for page in pages:
        assert "<script>alert" not in text(page)
        assert "<img src=x" not in text(page)
        assert ">49<" not in text(page)
