"""The members of a portal: who sees them, who changes them, and what that does to keys."""

from __future__ import annotations

import pytest

from app.models import Audit, Event, Membership
from tests.api.world import UNKNOWN_ID, Answer, Tenant, World
from tests.dashboard.browser import PROBES, Browser
from tests.dashboard.conftest import SignedIn
from tests.dashboard.test_portals import path, text


@pytest.fixture
def admin(world: World, signed_in: SignedIn) -> Browser:
    return signed_in(world.admin.account)


def members(world: World) -> dict[str, str]:
    return {row.account_id: row.role for row in Membership.select().where(Membership.portal == world.portal)}


def page(browser: Browser, world: World) -> str:
    return text(browser.get(f"{path(world.portal)}/members"))


def add(browser: Browser, world: World, email: str, role: str = "MEMBER") -> Answer:
    return browser.post(f"{path(world.portal)}/members", {"email": email, "role": role})


def set_role(browser: Browser, world: World, tenant: Tenant, role: str) -> Answer:
    return browser.post(f"{path(world.portal)}/members/{tenant.account.id}/role", {"role": role})


def remove(browser: Browser, world: World, tenant: Tenant, confirm: str | None = None) -> Answer:
    typed = tenant.account.email if confirm is None else confirm
    return browser.post(f"{path(world.portal)}/members/{tenant.account.id}/remove", {"confirm": typed})


def test_every_member_sees_the_others_and_only_an_admin_the_controls(
    admin: Browser, world: World, signed_in: SignedIn
) -> None:
    pages = [page(browser, world) for browser in (admin, signed_in(world.member.account))]
    for shown in pages:
        assert world.admin.account.email in shown
        assert world.member.account.email in shown
    assert ["Add member" in shown for shown in pages] == [True, False]
    assert ["/role" in shown for shown in pages] == [True, False]


def test_members_are_searched_and_filtered(admin: Browser, world: World) -> None:
    email = world.member.account.email
    found = [
        email in text(admin.get(f"{path(world.portal)}/members?{query}")).partition("</search>")[2]
        for query in (f"search={email}", "search=nobody", "role=MEMBER", "role=ADMIN")
    ]
    assert found == [True, False, True, False]


def test_an_account_is_added_by_its_e_mail_and_told(admin: Browser, world: World) -> None:
    tenant = world.new_tenant()
    assert add(admin, world, f" {tenant.account.email.upper()} ").status == 303
    assert members(world)[tenant.account.id] == "MEMBER"
    row = Audit.select().where(Audit.action == "portal.member_set").order_by(Audit.seq.desc()).first()
    assert row is not None
    assert (row.actor_account_id, row.target_id) == (world.admin.account.id, world.portal.id)
    told = Event.get(Event.account == tenant.account, Event.type == "portal.member_set")
    assert told.by == "other"
    world.portal_key(tenant)


@pytest.mark.parametrize(
    ("email", "role", "reason"),
    [
        ("nobody@example.test", "MEMBER", "There is no account with this e-mail"),
        ("", "MEMBER", "There is no account with this e-mail"),
        ("{member}", "ADMIN", "is a member already"),
        ("{stranger}", "OWNER", "Must be one of ADMIN, MEMBER."),
    ],
)
def test_who_cannot_be_added_is_told_beside_the_field(
    admin: Browser, world: World, email: str, role: str, reason: str
) -> None:
    before = members(world)
    typed = email.format(member=world.member.account.email, stranger=world.stranger.account.email)
    refused = add(admin, world, typed, role)
    assert refused.status == 400
    assert reason in text(refused)
    assert f'value="{typed}"' in text(refused)
    assert members(world) == before


def test_a_role_is_changed_both_ways(admin: Browser, world: World, signed_in: SignedIn) -> None:
    assert set_role(admin, world, world.member, "ADMIN").status == 303
    promoted = signed_in(world.member.account)
    assert set_role(promoted, world, world.admin, "MEMBER").status == 303
    assert members(world) == {world.admin.account.id: "MEMBER", world.member.account.id: "ADMIN"}
    # What the page of the first still offers is refused now.
    assert set_role(admin, world, world.member, "MEMBER").status == 403


def test_a_role_is_one_of_two_and_of_members_only(admin: Browser, world: World) -> None:
    assert set_role(admin, world, world.member, "OWNER").status == 400
    assert set_role(admin, world, world.stranger, "MEMBER").status == 404
    assert set(members(world).values()) == {"ADMIN", "MEMBER"}


def test_a_removed_members_keys_are_refused_in_the_very_next_request(admin: Browser, world: World) -> None:
    key = world.portal_key(world.member).raw_key
    others = world.portal_key().raw_key
    assert world.call("GET", "/v1/me", key).status == 200
    asked = text(admin.get(f"{path(world.portal)}/members/{world.member.account.id}/remove"))
    assert "Its one working key of this portal stops at once" in asked
    assert remove(admin, world, world.member, "x").status == 400
    assert world.call("GET", "/v1/me", key).status == 200

    assert remove(admin, world, world.member).status == 303
    assert world.call("GET", "/v1/me", key).code == "NOT_PORTAL_MEMBER"
    assert world.call("GET", "/v1/me", others).status == 200

    assert add(admin, world, world.member.account.email).status == 303
    assert world.call("GET", "/v1/me", key).status == 200


def test_the_only_admin_stays(admin: Browser, world: World) -> None:
    assert "The only ADMIN stays" in page(admin, world)
    for refused in (set_role(admin, world, world.admin, "MEMBER"), remove(admin, world, world.admin)):
        assert refused.status == 400
        assert "make another member ADMIN first" in text(refused)
    assert members(world)[world.admin.account.id] == "ADMIN"


def test_an_admin_who_is_not_the_only_one_may_leave(admin: Browser, world: World) -> None:
    set_role(admin, world, world.member, "ADMIN")
    left = remove(admin, world, world.admin)
    assert left.headers["Location"].endswith("/dashboard/portals")
    assert world.admin.account.id not in members(world)
    assert admin.get(path(world.portal)).status == 404


def test_a_member_changes_nothing_and_others_find_nothing(world: World, signed_in: SignedIn) -> None:
    before = members(world)
    for tenant, status in ((world.member, 403), (world.stranger, 404)):
        browser = signed_in(tenant.account)
        assert add(browser, world, world.stranger.account.email).status == status
        assert set_role(browser, world, world.member, "ADMIN").status == status
        assert remove(browser, world, world.admin).status == status
        theirs = f"{path(world.portal)}/members/{world.member.account.id}/remove"
        assert browser.get(theirs).status == status
    assert signed_in(world.stranger.account).get(f"{path(world.portal)}/members").status == 404
    assert members(world) == before


@pytest.mark.parametrize("account_id", [UNKNOWN_ID, "nonsense"])
def test_who_is_no_member_can_be_no_subject(admin: Browser, world: World, account_id: str) -> None:
    for name in (account_id, world.stranger.account.id):
        assert admin.get(f"{path(world.portal)}/members/{name}/remove").status == 404


@pytest.mark.parametrize("status", ["RESTRICTED", "SUSPENDED"])
def test_an_account_that_may_not_change_anything_sees_the_members(
    admin: Browser, world: World, status: str
) -> None:
    world.change_account(world.admin, status=status)
    shown = page(admin, world)
    assert world.member.account.email in shown
    assert "Add member" not in shown
    assert add(admin, world, world.stranger.account.email).status == 403
    assert set_role(admin, world, world.member, "ADMIN").status == 403
    assert remove(admin, world, world.member).status == 403


@pytest.mark.parametrize("probe", PROBES)
def test_what_is_typed_is_shown_as_text(admin: Browser, world: World, probe: str) -> None:
    shown = [
        add(admin, world, probe, probe),
        remove(admin, world, world.member, probe),
        admin.get(f"{path(world.portal)}/members", query_string={"search": probe}),
    ]
    for one in shown:
        assert "<script>alert" not in text(one)
        assert "<img src=x" not in text(one)
        assert ">49<" not in text(one)
