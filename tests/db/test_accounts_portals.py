"""Accounts, portals and members: what is taken, what is refused, whose revision it raises."""

from __future__ import annotations

from typing import Any

import pytest
from argon2 import PasswordHasher

from app.errors import ApiError
from app.models import Account, Audit, Membership, Portal, Unpublished
from app.secrets import Secrets
from tests.db.installation import CLI, Installation

WEBHOOK = "https://company.bitrix24.com/rest/1/s3cr3t"


def _refused_field(refused: pytest.ExceptionInfo[ApiError]) -> str:
    assert refused.value.code == "VALIDATION_ERROR"
    return next(iter(refused.value.details or ()))


def test_an_account_is_found_in_whatever_case(installation: Installation) -> None:
    account = installation.account(" Owner@Example.COM ")
    assert account.email == "owner@example.com"
    with pytest.raises(ApiError) as refused:
        installation.account("OWNER@example.com")
    assert _refused_field(refused) == "email"


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({"tier": "free"}, None),
        ({"tier": "pro", "hourly_limit": None}, None),
        ({"tier": "enterprise", "hourly_limit": None}, None),
        ({"tier": "enterprise", "hourly_limit": 5}, 5),
    ],
)
def test_limits_that_fit_the_tier(
    installation: Installation, fields: dict[str, Any], limit: int | None
) -> None:
    assert installation.account(**fields).hourly_limit == limit


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"tier": "enterprise"}, "hourlyLimit"),
        ({"tier": "enterprise", "hourly_limit": 0}, "hourlyLimit"),
        ({"tier": "enterprise", "hourly_limit": 1_000_000_001}, "hourlyLimit"),
        ({"tier": "pro", "hourly_limit": 5}, "hourlyLimit"),
        ({"tier": "gold"}, "tier"),
        ({"status": "GONE"}, "status"),
        ({"password": "short"}, "password"),
        ({"password": "x" * 1_025}, "password"),
        ({"email": "nobody"}, "email"),
        ({"email": "@example.com"}, "email"),
        ({"email": "a b@example.com"}, "email"),
        ({"email": "a\x00@example.com"}, "email"),
        ({"email": "a@b@example.com"}, "email"),
        ({"email": "a@FAß.example"}, "email"),
        ({"email": f"{'a' * 250}@example.com"}, "email"),
    ],
)
def test_accounts_that_do_not_make_sense_are_refused(
    installation: Installation, fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(ApiError) as refused:
        installation.account(**fields)
    assert _refused_field(refused) == field
    assert not Account.select().exists()


@pytest.mark.parametrize(
    ("before", "change", "expected"),
    [
        ({"tier": "free"}, {"tier": "pro"}, ("pro", None)),
        ({"tier": "free"}, {"tier": "enterprise", "hourly_limit": 9}, ("enterprise", 9)),
        ({"tier": "free"}, {"tier": "enterprise", "hourly_limit": None}, ("enterprise", None)),
        ({"tier": "free"}, {"tier": "enterprise"}, "hourlyLimit"),
        ({"tier": "free"}, {"hourly_limit": 9}, "hourlyLimit"),
        ({"tier": "enterprise", "hourly_limit": 9}, {"status": "RESTRICTED"}, ("enterprise", 9)),
        ({"tier": "enterprise", "hourly_limit": 9}, {"tier": "enterprise"}, ("enterprise", 9)),
        ({"tier": "enterprise", "hourly_limit": 9}, {"hourly_limit": 8}, ("enterprise", 8)),
        ({"tier": "enterprise", "hourly_limit": 9}, {"tier": "pro"}, ("pro", None)),
        ({"tier": "enterprise", "hourly_limit": 9}, {"tier": "pro", "hourly_limit": 9}, "hourlyLimit"),
    ],
)
def test_how_tier_and_limit_change_together(
    installation: Installation, before: dict[str, Any], change: dict[str, Any], expected: object
) -> None:
    account = installation.account(**before)
    if isinstance(expected, str):
        with pytest.raises(ApiError) as refused:
            installation.accounts.update(CLI, account.id, **change)
        assert _refused_field(refused) == expected
        return
    installation.accounts.update(CLI, account.id, **change)
    saved = Account.get_by_id(account.id)
    assert (saved.tier, saved.hourly_limit) == expected
    told = (account.tier, account.hourly_limit, account.status) != (
        saved.tier,
        saved.hourly_limit,
        saved.status,
    )
    assert (saved.revision > account.revision) == told


def test_an_update_that_changes_nothing_leaves_no_trace(installation: Installation) -> None:
    account = installation.account()
    assert (
        installation.accounts.update(CLI, account.id, tier="free", operator=False).revision
        == account.revision
    )
    assert Audit.select().count() == 1


def test_an_account_whose_address_would_not_be_taken_today_can_still_be_suspended(
    installation: Installation,
) -> None:
    account = installation.account()
    Account.update(email="a@faß.example").execute()
    assert installation.accounts.update(CLI, account.id, status="SUSPENDED").status == "SUSPENDED"


def test_passwords_are_kept_as_argon2_hashes(installation: Installation) -> None:
    account = installation.account(password="correct horse")
    installation.accounts.update(CLI, account.id, password="battery staple")
    kept = Account.get_by_id(account.id).password_hash
    assert kept is not None
    assert PasswordHasher().verify(kept, "battery staple")
    assert ",p=1$" in kept  # checked on one core
    assert installation.account("other@example.com").password_hash is None


@pytest.mark.parametrize("account_id", ["", "nonsense"])
def test_an_unknown_account_is_not_found(installation: Installation, account_id: str) -> None:
    with pytest.raises(ApiError) as refused:
        installation.accounts.update(CLI, account_id, tier="pro")
    assert refused.value.code == "ENTITY_NOT_FOUND"


@pytest.mark.parametrize("domain", ["Company.Bitrix24.COM", " company.bitrix24.com. "])
def test_a_domain_is_taken_once_in_whatever_form(installation: Installation, domain: str) -> None:
    assert installation.portals.create(CLI, domain).domain == "company.bitrix24.com"
    with pytest.raises(ApiError) as refused:
        installation.portals.create(CLI, "company.bitrix24.com")
    assert _refused_field(refused) == "domain"


@pytest.mark.parametrize(
    "domain", ["", "https://x.com", "a b.com", "-a.com", "x/y", "a..b", f"{'a' * 64}.com", "é.com"]
)
def test_what_is_no_host_name_is_no_domain(installation: Installation, domain: str) -> None:
    with pytest.raises(ApiError) as refused:
        installation.portals.create(CLI, domain)
    assert _refused_field(refused) == "domain"


def test_a_webhook_url_is_sealed_and_can_be_had_again(installation: Installation) -> None:
    portal = installation.portals.create(CLI, "company.bitrix24.com", webhook_url=f"{WEBHOOK}/")
    assert b"s3cr3t" not in bytes(portal.webhook_url_sealed or b"")
    saved = Portal.get_by_id(portal.id)
    assert installation.portals.webhook_url(saved) == WEBHOOK
    for file in installation.config.state_dir.iterdir():
        assert b"s3cr3t" not in file.read_bytes()
    cleared = installation.portals.update(CLI, portal.id, webhook_url=None)
    assert installation.portals.webhook_url(cleared) is None


def test_a_webhook_url_belongs_to_its_portal_and_its_secret(installation: Installation) -> None:
    portal = installation.portals.create(CLI, "company.bitrix24.com", webhook_url=WEBHOOK)
    other = installation.portals.create(CLI, "other.bitrix24.com")
    other.webhook_url_sealed = portal.webhook_url_sealed
    with pytest.raises(ApiError) as refused:
        installation.portals.webhook_url(other)
    assert refused.value.code == "BITRIX_UNAVAILABLE"
    installation.portals._secrets = Secrets(["another"])
    with pytest.raises(ApiError):
        installation.portals.webhook_url(portal)


@pytest.mark.parametrize(
    ("url", "by_cli", "by_key"),
    [
        (WEBHOOK, True, True),
        ("https://company.bitrix24.com:8443/rest/1/s", True, True),
        ("http://company.bitrix24.com/rest/1/s", True, False),
        ("https://elsewhere.example/rest/1/s", True, False),
        ("http://127.0.0.1:9000/rest/1/s", True, False),
        ("ftp://company.bitrix24.com/rest/1/s", False, False),
        ("https:///rest/1/s", False, False),
        ("https://company.bitrix24.com/rest/1/s?x=1", False, False),
        ("https://user@company.bitrix24.com/rest/1/s", False, False),
        ("https://company.bitrix24.com:99999/rest/1/s", False, False),
        ("https://[company/rest/1/s", False, False),
        ("https://company.bitrix24.com/rest/1/\x00", False, False),
        ("https://company.bitrix24.com/rest/1/s?", False, False),
        ("https://company.bitrix24.com/rest/1/s#", False, False),
        ("https://elsewhere.example/", False, False),
        ("https://elsewhere.example/rest/1/", False, False),
        ("https://elsewhere.example/rest/1", False, False),
        ("https://company.bitrix24.com/rest/1//", False, False),
        ("https://company.bitrix24.com/rest/me/s", False, False),
        ("https://company.bitrix24.com/rest/0/s", False, False),
        ("https://company.bitrix24.com/rest/1/s/profile", False, False),
        ("https://company.bitrix24.com/rest/1/s/profile.json", False, False),
        ("https://company.bitrix24.com/rest/1/profile.json", False, False),
        ("https://company.bitrix24.com/rest/1/s s", False, False),
        ("https://company.bitrix24.com/rest/1/s%20s", False, False),
        ("http://127.0.0.1:9000/rest/1/", False, False),
        ("http://127.0.0.1:9000/rest/1/s/profile", False, False),
        ("https://else where.example/rest/1/s", False, False),
        ("nonsense", False, False),
    ],
)
def test_where_a_webhook_may_lead(installation: Installation, url: str, by_cli: bool, by_key: bool) -> None:
    portal = installation.portal()
    for actor, allowed in ((CLI, by_cli), (installation.holder(installation.account()), by_key)):
        if allowed:
            changed = installation.portals.update(actor, portal.id, webhook_url=url)
            assert changed.allow_private is not by_key, "what anybody may set is checked, whoever set it"
            continue
        with pytest.raises(ApiError) as refused:
            installation.portals.update(actor, portal.id, webhook_url=url)
        assert _refused_field(refused) == "webhookUrl"
        assert url not in str(refused.value.details)


@pytest.mark.parametrize(
    ("domain", "leave"),
    [
        ("company.bitrix24.com", False),
        *[(domain, True) for domain in ("localhost", "127.0.0.1", "127.1", "0x7f.1", "8.8.8.8")],
        *[(domain, True) for domain in ("bitrix", "bitrix.internal", "bitrix.local")],
    ],
)
def test_a_portal_that_is_an_address_or_has_a_private_name_needs_leave(
    installation: Installation, domain: str, leave: bool
) -> None:
    url = f"https://{domain}/rest/1/s3cr3t"
    portal = installation.portals.create(CLI, domain, webhook_url=url)
    assert portal.allow_private is leave
    elsewhere = installation.portals.update(CLI, portal.id, webhook_url="https://elsewhere.example/rest/1/s")
    assert elsewhere.allow_private is True
    assert installation.portals.update(CLI, portal.id, webhook_url=url).allow_private is leave
    assert installation.portals.update(CLI, portal.id, webhook_url=None).allow_private is False


def test_a_portal_changes_what_is_given(installation: Installation) -> None:
    portal = installation.portal()
    changed = installation.portals.update(
        CLI, portal.id, domain="new.bitrix24.com", linked=False, status="INACTIVE"
    )
    saved = Portal.get_by_id(portal.id)
    assert (saved.domain, saved.linked, saved.status) == ("new.bitrix24.com", False, "INACTIVE")
    assert changed.created_at == saved.created_at
    with pytest.raises(ApiError) as refused:
        installation.portals.update(CLI, portal.id, status="GONE")
    assert _refused_field(refused) == "status"
    installation.portal()
    with pytest.raises(ApiError) as refused:
        installation.portals.update(CLI, portal.id, domain="company.bitrix24.com")
    assert _refused_field(refused) == "domain"


def _touched(since: int) -> set[str]:
    return {row.ref for row in Unpublished.select().where(Unpublished.revision > since)}


def test_a_portals_status_raises_the_revision_of_members_and_owners_of_keys(
    installation: Installation,
) -> None:
    member, owner, stranger = (
        installation.account(f"{name}@example.com") for name in ("member", "owner", "stranger")
    )
    portal = installation.portal(member, owner)
    installation.key(owner, type="api", portal=portal, scopes=["crm"], integrations=())
    installation.portals.remove_member(CLI, portal.id, owner.id)
    head = max(row.revision for row in Unpublished.select())
    installation.portals.update(CLI, portal.id, status="INACTIVE")
    assert _touched(head) == {member.id, owner.id}
    assert Account.get_by_id(stranger.id).revision == stranger.revision
    head = max(row.revision for row in Unpublished.select())
    installation.portals.update(CLI, portal.id, linked=False)
    assert _touched(head) == set()


def test_membership_is_set_changed_and_ended(installation: Installation) -> None:
    account, portal = installation.account(), installation.portal()
    for role in ("MEMBER", "ADMIN", "ADMIN"):
        assert installation.portals.set_member(CLI, portal.id, account.id, role).role == role
    assert [(row.account_id, row.role) for row in Membership.select()] == [(account.id, "ADMIN")]
    installation.portals.remove_member(CLI, portal.id, account.id)
    assert not Membership.select().exists()
    actions = [
        row.action
        for row in Audit.select().where(Audit.action.startswith("portal.member")).order_by(Audit.seq)
    ]
    assert actions == ["portal.member_set", "portal.member_set", "portal.member_removed"]
    with pytest.raises(ApiError) as refused:
        installation.portals.remove_member(CLI, portal.id, account.id)
    assert refused.value.code == "ENTITY_NOT_FOUND"


@pytest.mark.parametrize(
    ("portal", "account", "role", "code"),
    [
        ("known", "known", "OWNER", "VALIDATION_ERROR"),
        ("unknown", "known", "ADMIN", "ENTITY_NOT_FOUND"),
        ("known", "unknown", "ADMIN", "ENTITY_NOT_FOUND"),
    ],
)
def test_who_cannot_become_a_member(
    installation: Installation, portal: str, account: str, role: str, code: str
) -> None:
    portal_id = installation.portal().id if portal == "known" else "nonsense"
    account_id = installation.account().id if account == "known" else "nonsense"
    with pytest.raises(ApiError) as refused:
        installation.portals.set_member(CLI, portal_id, account_id, role)
    assert refused.value.code == code
