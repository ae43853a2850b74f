"""The outbox: a mail is decided on in the transaction of the change that it tells of, and sent later.

So there is no mail of a change that was undone, no change without its mail, and no request waits for an SMTP
server. `app.mail.delivery` does the rest, but for what an operator decides about a mail that does not get
through.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from peewee import Expression

from app.errors import ApiError
from app.ledger import Actor, Change, Ledger
from app.models import Mail, new_id

_CHANGED_AT_ONCE = 500


def put(change: Change, *, kind: str, ref: str, recipient: str, subject: str, body: str) -> None:
    """Leave a mail to be sent once `change` is committed.

    `kind` and `ref` say what it is about, as `ticket.RESOLVED` and the ticket's id. `subject` is at most 255
    characters long; nothing here may hold a secret, since it is stored as it is.
    """
    Mail.create(
        id=new_id(change.now_ms),
        kind=kind,
        ref=ref,
        recipient=recipient,
        subject=subject,
        body=body,
        created_at=change.now_ms,
        attempts=0,
        next_attempt_at=change.now_ms,
    )


def retry(change: Change, mail: Mail) -> None:
    """Have a mail that was not sent tried again, at once and as often as a new one.

    Raises VALIDATION_ERROR if it was sent.
    """
    _check_unsent(mail)
    before = _facts(mail)
    mail.attempts, mail.next_attempt_at = 0, change.now_ms
    mail.failed_at = mail.last_error = None
    mail.save()
    change.audit("mail.retried", "mail", mail.id, before, _facts(mail))


def discard(change: Change, mail: Mail) -> None:
    """Forget a mail that was not sent. Raises VALIDATION_ERROR if it was."""
    _check_unsent(mail)
    mail.delete_instance()
    change.audit("mail.discarded", "mail", mail.id, _facts(mail), None)


def for_each(ledger: Ledger, actor: Actor, which: Expression, do: Callable[[Change, Mail], None]) -> int:
    """Do `retry` or `discard` with every mail of which that is so now; return with how many."""
    # Chosen once: what fails again in the meantime is not taken up a second time.
    ids = [mail.id for mail in Mail.select(Mail.id).where(which).order_by(Mail.id)]
    done = 0
    for start in range(0, len(ids), _CHANGED_AT_ONCE):
        # Few at once: others wait for the lock meanwhile.
        few = Mail.id.in_(ids[start : start + _CHANGED_AT_ONCE])
        with ledger.change(actor) as change:
            for mail in list(Mail.select().where(which, few).order_by(Mail.id)):
                do(change, mail)
                done += 1
    return done


def _check_unsent(mail: Mail) -> None:
    if mail.sent_at is not None:
        raise ApiError("VALIDATION_ERROR", "The mail was sent already.")


def _facts(mail: Mail) -> dict[str, Any]:
    return {
        "kind": mail.kind,
        "ref": mail.ref,
        "recipient": mail.recipient,
        "attempts": mail.attempts,
        "failed": mail.failed_at is not None,
    }
