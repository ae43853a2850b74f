"""Mail about alerts: an account has one for all that were opened since the last.

An alert is marked as mailed in the transaction that leaves the mail in the outbox. So it does not matter at
which look, or in which of a look's many transactions, it was opened, nor where a worker was killed: each is
told by one mail, and none by two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from peewee import Expression, fn

from app.ledger import Actor, Change, Ledger
from app.mail import outbox
from app.mail.alerts import MOST_IN_A_MAIL, alerts_message
from app.models import Account, Alert
from app.models.alert import TYPES

_SYSTEM = Actor("system")


def mail_new_alerts(ledger: Ledger, unfinished: Collection[str], *, host: str, support_url: str) -> None:
    """Leave a mail for each account that has alerts which it was not told of.

    Those of `unfinished` types are to become more yet, and are told with the last of them. `host` is the
    address of this service. Raises `ApiError` DATABASE_UNAVAILABLE.
    """
    unmailed = Alert.mailed_at.is_null() & Alert.type.not_in(unfinished)
    accounts = [row.account_id for row in Alert.select(Alert.account).where(unmailed).distinct()]
    for account_id in accounts:
        with ledger.change(_SYSTEM) as change:
            _mail(change, account_id, (Alert.account == account_id) & unmailed, host, support_url)


def _mail(change: Change, account_id: str, unmailed: Expression, host: str, support_url: str) -> None:
    of_types = Alert.select(Alert.type, fn.COUNT(Alert.id)).where(unmailed).group_by(Alert.type)
    by_type: Any = of_types.tuples()
    first = list(_first(unmailed))
    if not first:
        return  # another worker was quicker
    told = [(alert.type, alert.facts) for alert in first]
    message = alerts_message(told, dict(by_type), host=host, support_url=support_url)
    outbox.put(
        change,
        kind=f"alert.{first[0].type}",
        ref=first[0].id,
        recipient=Account.get_by_id(account_id).email,
        subject=message.subject,
        body=message.body,
    )
    Alert.update(mailed_at=change.now_ms).where(unmailed).execute()


def _first(unmailed: Expression) -> Iterator[Alert]:
    """Those that the mail has room for, by type, of each the oldest first."""
    left = MOST_IN_A_MAIL
    for type in TYPES:
        of_type = Alert.select().where(unmailed, Alert.type == type).order_by(Alert.created_at)
        for alert in of_type.limit(left):
            left -= 1
            yield alert
