"""An account links a portal and changes it: what was true before the webhook was called is judged again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.errors import ApiError
from app.ledger import Actor, SignedOut
from app.models import Account, Audit, Membership, Portal, Session
from tests.db.installation import CLI, Installation

DOMAIN = "company.bitrix24.com"
URL = f"https://{DOMAIN}/rest/1/s3cr3t/"

Meanwhile = Callable[[], object]


def asks(probed: list[Portal], meanwhile: Meanwhile = lambda: None) -> Callable[[Portal], None]:
    """A webhook that answers, while something else happens."""

    def probe(portal: Portal) -> None:
        probed.append(portal)
        meanwhile()

    return probe


def refused(code: str, do: Meanwhile) -> ApiError:
    rows = Audit.select().count()
    with pytest.raises(ApiError) as raised:
        do()
    assert raised.value.code == code
    assert Audit.select().count() == rows, "nothing was changed"
    return raised.value


@pytest.fixture
def account(installation: Installation) -> Account:
    return installation.account("ada@example.com")


@pytest.fixture
def actor(installation: Installation, account: Account) -> Actor:
    return installation.visitor(account)


def test_the_webhook_is_asked_before_there_is_a_portal(
    installation: Installation, account: Account, actor: Actor
) -> None:
    probed: list[Portal] = []
    there: list[int] = []
    probe = asks(probed, lambda: there.append(Portal.select().count()))
    revision = account.revision
    portal = installation.portals.link(actor, DOMAIN, URL, probe)

    assert there == [0]
    # Throttled by account: the portal has no id yet.
    assert (probed[0].id, probed[0].domain, probed[0].allow_private) == (account.id, DOMAIN, False)
    assert installation.portals.webhook_url(probed[0]) == URL.rstrip("/")
    assert installation.portals.webhook_url(Portal.get_by_id(portal.id)) == URL.rstrip("/")
    assert [(row.account_id, row.role) for row in Membership.select()] == [(account.id, "ADMIN")]
    assert Account.get_by_id(account.id).revision > revision


def test_of_two_who_link_a_domain_at_once_one_is_its_admin(installation: Installation, actor: Actor) -> None:
    other = installation.account("bob@example.com")
    rows = Audit.select().count()

    def meanwhile() -> None:
        installation.portals.link(installation.visitor(other), DOMAIN, URL, asks([]))

    with pytest.raises(ApiError) as raised:
        installation.portals.link(actor, DOMAIN, URL, asks([], meanwhile))
    assert "Ask an ADMIN of it" in str(raised.value.details)
    assert [(row.account_id, row.role) for row in Membership.select()] == [(other.id, "ADMIN")]
    made = [row.action for row in Audit.select().where(Audit.seq > rows).order_by(Audit.seq)]
    assert made[-2:] == ["portal.created", "portal.member_set"]


@pytest.mark.parametrize("early", [True, False])
def test_who_is_suspended_links_nothing_and_has_nothing_called(
    installation: Installation, account: Account, actor: Actor, early: bool
) -> None:
    def suspend() -> None:
        installation.accounts.update(CLI, account.id, status="SUSPENDED")

    probed: list[Portal] = []
    if early:
        suspend()
    with pytest.raises(ApiError) as raised:
        installation.portals.link(actor, DOMAIN, URL, asks(probed, suspend))
    assert raised.value.code == "ACCOUNT_SUSPENDED"
    assert bool(probed) is not early
    assert not Portal.select().exists()


def test_who_signs_out_meanwhile_links_nothing(installation: Installation, actor: Actor) -> None:
    def sign_out() -> None:
        Session.delete().execute()

    with pytest.raises(SignedOut):
        installation.portals.link(actor, DOMAIN, URL, asks([], sign_out))
    assert not Portal.select().exists()


def test_who_is_no_admin_any_more_replaces_no_webhook(
    installation: Installation, account: Account, actor: Actor
) -> None:
    portal = installation.portals.link(actor, DOMAIN, URL, asks([]))
    sealed = Portal.get_by_id(portal.id).webhook_url_sealed

    def demote() -> None:
        installation.portals.set_member(CLI, portal.id, account.id, "MEMBER")

    with pytest.raises(ApiError) as raised:
        installation.portals.replace_webhook(actor, portal.id, f"{URL}", asks([], demote))
    assert raised.value.code == "NOT_PORTAL_MEMBER"
    assert Portal.get_by_id(portal.id).webhook_url_sealed == sealed
    probed: list[Portal] = []
    again = asks(probed)
    refused("NOT_PORTAL_MEMBER", lambda: installation.portals.replace_webhook(actor, portal.id, URL, again))
    assert probed == []


def test_an_unlinked_portals_new_webhook_is_called_and_it_stays_unlinked(
    installation: Installation, actor: Actor
) -> None:
    portal = installation.portals.link(actor, DOMAIN, URL, asks([]))
    installation.portals.update(CLI, portal.id, linked=False)
    probed: list[Portal] = []
    installation.portals.replace_webhook(actor, portal.id, URL, asks(probed))
    assert [(one.id, one.linked) for one in probed] == [(portal.id, True)]
    assert Portal.get_by_id(portal.id).linked is False


def test_only_an_admin_changes_a_portal_and_its_members(
    installation: Installation, account: Account, actor: Actor
) -> None:
    portals, portal = installation.portals, installation.portal()
    other = installation.account("bob@example.com")
    deeds: list[Meanwhile] = [
        lambda: portals.update(actor, portal.id, status="INACTIVE"),
        lambda: portals.update(actor, portal.id, webhook_url=None),
        lambda: portals.set_member(actor, portal.id, account.id, "ADMIN"),
        lambda: portals.add_member(actor, portal.id, other.email, "MEMBER"),
        lambda: portals.change_role(actor, portal.id, account.id, "ADMIN"),
        lambda: portals.remove_member(actor, portal.id, account.id),
    ]
    for deed in deeds:
        refused("ENTITY_NOT_FOUND", deed)
    portals.set_member(CLI, portal.id, account.id, "MEMBER")
    for deed in deeds:
        refused("NOT_PORTAL_MEMBER", deed)


def test_an_account_leaves_a_portal_with_an_admin_and_the_command_line_need_not(
    installation: Installation, account: Account, actor: Actor
) -> None:
    portals, portal = installation.portals, installation.portal(account)
    other = installation.account("bob@example.com")
    portals.set_member(CLI, portal.id, account.id, "ADMIN")
    portals.set_member(CLI, portal.id, other.id, "MEMBER")
    refused("VALIDATION_ERROR", lambda: portals.change_role(actor, portal.id, account.id, "MEMBER"))
    refused("VALIDATION_ERROR", lambda: portals.remove_member(actor, portal.id, account.id))
    portals.change_role(actor, portal.id, account.id, "ADMIN")
    portals.change_role(actor, portal.id, other.id, "ADMIN")
    portals.remove_member(actor, portal.id, account.id)
    portals.remove_member(CLI, portal.id, other.id)
    assert not Membership.select().where(Membership.portal == portal).exists()
