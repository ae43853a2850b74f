"""`vibekeys mail`: the mails of the outbox, and what to do with those that do not get through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.cli.output import json_option, print_json, print_one, print_table
from app.cli.session import opened, operator

if TYPE_CHECKING:
    from app.models import Mail

_COLUMNS = ("id", "kind", "recipient", "status", "attempts", "createdAt", "nextAttemptAt", "lastError")
_all_failed_option = click.option("--all-failed", is_flag=True, help="Every mail that was given up.")


@click.group()
def mail() -> None:
    """Look at the mails of the outbox, and at those that do not get through."""


@mail.command("list")
@click.option("--failed", is_flag=True, help="Only mails that were given up.")
@json_option
def list_(failed: bool, as_json: bool) -> None:
    """List mails, the newest first; those that were sent are kept for seven days."""
    with opened(redis="none"):
        from app.models import Mail
        from app.schemas.mail import mail_answer

        found = Mail.select().order_by(Mail.created_at.desc(), Mail.id.desc())
        answers = [
            mail_answer(row) for row in (found.where(Mail.failed_at.is_null(False)) if failed else found)
        ]
        if as_json:
            print_json(answers)
        else:
            print_table(_COLUMNS, [[answer[column] for column in _COLUMNS] for answer in answers])


@mail.command("retry")
@click.argument("mail_id", metavar="[ID]", required=False)
@_all_failed_option
@json_option
def retry(mail_id: str | None, all_failed: bool, as_json: bool) -> None:
    """Have a mail that was not sent tried again at once, and again as often as a new one."""
    _check_one(mail_id, all_failed)
    with opened(redis="none") as services:
        from app.mail import outbox
        from app.schemas.mail import mail_answer

        if mail_id is None:
            print_one({"retried": outbox.for_each_failed(services.ledger, operator(), outbox.retry)}, as_json)
            return
        with services.ledger.change(operator()) as change:
            chosen = _mail_named(mail_id)
            outbox.retry(change, chosen)
        print_one(mail_answer(chosen), as_json)


@mail.command("discard")
@click.argument("mail_id", metavar="[ID]", required=False)
@_all_failed_option
@json_option
def discard(mail_id: str | None, all_failed: bool, as_json: bool) -> None:
    """Forget a mail that was not sent; its audit rows stay."""
    _check_one(mail_id, all_failed)
    with opened(redis="none") as services:
        from app.mail import outbox

        if mail_id is None:
            discarded = outbox.for_each_failed(services.ledger, operator(), outbox.discard)
            print_one({"discarded": discarded}, as_json)
            return
        with services.ledger.change(operator()) as change:
            outbox.discard(change, _mail_named(mail_id))
        print_one({"id": mail_id, "deleted": True}, as_json)


def _check_one(mail_id: str | None, all_failed: bool) -> None:
    if (mail_id is not None) == all_failed:
        raise click.UsageError("Give either one ID or --all-failed.")


def _mail_named(mail_id: str) -> Mail:
    from app.errors import ApiError
    from app.models import Mail

    found = Mail.get_or_none(Mail.id == mail_id)
    if found is None:
        raise ApiError("ENTITY_NOT_FOUND", "There is no mail with this id.")
    return found
