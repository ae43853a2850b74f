"""Portals and their members.

A portal's status and its memberships are part of its members' account records, so each change of
them raises the revision of every account that it touches.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from peewee import ModelSelect

from app.bitrix import webhook_url as webhook_urls
from app.errors import ApiError, invalid
from app.ledger import Actor, Change, Ledger
from app.models import Account, Key, Membership, Portal, new_id
from app.models.portal import ROLES, STATUSES
from app.secrets import Secrets, SecretsError
from app.unset import UNSET, Unset

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_AUDITED = ("domain", "status", "linked")

Probe = Callable[[Portal], None]
"""Asks a portal's webhook whether it answers. Raises `ApiError` if it does not."""


class Portals:
    """Makes and changes portals. Refusals are `ApiError`s and change nothing."""

    def __init__(self, ledger: Ledger, secrets: Secrets) -> None:
        self._ledger = ledger
        self._secrets = secrets

    def create(
        self,
        actor: Actor,
        domain: str,
        *,
        webhook_url: str | None = None,
        status: str = "ACTIVE",
        linked: bool = True,
    ) -> Portal:
        """Make a portal. The webhook URL is kept sealed. Raises VALIDATION_ERROR, also for a taken domain."""
        portal = Portal(domain=_domain(domain), status=_status(status), linked=linked, allow_private=False)
        with self._ledger.change(actor) as change:
            _check_free(portal)
            self._insert(change, portal, webhook_url)
        return portal

    def link(self, actor: Actor, domain: str, webhook_url: str, probe: Probe) -> Portal:
        """Make a portal whose webhook answers; the account that does it becomes its ADMIN.

        That a domain is taken is told only to who has a webhook of it: nobody shall learn by trying which
        portals are here. Raises VALIDATION_ERROR, and what `probe` raises.
        """
        self._ledger.check(actor)
        owner = _account(actor.account_id or "")
        # Under the account's id all that it tries share one throttle; under an id of its own each had one.
        draft = _draft(owner.id, _domain(domain))
        self._set_webhook(actor, draft, webhook_url)
        probe(draft)
        with self._ledger.change(actor) as change:
            portal, owner = _draft("", draft.domain), _account(owner.id)
            _check_free(portal, " Ask an ADMIN of it for membership.")
            self._insert(change, portal, webhook_url)
            _set_role(change, portal, owner, None, "ADMIN")
        return portal

    def replace_webhook(self, actor: Actor, portal_id: str, webhook_url: str, probe: Probe) -> Portal:
        """Give the portal another webhook, which answers.

        Raises as `update`, and what `probe` raises.
        """
        self._ledger.check(actor)
        portal = changeable(actor, portal_id)
        draft = _draft(portal.id, portal.domain)
        self._set_webhook(actor, draft, webhook_url)
        probe(draft)
        return self.update(actor, portal_id, webhook_url=webhook_url)

    def update(
        self,
        actor: Actor,
        portal_id: str,
        *,
        domain: str | Unset = UNSET,
        webhook_url: str | Unset | None = UNSET,
        status: str | Unset = UNSET,
        linked: bool | Unset = UNSET,
    ) -> Portal:
        """Change what is given; `webhook_url=None` takes it away.

        Raises ENTITY_NOT_FOUND, VALIDATION_ERROR, and NOT_PORTAL_MEMBER for an account that is not its ADMIN.
        """
        with self._ledger.change(actor) as change:
            portal = changeable(actor, portal_id)
            before = _facts(portal)
            if not isinstance(domain, Unset):
                portal.domain = _domain(domain)
                _check_free(portal)
            if not isinstance(webhook_url, Unset):
                self._set_webhook(actor, portal, webhook_url)
            if not isinstance(status, Unset):
                portal.status = _status(status)
            if not isinstance(linked, Unset):
                portal.linked = linked
            portal.save()
            after = _facts(portal)
            if not isinstance(webhook_url, Unset):
                after["webhook_url"] = "changed" if webhook_url else None
            if after != before:
                change.audit("portal.changed", "portal", portal.id, before, after)
            if after["status"] != before["status"]:
                _touch_accounts(change, portal)
        return portal

    def set_member(self, actor: Actor, portal_id: str, account_id: str, role: str) -> Membership:
        """Make the account a member, or change its role. Raises as `update`."""
        with self._ledger.change(actor) as change:
            portal, account = changeable(actor, portal_id), _account(account_id)
            return _set_role(change, portal, account, _membership(portal, account), role)

    def add_member(self, actor: Actor, portal_id: str, email: str, role: str) -> Membership:
        """Make the account with this e-mail a member, if it is none. Raises as `update`."""
        with self._ledger.change(actor) as change:
            portal = changeable(actor, portal_id)
            account = Account.get_or_none(Account.email == email.strip().lower())
            if account is None:
                raise invalid(email="There is no account with this e-mail: an operator has to make it.")
            if _membership(portal, account) is not None:
                raise invalid(email="This account is a member already.")
            return _set_role(change, portal, account, None, role)

    def change_role(self, actor: Actor, portal_id: str, account_id: str, role: str) -> Membership:
        """Change the role of who is a member. Raises as `update`."""
        with self._ledger.change(actor) as change:
            portal, account = changeable(actor, portal_id), _account(account_id)
            membership = _known_membership(portal, account)
            return _set_role(change, portal, account, membership, role)

    def remove_member(self, actor: Actor, portal_id: str, account_id: str) -> None:
        """End a membership; the account's keys of the portal stop working. Raises as `update`."""
        with self._ledger.change(actor) as change:
            portal, account = changeable(actor, portal_id), _account(account_id)
            membership = _known_membership(portal, account)
            _check_admin_stays(change.actor, portal, membership)
            Membership.delete().where(_is(portal, account)).execute()
            change.account(account)
            role = _role(account, membership)
            change.audit("portal.member_removed", "portal", portal.id, role, None, owner_id=account.id)

    def list(self) -> ModelSelect[Portal]:
        """Return the query of all portals, newest first."""
        return Portal.select().order_by(Portal.created_at.desc(), Portal.id.desc())

    def webhook_url(self, portal: Portal) -> str | None:
        """Return the portal's incoming webhook, without a trailing slash; None if it has none.

        Raises BITRIX_UNAVAILABLE if it was sealed under a secret that is no longer at hand.
        """
        if portal.webhook_url_sealed is None:
            return None
        try:
            return self._secrets.open(_purpose(portal), bytes(portal.webhook_url_sealed)).decode()
        except SecretsError as error:
            raise ApiError("BITRIX_UNAVAILABLE", "The portal's webhook URL has to be given again.") from error

    def _insert(self, change: Change, portal: Portal, webhook_url: str | None) -> None:
        portal.id = new_id(change.now_ms)
        portal.created_at = change.now_ms
        self._set_webhook(change.actor, portal, webhook_url)
        portal.save(force_insert=True)
        change.audit("portal.created", "portal", portal.id, None, _facts(portal))

    def _set_webhook(self, actor: Actor, portal: Portal, url: str | None) -> None:
        portal.allow_private = False
        if url is None:
            portal.webhook_url_sealed = None
            return
        checked = webhook_urls.checked(url, portal.domain)
        if webhook_urls.needs_leave(checked, portal.domain):
            # Whoever has the command line has the machine: only they may send it anywhere, and
            # `run --demo` does so for them.
            if actor.kind not in ("cli", "system"):
                raise invalid(webhookUrl=f"Must begin with https://{portal.domain}/.")
            portal.allow_private = True
        portal.webhook_url_sealed = self._secrets.seal(_purpose(portal), checked.encode())


def get(portal_id: str) -> Portal:
    """Return the portal with this id. Raises `ApiError` ENTITY_NOT_FOUND."""
    portal = Portal.get_or_none(Portal.id == portal_id)
    if portal is None:
        raise ApiError("ENTITY_NOT_FOUND", "There is no such portal.")
    return portal


def changeable(actor: Actor, portal_id: str) -> Portal:
    """Return the portal that the actor may change, an account as its ADMIN. It holds under the lock only.

    Raises `ApiError`: ENTITY_NOT_FOUND, also for who is no member; NOT_PORTAL_MEMBER for a MEMBER.
    """
    portal = get(portal_id)
    if actor.kind == "account" and role_in(portal, actor.account_id or "") != "ADMIN":
        raise ApiError("NOT_PORTAL_MEMBER", "Only an ADMIN of the portal may change it.")
    return portal


def role_in(portal: Portal, account_id: str) -> str:
    """Return an account's role. Raises `ApiError` ENTITY_NOT_FOUND for who is no member."""
    own = Membership.get_or_none(Membership.portal == portal, Membership.account == account_id)
    if own is None:
        raise ApiError("ENTITY_NOT_FOUND", "There is no such portal.")
    return str(own.role)


def check_linked(portal: Portal) -> None:
    """Raise `ApiError` PORTAL_NOT_LINKED unless the portal is linked and ACTIVE."""
    if not portal.linked or portal.status != "ACTIVE":
        raise ApiError("PORTAL_NOT_LINKED", details={"linked": portal.linked, "status": portal.status})


def _account(account_id: str) -> Account:
    account = Account.get_or_none(Account.id == account_id)
    if account is None:
        raise ApiError("ENTITY_NOT_FOUND", "There is no such account.")
    return account


def _is(portal: Portal, account: Account) -> Any:
    return (Membership.portal == portal) & (Membership.account == account)


def _membership(portal: Portal, account: Account) -> Membership | None:
    return Membership.get_or_none(_is(portal, account))


def _known_membership(portal: Portal, account: Account) -> Membership:
    membership = _membership(portal, account)
    if membership is None:
        raise ApiError("ENTITY_NOT_FOUND", "The account is not a member of the portal.")
    return membership


def _set_role(
    change: Change, portal: Portal, account: Account, membership: Membership | None, role: str
) -> Membership:
    if role not in ROLES:
        raise invalid(role=f"Must be one of {', '.join(ROLES)}.")
    before = _role(account, membership)
    if membership is None:
        membership = Membership.create(portal=portal, account=account, role=role)
    elif membership.role != role:
        _check_admin_stays(change.actor, portal, membership)
        Membership.update(role=role).where(_is(portal, account)).execute()
        membership.role = role
    after = _role(account, membership)
    if after != before:
        change.account(account)
        change.audit("portal.member_set", "portal", portal.id, before, after, owner_id=account.id)
    return membership


def _check_admin_stays(actor: Actor, portal: Portal, membership: Membership) -> None:
    """Refuse an account to take its last ADMIN from a portal, which only the command line could give one."""
    if actor.kind != "account" or membership.role != "ADMIN":
        return
    admins = Membership.select().where(Membership.portal == portal, Membership.role == "ADMIN")
    if admins.count() == 1:
        raise invalid(role="The portal's only ADMIN stays its ADMIN: make another member ADMIN first.")


def _draft(id: str, domain: str) -> Portal:
    """Return a portal that is not saved, as it may be called."""
    return Portal(id=id, domain=domain, status="ACTIVE", linked=True, allow_private=False)


def _touch_accounts(change: Change, portal: Portal) -> None:
    members = Membership.select(Membership.account).where(Membership.portal == portal)
    owners = Key.select(Key.owner).where(Key.portal == portal)
    for account in list(Account.select().where(Account.id.in_(members) | Account.id.in_(owners))):
        change.account(account)


def _check_free(portal: Portal, advice: str = "") -> None:
    other = Portal.get_or_none(Portal.domain == portal.domain)
    if other is not None and other.id != portal.id:
        raise invalid(domain=f"There is a portal with this domain already.{advice}")


def _domain(text: str) -> str:
    domain = text.strip().lower().removesuffix(".")
    if not _DOMAIN.fullmatch(domain):
        raise invalid(domain="Must be a host name such as company.bitrix24.com.")
    return domain


def _status(text: str) -> str:
    if text not in STATUSES:
        raise invalid(status=f"Must be one of {', '.join(STATUSES)}.")
    return text


def _purpose(portal: Portal) -> str:
    return f"portal webhook {portal.id}"


def _facts(portal: Portal) -> dict[str, Any]:
    return {name: getattr(portal, name) for name in _AUDITED} | {
        "webhook_url": "set" if portal.webhook_url_sealed else None
    }


def _role(account: Account, membership: Membership | None) -> dict[str, Any] | None:
    return {"account_id": account.id, "role": membership.role} if membership else None
