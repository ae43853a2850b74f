"""Portals and their members.

A portal's status and its memberships are part of its members' account records, so each change of
them raises the revision of every account that it touches.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from peewee import ModelSelect

from app.bitrix.addresses import may_be_public
from app.errors import ApiError, invalid
from app.ledger import Actor, Change, Ledger
from app.models import Account, Key, Membership, Portal, new_id
from app.models.portal import ROLES, STATUSES
from app.secrets import Secrets, SecretsError
from app.unset import UNSET, Unset

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_WEBHOOK_URL = re.compile(r"(?i:https?)://[^\s/?#@]+/rest/[1-9][0-9]{0,9}/[A-Za-z0-9_-]+/?")
"""With the number of the user whom it acts for, a secret, and no method after that."""

_AUDITED = ("domain", "status", "linked")


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
            portal.id = new_id(change.now_ms)
            portal.created_at = change.now_ms
            self._set_webhook(actor, portal, webhook_url)
            portal.save(force_insert=True)
            change.audit("portal.created", "portal", portal.id, None, _facts(portal))
        return portal

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

        Raises ENTITY_NOT_FOUND, VALIDATION_ERROR.
        """
        with self._ledger.change(actor) as change:
            portal = get(portal_id)
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
        """Make the account a member, or change its role. Raises ENTITY_NOT_FOUND, VALIDATION_ERROR."""
        if role not in ROLES:
            raise invalid(role=f"Must be one of {', '.join(ROLES)}.")
        with self._ledger.change(actor) as change:
            portal, account = get(portal_id), _account(account_id)
            membership = _membership(portal, account)
            before = _role(account, membership)
            if membership is None:
                membership = Membership.create(portal=portal, account=account, role=role)
            elif membership.role != role:
                Membership.update(role=role).where(_is(portal, account)).execute()
                membership.role = role
            after = _role(account, membership)
            if after != before:
                change.account(account)
                change.audit("portal.member_set", "portal", portal.id, before, after, owner_id=account.id)
        return membership

    def remove_member(self, actor: Actor, portal_id: str, account_id: str) -> None:
        """End a membership; the account's keys of the portal stop working. Raises ENTITY_NOT_FOUND."""
        with self._ledger.change(actor) as change:
            portal, account = get(portal_id), _account(account_id)
            membership = _membership(portal, account)
            if membership is None:
                raise ApiError("ENTITY_NOT_FOUND", "The account is not a member of the portal.")
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

    def _set_webhook(self, actor: Actor, portal: Portal, url: str | None) -> None:
        portal.allow_private = False
        if url is None:
            portal.webhook_url_sealed = None
            return
        checked = _webhook_url(url, portal.domain)
        if _needs_leave(checked, portal.domain):
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


def _touch_accounts(change: Change, portal: Portal) -> None:
    members = Membership.select(Membership.account).where(Membership.portal == portal)
    owners = Key.select(Key.owner).where(Key.portal == portal)
    for account in list(Account.select().where(Account.id.in_(members) | Account.id.in_(owners))):
        change.account(account)


def _check_free(portal: Portal) -> None:
    other = Portal.get_or_none(Portal.domain == portal.domain)
    if other is not None and other.id != portal.id:
        raise invalid(domain="There is a portal with this domain already.")


def _domain(text: str) -> str:
    domain = text.strip().lower().removesuffix(".")
    if not _DOMAIN.fullmatch(domain):
        raise invalid(domain="Must be a host name such as company.bitrix24.com.")
    return domain


def _status(text: str) -> str:
    if text not in STATUSES:
        raise invalid(status=f"Must be one of {', '.join(STATUSES)}.")
    return text


def _webhook_url(text: str, domain: str) -> str:
    # Never quoted in the refusal: it holds the portal's secret.
    url = text.strip()
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or not _WEBHOOK_URL.fullmatch(url):
        form = f"https://{domain}/rest/1/secret/"
        raise invalid(webhookUrl=f"Must be of the form {form}: a user's number, a secret, and no method.")
    return url.rstrip("/")


def _needs_leave(url: str, domain: str) -> bool:
    """Tell whether a webhook URL is of use only where it may lead to an address that is not public."""
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.hostname != domain or not may_be_public(domain):
        return True
    try:
        ip_address(domain)
    except ValueError:
        return False
    return True


def _purpose(portal: Portal) -> str:
    return f"portal webhook {portal.id}"


def _facts(portal: Portal) -> dict[str, Any]:
    return {name: getattr(portal, name) for name in _AUDITED} | {
        "webhook_url": "set" if portal.webhook_url_sealed else None
    }


def _role(account: Account, membership: Membership | None) -> dict[str, Any] | None:
    return {"account_id": account.id, "role": membership.role} if membership else None
