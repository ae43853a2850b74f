"""`vibekeys audit`: who changed what, when and from where, and whether the log is as it was written."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from app.cli.options import body
from app.cli.output import json_option, print_json, print_json_array, printable
from app.cli.refusal import Refused
from app.cli.session import account_named, opened

if TYPE_CHECKING:
    from peewee import ModelSelect

    from app.models import Audit

_LISTED_AT_ONCE = 10_000
_WIDTH = 100
_FILTERS = (
    click.option("--action", metavar="A", help="What was done, as key.revoked."),
    click.option("--account", metavar="E", help="Done by keys of this account, named by e-mail or id."),
    click.option(
        "--key",
        metavar="KEY",
        help="Done by this key, named by id; or done by or to it, named by what its raw key begins with.",
    ),
    click.option("--target", "target_id", metavar="ID", help="Done to this account, portal, key, …"),
    click.option("--since", metavar="T", help="ISO-8601 with a zone, as 2030-01-31T12:00:00Z."),
    click.option("--until", metavar="T", help="The same; rows of this very time are left out."),
)


def _filter_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_FILTERS):
        command = option(command)
    return command


def _head(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, str] | None:
    if value is None:
        return None
    from app.audit import row_named

    found = row_named(value)
    if found is None:
        raise click.BadParameter("is not of the form N:MAC, a row's number and its 64 characters")
    return found


@click.group()
def audit() -> None:
    """Read the audit log, and check that nobody tampered with it."""


@audit.command("list")
@click.option("--limit", type=click.IntRange(1, _LISTED_AT_ONCE), default=50, show_default=True)
@click.option("--before", type=click.IntRange(1, sys.maxsize), metavar="SEQ", help="Older than this row.")
@_filter_options
@json_option
def list_(limit: int, before: int | None, as_json: bool, **filters: str | None) -> None:
    """List what was changed, the newest first.

    The e-mail of who did it is that of the account as it is now: the chain does not cover it. What it covers
    is the account's id, accountId with --json.
    """
    with opened(redis="none"):
        from app.models import Audit

        found = _found(before=before, **filters).order_by(Audit.seq.desc()).limit(limit)
        answers = list(_answers(found))
        if as_json:
            print_json(answers)
        else:
            _print_rows(answers)


@audit.command("export")
@_filter_options
@json_option
def export(as_json: bool, **filters: str | None) -> None:
    """Print all rows, the oldest first: a JSON object a line, or with --json one array.

    The e-mail in who is that of the account as it is now: the chain does not cover it. What it covers is the
    account's id, accountId.
    """
    with opened(redis="none"):
        from app.models import Audit

        answers = _answers(_found(**filters).order_by(Audit.seq))
        if as_json:
            print_json_array(answers)
        else:
            for answer in answers:
                print_json(answer)


@audit.command("verify")
@click.option("--head", metavar="N:MAC", callback=_head, help="A row that the service's log has noted.")
@json_option
def verify(head: tuple[int, str] | None, as_json: bool) -> None:
    """Check every row against its MAC and the row before; the first broken one is named.

    That the end was cut off, or all of it written anew, shows only against --head.
    """
    with opened(redis="none") as services:
        from app.audit import verify

        verdict = verify(services.secrets, head)
    newest = f"{verdict.rows}:{verdict.mac}" if verdict.rows else None
    if as_json:
        print_json(
            {
                "ok": verdict.broken is None,
                "rows": verdict.rows,
                "head": newest,
                "broken": verdict.broken,
                "why": verdict.why or None,
            }
        )
    if verdict.broken is not None:
        raise Refused(f"AUDIT_BROKEN: row {verdict.broken}: {verdict.why}")
    if not as_json:
        click.echo(f"ok: {verdict.rows} rows" + (f", head {newest}" if newest else ""))


def _found(
    account: str | None = None, since: str | None = None, until: str | None = None, **more: Any
) -> ModelSelect[Audit]:
    from app.audit import entries
    from app.schemas.audit import AuditPeriod

    period = AuditPeriod().load(body({"since": since, "until": until}))
    return entries(account_id=account_named(account).id if account is not None else None, **period, **more)


def _answers(found: ModelSelect[Audit]) -> Iterator[dict[str, Any]]:
    from app.schemas.audit import audit_answer

    try:
        yield from map(audit_answer, found.dicts().iterator())
    except UnicodeEncodeError:
        raise  # what was typed, not what was read
    except (AttributeError, ValueError, TypeError, OverflowError):
        raise Refused("AUDIT_BROKEN: a row can't be read; `vibekeys audit verify` names it") from None


def _print_rows(answers: list[dict[str, Any]]) -> None:
    """A line a row, and under it who did it and what is different now."""
    seq = max(len("seq"), *(len(str(answer["seq"])) for answer in answers), 0)
    action = max(len("action"), *(len(answer["action"]) for answer in answers), 0)
    details = textwrap.TextWrapper(
        _WIDTH,
        initial_indent=" " * (seq + 2),
        subsequent_indent=" " * (seq + 4),
        break_long_words=False,
        break_on_hyphens=False,
    )
    click.echo(f"{'seq':<{seq}}  {'at':<24}  {'action':<{action}}  target")
    for answer in answers:
        target = f"{answer['targetKind']} {answer['targetId']}"
        line = f"{answer['seq']:<{seq}}  {answer['at']}  {answer['action']:<{action}}  {target}"
        click.echo(printable(line))
        for detail in _details(answer):
            click.echo(details.fill(detail))


def _details(answer: Mapping[str, Any]) -> Iterator[str]:
    from app.schemas.audit import differences

    yield printable(f"by {answer['who']}" + (f" from {answer['address']}" if answer["address"] else ""))
    if answer["keyId"]:
        yield printable(f"key {answer['keyId']} {answer['keyPrefix'] or '(deleted)'}")
    for name, was, now in differences(answer["before"], answer["after"]):
        yield printable(
            f"{name}: {_told(was)} -> {_told(now)}" if answer["before"] else f"{name}: {_told(now)}"
        )
    yield f"mac {answer['mac']}"


def _told(value: Any) -> str:
    return "-" if value is None else json.dumps(value, ensure_ascii=False)
