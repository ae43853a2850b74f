"""`vibekeys portals`: Bitrix24 tenants, their webhook, and who is a member."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from app.cli.options import NONE, TEXT_OR_NONE, secret_from_stdin
from app.cli.output import json_option, print_json, print_one, print_table
from app.cli.session import account_named, opened, operator, portal_named

if TYPE_CHECKING:
    from app.services import Services

STATUSES = ("ACTIVE", "INACTIVE")
ROLES = ("ADMIN", "MEMBER")
_COLUMNS = ("id", "domain", "status", "linked", "hasWebhookUrl", "appKeyCount", "members")

_webhook_option = click.option(
    "--webhook-url",
    type=TEXT_OR_NONE,
    metavar="U|-|none",
    help="Its incoming webhook, a secret: - reads it from stdin. none: it has none. Unless it is https on "
    "the portal's domain, it may lead to a private address.",
)
_status_option = click.option("--status", type=click.Choice(STATUSES))
_linked_option = click.option(
    "--linked/--unlinked", default=None, help="Whether keys may be made for it by REST. [default: linked]"
)
_portal_argument = click.argument("portal", metavar="PORTAL_ID")
_email_option = click.option("--email", required=True, metavar="E", help="The member's e-mail.")


@click.group()
def portals() -> None:
    """Make portals, change them and their members."""


@portals.command("create")
@click.option("--domain", required=True, metavar="D")
@_webhook_option
@_status_option
@_linked_option
@json_option
def create(domain: str, as_json: bool, **options: Any) -> None:
    """Make a portal."""
    given = _given(**options)
    with opened() as services:
        _print(services, services.portals.create(operator(), domain, **given).id, as_json)


@portals.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List all portals, the newest first."""
    with opened(redis="none") as services:
        from app.schemas.portal_card import portal_cards

        cards = portal_cards(services.portals.list(), services.clock())
        if as_json:
            print_json(cards)
        else:
            rows = [{**card, "members": len(card["members"])} for card in cards]
            print_table(_COLUMNS, [[row[column] for column in _COLUMNS] for row in rows])


@portals.command("update")
@click.argument("portal", metavar="[PORTAL_ID]", required=False)
@click.option("--domain", metavar="D", help="Names the portal in place of its id.")
@_webhook_option
@_status_option
@_linked_option
@json_option
def update(portal: str | None, domain: str | None, as_json: bool, **options: Any) -> None:
    """Change what is given of one portal; INACTIVE stops its keys."""
    name = portal if portal is not None else domain
    if name is None or (portal is not None and domain is not None):
        raise click.UsageError("Name one portal, by its id or its domain.")
    given = _given(**options)
    if not given:
        raise click.UsageError("Nothing to change: give at least one option.")
    with opened() as services:
        changed = services.portals.update(operator(), portal_named(name).id, **given)
        _print(services, changed.id, as_json)


@portals.command("add-member")
@_portal_argument
@_email_option
@click.option("--role", type=click.Choice(ROLES), default="MEMBER", show_default=True)
@json_option
def add_member(portal: str, email: str, role: str, as_json: bool) -> None:
    """Make an account a member of a portal, or change its role."""
    with opened() as services:
        account = account_named(email)
        member = services.portals.set_member(operator(), portal_named(portal).id, account.id, role)
        print_one(
            {
                "portalId": member.portal_id,
                "accountId": account.id,
                "email": account.email,
                "role": member.role,
            },
            as_json,
        )


@portals.command("remove-member")
@_portal_argument
@_email_option
@json_option
def remove_member(portal: str, email: str, as_json: bool) -> None:
    """End a membership: the account's keys of the portal stop working."""
    with opened() as services:
        account, left = account_named(email), portal_named(portal)
        services.portals.remove_member(operator(), left.id, account.id)
        print_one(
            {"portalId": left.id, "accountId": account.id, "email": account.email, "deleted": True}, as_json
        )


def _given(webhook_url: Any, status: str | None, linked: bool | None) -> dict[str, Any]:
    given = {"webhook_url": webhook_url, "status": status, "linked": linked}
    given = {name: None if value is NONE else value for name, value in given.items() if value is not None}
    if webhook_url == "-":
        given["webhook_url"] = secret_from_stdin("--webhook-url")
    return given


def _print(services: Services, portal_id: str, as_json: bool) -> None:
    from app.models import Portal
    from app.schemas.portal_card import portal_cards

    shown = portal_cards(Portal.select().where(Portal.id == portal_id), services.clock())
    print_one(shown[0], as_json)
