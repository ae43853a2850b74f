"""The outbox: a mail is decided on in the transaction of the change that it tells of, and sent later.

So there is no mail of a change that was undone, no change without its mail, and no request waits for an SMTP
server. `app.mail.delivery` does the rest.
"""

from __future__ import annotations

from app.ledger import Change
from app.models import Mail, new_id


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
