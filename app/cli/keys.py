"""`vibekeys keys`: issue API keys of every type, look at them, change and end them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from app.cli.options import INTEGER_OR_NONE, TEXT_OR_NONE, TIME_OR_NONE, body
from app.cli.output import json_option, note, print_json, print_one, print_table, progress
from app.cli.session import account_named, key_named, opened, operator, portal_named
from gateway.keys import KEY_TYPES

if TYPE_CHECKING:
    from app.models import Key

_LISTED_AT_ONCE = 500
_COLUMNS = ("id", "type", "name", "key", "status", "owner", "portal", "expiresAt")
_CHECK_COLUMNS = ("check", "verdict", "code", "message", "hint", "details")
_LIMIT_COLUMNS = ("scope", "limit", "window", "used", "remaining", "resetsAt")
_SETTINGS = (
    click.option("--scope", "scopes", multiple=True, metavar="S", help="Of a portal or management key."),
    click.option("--integration", "integrations", multiple=True, metavar="I", help="Of a personal key."),
    click.option(
        "--ip",
        "ip_whitelist",
        multiple=True,
        type=TEXT_OR_NONE,
        metavar="CIDR|none",
        help="Where it may be used from; none: anywhere.",
    ),
    click.option("--rate-limit", type=INTEGER_OR_NONE, help="Requests a second."),
    click.option("--hourly-limit", type=INTEGER_OR_NONE, help="Requests an hour, beside the tier's limit."),
    click.option("--expires-at", type=TIME_OR_NONE, help="ISO-8601 with a zone, as 2030-01-31T12:00:00Z."),
)
"""What can be set on a key; the first three may be given several times."""


def _settings_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_SETTINGS):
        command = option(command)
    return command


@click.group()
def keys() -> None:
    """Issue API keys of every type, change and end them."""


@keys.command("create")
@click.option("--type", "key_type", type=click.Choice(KEY_TYPES), required=True)
@click.option("--owner", required=True, metavar="E", help="The owner's e-mail.")
@click.option("--name", required=True, metavar="N")
@click.option("--portal", metavar="ID", help="The portal of an api or authorization key.")
@_settings_options
@json_option
def create(key_type: str, owner: str, portal: str | None, as_json: bool, **settings: Any) -> None:
    """Issue a key and print it, this once.

    An operator's key may hold vibe:mgmt:feedback. The portal's webhook is not tried.
    """
    fields = body(settings)
    with opened() as services:
        from app.schemas.key import SETTINGS, issued_answer

        issued = services.keyring.issue(
            operator(),
            type=key_type,
            owner=account_named(owner),
            portal=portal_named(portal) if portal is not None else None,
            **SETTINGS[key_type](now=services.clock()).load(fields),
        )
        _print_issued(issued_answer(issued, services.clock()), as_json)


@keys.command("list")
@click.option("--owner", metavar="E", help="Only the keys of this account.")
@json_option
def list_(owner: str | None, as_json: bool) -> None:
    """List keys, the newest first."""
    with opened(redis="none") as services:
        from peewee import JOIN

        from app.models import Account, Key, Portal

        chosen = (
            Key.select(Key, Account, Portal)
            .join(Account)
            .switch(Key)
            .join(Portal, JOIN.LEFT_OUTER)
            .order_by(Key.created_at.desc(), Key.id.desc())
        )
        if owner is not None:
            chosen = chosen.where(Key.owner == account_named(owner))
        found = list(chosen)
        answers = _answers(found, services.clock())
        if as_json:
            print_json(answers)
        else:
            print_table(_COLUMNS, [_row(key, answer) for key, answer in zip(found, answers, strict=True)])


@keys.command("show")
@click.argument("key_id", metavar="ID")
@json_option
def show(key_id: str, as_json: bool) -> None:
    """Show one key, without its secret, which nobody can."""
    with opened(redis="none") as services:
        _print_key(key_named(key_id), services.clock(), as_json)


@keys.command("update")
@click.argument("key_id", metavar="ID")
@click.option("--name", metavar="N")
@_settings_options
@click.option("--status", type=click.Choice(["ACTIVE", "REVOKED"]))
@json_option
def update(key_id: str, as_json: bool, **settings: Any) -> None:
    """Change the settings that are given, and leave the others."""
    fields = body(settings)
    if not fields:
        raise click.UsageError("Nothing to change: give at least one setting.")
    with opened() as services:
        from app.models import Key
        from app.schemas.key import CHANGES

        schema = CHANGES[key_named(key_id).type](now=services.clock())
        key = services.keyring.change(operator(), Key.select(), key_id, schema.load(fields, partial=True))
        _print_key(key, services.clock(), as_json)


@keys.command("rotate")
@click.argument("key_id", metavar="ID")
@click.option("--grace-hours", type=float, metavar="H", help="How long the old key works on; 0: not at all.")
@click.option("--expires-at", type=TIME_OR_NONE, help="When the new key expires.")
@json_option
def rotate(key_id: str, as_json: bool, **options: Any) -> None:
    """Replace a key by a new one with the same settings and print it, this once."""
    fields = body(options)
    with opened() as services:
        from app.models import Key
        from app.schemas.key import RotateKey, issued_answer

        schema = RotateKey(services.config.rotation_grace_hours, now=services.clock())
        shown: list[dict[str, Any]] = []
        services.keyring.rotate(
            operator(),
            Key.select(),
            key_id,
            # Before the commit: a key that is made, and then cannot be printed, is lost.
            before_commit=lambda issued: shown.append(issued_answer(issued, services.clock())),
            **schema.load(fields),
        )
        _print_issued(shown[0], as_json)


@keys.command("revoke")
@click.argument("key_id", metavar="[ID]", required=False)
@click.option("--owner", metavar="E", help="With --all: every key of this account.")
@click.option("--all", "all_of_owner", is_flag=True)
@json_option
def revoke(key_id: str | None, owner: str | None, all_of_owner: bool, as_json: bool) -> None:
    """End a key, or with --owner E --all every key of an account, from the next request on."""
    if (key_id is None) == (owner is None) or all_of_owner != (owner is not None):
        raise click.UsageError("Give either one ID, or --owner E together with --all.")
    with opened() as services:
        from app.models import Key

        if owner is not None:
            account = account_named(owner)
            revoked = services.keyring.revoke_all(operator(), account)
            print_one({"ownerId": account.id, "revoked": revoked}, as_json)
        elif key_id is not None:
            key = services.keyring.change(operator(), Key.select(), key_id, {"status": "REVOKED"})
            _print_key(key, services.clock(), as_json)


@keys.command("explain")
@click.argument("key_id", metavar="ID")
@click.option("--address", required=True, metavar="A", help="Where the request comes from.")
@click.option("--method", default="GET", show_default=True, metavar="M")
@click.option("--path", required=True, metavar="P", help="What is called, as /v1/deals?limit=5.")
@json_option
def explain(key_id: str, as_json: bool, **question: str) -> None:
    """Tell why a request with a key is refused: every check with its verdict. Nothing is counted."""
    with opened(redis="to look") as services:
        from app.explanation import Question, explain
        from app.schemas.explain import ExplainKey, ExplanationAnswer
        from app.wiring import create_flask

        asked = Question(**ExplainKey().load(body(question)))
        url_map = create_flask(services).url_map
        found = explain(services, url_map, key_named(key_id).id, asked)
        _print_explanation(ExplanationAnswer().dump(found), as_json)


@keys.command("delete")
@click.argument("key_id", metavar="ID")
@json_option
def delete(key_id: str, as_json: bool) -> None:
    """End a key and forget it; its audit rows stay."""
    with opened() as services:
        from app.models import Key

        services.keyring.delete(operator(), Key.select(), key_id)
        print_one({"id": key_id, "deleted": True}, as_json)


@keys.command("import-legacy")
@click.argument("file", metavar="FILE|-")
@json_option
def import_legacy(file: str, as_json: bool) -> None:
    """Take over keys of an older system by their SHA-256: all of a file, or none.

    A line of FILE is a JSON object {"sha256", "prefix", "name", "owner"}: the hash of the raw key, what it
    begins with, its name, and the e-mail or id of an account that is there. They become personal keys with
    all integrations.
    """
    with opened() as services, sys.stdin.buffer if file == "-" else open(file, "rb") as lines:
        from app.legacy_import import LegacyImport

        importing = LegacyImport(services.db, services.ledger, services.host_table)
        size = None if file == "-" else os.fstat(lines.fileno()).st_size
        with progress("reading", size) as read:
            total = importing.read(lines, read)
        with progress("storing", total) as stored:
            imported = importing.store(operator(), stored)
        print_one(imported._asdict(), as_json)


def _answers(found: Sequence[Key], now: float) -> list[dict[str, Any]]:
    from app.schemas.key import key_answers

    # A query names the predecessors of what it is given, and SQLite bounds the number of its parameters.
    parts = (found[start : start + _LISTED_AT_ONCE] for start in range(0, len(found), _LISTED_AT_ONCE))
    return [answer for part in parts for answer in key_answers(part, now)]


def _row(key: Key, answer: dict[str, Any]) -> list[Any]:
    named = {
        "key": f"{key.key_prefix}...{key.key_suffix}",
        "owner": key.owner.email,
        "portal": key.portal.domain if key.portal is not None else None,
    }
    return [{**answer, **named}[column] for column in _COLUMNS]


def _print_key(key: Key, now: float, as_json: bool) -> None:
    print_one(_answers([key], now)[0], as_json)


def _print_explanation(shown: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(shown)
        return
    print_one({name: value for name, value in shown.items() if name not in ("checks", "limits")}, as_json)
    for columns, rows in ((_CHECK_COLUMNS, shown["checks"]), (_LIMIT_COLUMNS, shown["limits"])):
        click.echo()
        print_table(columns, [[row.get(column) for column in columns] for row in rows])


def _print_issued(shown: dict[str, Any], as_json: bool) -> None:
    print_one(shown, as_json)
    note("This is the only time that rawKey is shown.")
