"""`vibekeys accounts`: the persons who own keys, their tier and their standing."""

from __future__ import annotations

from typing import Any

import click

from app.cli.options import INTEGER_OR_NONE, NONE, secret_from_stdin
from app.cli.output import json_option, print_json, print_one, print_table
from app.cli.session import account_named, opened, operator

TIERS = ("free", "pro", "enterprise")
STATUSES = ("ACTIVE", "RESTRICTED", "SUSPENDED")
_COLUMNS = ("id", "email", "tier", "hourlyLimit", "status", "isOperator", "createdAt")

_limit_option = click.option(
    "--hourly-limit", type=INTEGER_OR_NONE, help="Requests an hour of an enterprise account, which needs it."
)
_password_option = click.option("--password-stdin", is_flag=True, help="Read the password from stdin.")


@click.group()
def accounts() -> None:
    """Make accounts, change their tier, suspend them."""


@accounts.command("create")
@click.option("--email", required=True, metavar="E")
@click.option("--tier", type=click.Choice(TIERS), default="free", show_default=True)
@_limit_option
@click.option("--status", type=click.Choice(STATUSES), default="ACTIVE", show_default=True)
@click.option("--operator", "is_operator", is_flag=True, help="May act for the whole installation.")
@_password_option
@json_option
def create(
    email: str,
    tier: str,
    hourly_limit: Any,
    status: str,
    is_operator: bool,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Make an account."""
    given = _given(hourly_limit=hourly_limit, password=_password(password_stdin))
    with opened() as services:
        from app.schemas.account import account_answer

        account = services.accounts.create(
            operator(), email, tier=tier, status=status, operator=is_operator, **given
        )
        print_one(account_answer(account), as_json)


@accounts.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List all accounts, the newest first."""
    with opened(redis="none"):
        from app.models import Account
        from app.schemas.account import account_answer

        found = Account.select().order_by(Account.created_at.desc(), Account.id.desc())
        answers = [account_answer(account) for account in found]
        if as_json:
            print_json(answers)
        else:
            print_table(_COLUMNS, [[answer[column] for column in _COLUMNS] for answer in answers])


@accounts.command("show")
@click.argument("account", metavar="[ID|E]", required=False)
@click.option("--email", metavar="E", help="The same as the argument.")
@json_option
def show(account: str | None, email: str | None, as_json: bool) -> None:
    """Show one account, named by its id or e-mail."""
    name = _one_name(account, email)
    with opened(redis="none"):
        from app.schemas.account import account_answer

        print_one(account_answer(account_named(name)), as_json)


@accounts.command("update")
@click.argument("account", metavar="[ID|E]", required=False)
@click.option("--email", metavar="E", help="The same as the argument.")
@click.option("--tier", type=click.Choice(TIERS), help="Leaving enterprise drops its limit.")
@_limit_option
@click.option("--status", type=click.Choice(STATUSES), help="RESTRICTED reads only; SUSPENDED does nothing.")
@click.option("--operator/--no-operator", "is_operator", default=None)
@_password_option
@json_option
def update(
    account: str | None,
    email: str | None,
    tier: str | None,
    hourly_limit: Any,
    status: str | None,
    is_operator: bool | None,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Change what is given of one account, named by its id or e-mail."""
    name = _one_name(account, email)
    given = _given(
        tier=tier,
        hourly_limit=hourly_limit,
        status=status,
        operator=is_operator,
        password=_password(password_stdin),
    )
    if not given:
        raise click.UsageError("Nothing to change: give at least one option.")
    with opened() as services:
        from app.schemas.account import account_answer

        changed = services.accounts.update(operator(), account_named(name).id, **given)
        print_one(account_answer(changed), as_json)


def _one_name(account: str | None, email: str | None) -> str:
    name = account if account is not None else email
    if name is None or (account is not None and email is not None):
        raise click.UsageError("Name one account, by its id or its e-mail.")
    return name


def _given(**options: Any) -> dict[str, Any]:
    """The options that have a value; the word `none` is one."""
    return {name: None if value is NONE else value for name, value in options.items() if value is not None}


def _password(from_stdin: bool) -> str | None:
    return secret_from_stdin("--password-stdin") if from_stdin else None
