"""`vibekeys mail`: the mails of the outbox, and what to do with those that do not get through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.cli.output import json_option, print_json, print_one, print_table
from app.cli.session import opened, operator

if TYPE_CHECKING:
    from app.models import Mail

_COLUMNS = ("id", "kind", "recipient", "status", "attempts", "createdAt", "nextAttemptAt", "lastError")
_LISTED_AT_ONCE = 10_000
_all_failed_option = click.option("--all-failed", is_flag=True, help="Every mail that was given up.")


@click.group()
def mail() -> None:
    """Look at the mails of the outbox, and at those that do not get through."""


@mail.command("list")
@click.option("--limit", type=click.IntRange(1, _LISTED_AT_ONCE), default=50, show_default=True)
@click.option("--failed", is_flag=True, help="Only mails that were given up.")
@json_option
def list_(limit: int, failed: bool, as_json: bool) -> None:
    """List mails, the newest first.

    Those that were sent are kept for seven days, those that rest without an SMTP_URL for thirty.
    """
    with opened(redis="none"):
        from app.mail.delivery import given_up
        from app.models import Mail
        from app.schemas.mail import mail_answer

        shown = (column for column in Mail._meta.sorted_fields if column is not Mail.body)
        found = Mail.select(*shown).order_by(Mail.id.desc()).limit(limit)  # an id begins with its time
        if failed:
            found = found.where(given_up())
        answers = [mail_answer(row) for row in found]
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
    _check_one(mail_id, all_failed=all_failed)
    with opened(redis="none") as services:
        from app.mail import delivery, outbox
        from app.schemas.mail import mail_answer

        if mail_id is None:
            retried = outbox.for_each(services.ledger, operator(), delivery.given_up(), outbox.retry)
            print_one({"retried": retried}, as_json)
            return
        with services.ledger.change(operator()) as change:
            chosen = _mail_named(mail_id)
            outbox.retry(change, chosen)
        print_one(mail_answer(chosen), as_json)


@mail.command("discard")
@click.argument("mail_id", metavar="[ID]", required=False)
@_all_failed_option
@click.option("--all-resting", is_flag=True, help="Every mail that waits for an SMTP_URL.")
@json_option
def discard(mail_id: str | None, all_failed: bool, all_resting: bool, as_json: bool) -> None:
    """Forget a mail that was not sent; its audit rows stay."""
    _check_one(mail_id, all_failed=all_failed, all_resting=all_resting)
    with opened(redis="none") as services:
        from app.mail import delivery, outbox

        if mail_id is None:
            which = delivery.given_up() if all_failed else delivery.resting()
            discarded = outbox.for_each(services.ledger, operator(), which, outbox.discard)
            print_one({"discarded": discarded}, as_json)
            return
        with services.ledger.change(operator()) as change:
            outbox.discard(change, _mail_named(mail_id))
        print_one({"id": mail_id, "deleted": True}, as_json)


def _check_one(mail_id: str | None, **choices: bool) -> None:
    if (mail_id is not None) + sum(choices.values()) != 1:
        others = " or ".join(f"--{name.replace('_', '-')}" for name in choices)
        raise click.UsageError(f"Give either one ID or {others}.")


def _mail_named(mail_id: str) -> Mail:
    from app.errors import ApiError
    from app.models import Mail

    found = Mail.get_or_none(Mail.id == mail_id)
    if found is None:
        raise ApiError("ENTITY_NOT_FOUND", "There is no mail with this id.")
    return found
