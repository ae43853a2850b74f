"""Demo data for `vibekeys run --demo`: something to try every kind of key with, in the first minute.

An account of each tier, one of them an operator who can sign in to the dashboard, one linked portal, a key of
each type, and a feedback ticket. What is there already is left alone, so a start that was interrupted is
completed by the next one, and a key that somebody deleted is made again.

The portal's webhook leads to the stand-in Bitrix24 that `run --demo` starts.
"""

from __future__ import annotations

import json
import secrets
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from app.errors import ApiError
from app.ledger import Actor
from app.models import Account, Key, Portal, Ticket
from app.models.account import TIERS
from app.services import Services
from app.unset import UNSET

DOMAIN = "demo.bitrix24.localhost"
ACCOUNTS = {tier: f"{tier}@demo.localhost" for tier in TIERS}
"""The e-mail of each tier's account."""
ENTERPRISE_HOURLY = 50_000
ROLES = {"pro": "ADMIN", "free": "MEMBER"}
"""Who is a member of the portal, by tier."""

LOGIN = "pro"
"""The tier of the account that is given a password, and made an operator."""

_ACTOR = Actor("system")


@dataclass(frozen=True, slots=True)
class DemoKey:
    """One of the keys: its type, the tier of its owner, and what it opens."""

    type: str
    tier: str
    scopes: tuple[str, ...] = ()
    integrations: tuple[str, ...] = ()
    on_portal: bool = False

    @property
    def name(self) -> str:
        """What it is called, and found by."""
        return f"Demo {self.type} key"


@dataclass(frozen=True, slots=True)
class Held:
    """A demo key that is there; `raw_key` only if it has just been made."""

    demo: DemoKey
    id: str
    raw_key: str | None = field(repr=False)


KEYS = (
    DemoKey("api", "pro", ("crm", "task", "user", "vibe:infra"), on_portal=True),
    DemoKey("authorization", "free", ("crm", "user"), on_portal=True),
    DemoKey("management", "pro", ("vibe:mgmt:keys", "vibe:mgmt:portals", "vibe:mgmt:feedback")),
    DemoKey("personal", "enterprise", integrations=("ai_tools", "cli")),
)


def load(services: Services, webhook_url: str) -> list[str]:
    """Make the demo data that is not there yet; return lines that say how to use it, new raw keys among them.

    `webhook_url` is the stand-in's, for the portal; a webhook on another host that somebody gave it since is
    left alone. Raises `ApiError` when the database can't be written.
    """
    accounts = {tier: _account(services, tier) for tier in ACCOUNTS}
    password = _password(services, accounts[LOGIN])
    portal = _portal(services, accounts, webhook_url)
    held = [_key(services, demo, accounts[demo.tier], portal) for demo in KEYS]
    _open_ticket(services, accounts["pro"], portal)
    url = services.config.public_url
    return [*_what_is_there(portal), *_how_to_sign_in(url, password), *_how_to_use(url, portal, held)]


def _account(services: Services, tier: str) -> Account:
    found = Account.get_or_none(Account.email == ACCOUNTS[tier])
    if found is not None:
        return found
    own_limit = ENTERPRISE_HOURLY if tier == "enterprise" else UNSET
    return services.accounts.create(_ACTOR, ACCOUNTS[tier], tier=tier, hourly_limit=own_limit)


def _password(services: Services, account: Account) -> str | None:
    """Return a password for the dashboard, drawn for an account that has none; None for one that has."""
    if account.password_hash is not None:
        return None
    password = secrets.token_urlsafe(12)
    services.accounts.update(_ACTOR, account.id, operator=True, password=password)
    return password


def _portal(services: Services, accounts: dict[str, Account], webhook_url: str) -> Portal:
    found = Portal.get_or_none(Portal.domain == DOMAIN)
    if found is not None:
        return _linked(services, found, webhook_url)
    portal = services.portals.create(_ACTOR, DOMAIN, webhook_url=webhook_url)
    for tier, role in ROLES.items():
        services.portals.set_member(_ACTOR, portal.id, accounts[tier].id, role)
    return portal


def _linked(services: Services, portal: Portal, webhook_url: str) -> Portal:
    """The portal with the stand-in's webhook, which has a new port if another program took the old one."""
    try:
        known = services.portals.webhook_url(portal)
    except ApiError:  # sealed under a secret that is gone
        known = None
    if known == webhook_url or (known and urlsplit(known).hostname != urlsplit(webhook_url).hostname):
        return portal
    return services.portals.update(_ACTOR, portal.id, webhook_url=webhook_url)


def _key(services: Services, demo: DemoKey, owner: Account, portal: Portal) -> Held:
    found = Key.get_or_none(Key.owner == owner, Key.type == demo.type, Key.name == demo.name)
    if found is not None:
        return Held(demo, found.id, None)
    issued = services.keyring.issue(
        _ACTOR,
        type=demo.type,
        owner=owner,
        name=demo.name,
        portal=portal if demo.on_portal else None,
        scopes=demo.scopes,
        integrations=demo.integrations,
    )
    return Held(demo, issued.key.id, issued.raw_key)


def _open_ticket(services: Services, author: Account, portal: Portal) -> None:
    if Ticket.select().where(Ticket.portal == portal).exists():
        return
    services.feedback.create(
        _ACTOR,
        author_id=author.id,
        portal_id=portal.id,
        category="SUGGESTION",
        title="A ticket to answer",
        description="Ask its author something, with the status AWAITING_USER, and look for the mail.",
    )


def _what_is_there(portal: Portal) -> list[str]:
    emails = ", ".join(ACCOUNTS.values())
    return ["", f"demo accounts: {emails}", f"demo portal:   {portal.domain}, id {portal.id}"]


def _how_to_sign_in(url: str, password: str | None) -> list[str]:
    lines = [f"dashboard:     {url}/dashboard, sign in as {ACCOUNTS[LOGIN]}"]
    if password is None:
        command = shlex.join([_program(), "accounts", "update", ACCOUNTS[LOGIN], "--password-stdin"])
        return [*lines, "  its password was shown when it was made; to type another one:", f"  {command}"]
    return [*lines, f"  password {password}  (shown only now)"]


def _how_to_use(url: str, portal: Portal, held: list[Held]) -> list[str]:
    api_key_id = next(key.id for key in held if key.demo.type == "api")
    lines: list[str] = []
    for key in held:
        lines += ["", f"{key.demo.name} of {ACCOUNTS[key.demo.tier]}, id {key.id}"]
        if key.raw_key is None:
            lines += ["  was shown when it was made; for another one:", f"  {_new_key(key.demo, portal)}"]
        else:
            calls = _curl_lines(url, key.raw_key, key.demo.type, portal.id, api_key_id)
            lines += [f"  {key.raw_key}  (shown only now)", *(f"  {call}" for call in calls)]
    return lines


def _new_key(demo: DemoKey, portal: Portal) -> str:
    words = [_program(), "keys", "create", "--type", demo.type, "--owner", ACCOUNTS[demo.tier]]
    words += ["--name", f"Another {demo.type} key"]
    words += ["--portal", portal.id] if demo.on_portal else []
    for scope in demo.scopes:
        words += ["--scope", scope]
    for integration in demo.integrations:
        words += ["--integration", integration]
    return shlex.join(words)


def _program() -> str:
    return sys.argv[0] if Path(sys.argv[0]).name == "vibekeys" else "vibekeys"


def _curl_lines(url: str, raw_key: str, key_type: str, portal_id: str, api_key_id: str) -> list[str]:
    def curl(path: str, *options: str) -> str:
        header = f"Authorization: Bearer {raw_key}" if key_type == "personal" else f"X-Api-Key: {raw_key}"
        return shlex.join(["curl", "-H", header, *options, f"{url}{path}"])

    lines = [curl("/v1/me")]
    if key_type == "api":
        deal = json.dumps({"title": "Made from the command line"})
        lines += [
            curl("/v1/deals?limit=3"),
            curl("/v1/deals", "-H", "Content-Type: application/json", "-d", deal),
        ]
    if key_type == "authorization":
        lines.append(curl("/v1/contacts?limit=3"))
    if key_type == "management":
        body = json.dumps({"portalId": portal_id, "name": "My first key", "scopes": ["crm"]})
        lines += [
            curl("/v1/guide"),
            curl("/v1/portals"),
            curl(f"/v1/keys?portalId={portal_id}"),
            curl("/v1/keys", "-H", "Content-Type: application/json", "-d", body),
            curl(f"/v1/keys/{api_key_id}/rotate", "-X", "POST"),
            curl("/v1/feedback?status=NEW"),
        ]
    if key_type == "personal":
        prompt = json.dumps({"title": "My first prompt", "content": "Review the change below."})
        hook = json.dumps({"hook_event_name": "Stop", "session_id": "my-first-session"})
        lines += [
            curl("/api/v1/account"),
            curl("/api/v1/api-keys"),
            curl("/api/v1/prompts", "-H", "Content-Type: application/json", "-d", prompt),
            curl("/api/v1/claude-code/hooks", "-H", "Content-Type: application/json", "-d", hook),
            curl("/api/v1/activity"),
            curl("/api/v1/alerts"),
        ]
    return lines
