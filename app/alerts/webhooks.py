"""The alert webhook of an account: a call is written down with the alerts that it tells of, and made later.

A call is a POST of JSON, `{"event": "alerts.opened", "accountId", "alerts": [...]}`, with the header::

    X-Vibekeys-Signature: t=<unix seconds>,v1=<hexadecimal HMAC-SHA256>

The HMAC is made with the webhook's secret, of the time, a full stop and the body as it was sent. Whoever gets
the call makes the same HMAC, compares, and refuses what is minutes old. Any 2xx is an answer; all else, and
no answer within a few seconds, puts off what waits for the webhook (`webhook_queue`), and 410 ends it. So a
call may come more than once: `X-Vibekeys-Call` has its id, which is the same each time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Sequence

from peewee import Database

from app.alerts import webhook_queue
from app.alerts.webhook_queue import WebhookQueue
from app.bitrix.network import Destination, Network, NoAnswer
from app.ledger import Change
from app.models import Alert, Preferences, WebhookCall
from app.preferences import AccountPreferences, AlertWebhook, of_account
from app.schemas.alert import alert_answers
from app.secrets import SecretsError

TIME_LIMIT = 5.0
"""Seconds for a whole call."""
LARGEST_ANSWER = 65_536

_ROUND_SECONDS = 1.0
_GONE = 410


def put_call(change: Change, account_id: str, alerts: Sequence[Alert]) -> None:
    """Leave a call that tells of new alerts, if the account has a webhook, to be made after the commit."""
    preferences = Preferences.get_or_none(Preferences.account == account_id)
    if preferences is not None and preferences.alert_webhook_sealed is not None:
        body = {"event": "alerts.opened", "accountId": account_id, "alerts": alert_answers(alerts)}
        webhook_queue.put(change, account_id, json.dumps(body))


def signature(secret: str, now: int, body: bytes) -> str:
    """Return the value of `X-Vibekeys-Signature` for a body that is sent at `now` (unix seconds)."""
    mac = hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256)
    return f"t={now},v1={mac.hexdigest()}"


class WebhookDelivery:
    """Makes the calls that are due. `clock` tells unix seconds.

    `allow_private` admits plain http and addresses that are not public, for tests on one machine.
    """

    def __init__(
        self,
        db: Database,
        preferences: AccountPreferences,
        clock: Callable[[], float],
        *,
        allow_private: bool = False,
        time_limit: float = TIME_LIMIT,
    ) -> None:
        self._queue = WebhookQueue(db, clock)
        self._preferences, self._clock = preferences, clock
        self._allow_private, self._time_limit = allow_private, time_limit
        self._network = Network()

    def deliver(self) -> None:
        """Do what is due, for about a second: then it is time to see whether to go on.

        One process at a time may do so. Raises `ApiError` DATABASE_UNAVAILABLE if the database cannot be
        written.
        """
        self._queue.bring_forward()
        ends_at = time.monotonic() + _ROUND_SECONDS
        while time.monotonic() < ends_at and (call := self._queue.next_due()) is not None:
            if self._queue.claim(call):
                self._attempt(call)
        self._network.close()

    def _attempt(self, call: WebhookCall) -> None:
        """Make one call, and have written down what came of it."""
        try:
            webhook = self._preferences.alert_webhook(of_account(call.account_id))
        except SecretsError:
            self._queue.give_up_all(call.account_id, "the webhook has to be given again")
            return
        if webhook is None:
            self._queue.give_up_all(call.account_id, "there is no webhook any more")
            return
        try:
            status = self._post(webhook, call)
        except NoAnswer as failure:
            self._queue.failed(call, str(failure))
            return
        if 200 <= status <= 299:
            self._queue.sent(call)
        elif status == _GONE:
            self._queue.give_up_all(call.account_id, f"status {status}")
        else:
            self._queue.failed(call, f"status {status}")

    def _post(self, webhook: AlertWebhook, call: WebhookCall) -> int:
        body = call.body.encode()
        signed = signature(webhook.secret, int(self._clock()), body)
        headers = [(b"X-Vibekeys-Signature", signed.encode()), (b"X-Vibekeys-Call", call.id.encode())]
        to = Destination(webhook.url, self._allow_private)
        deadline = time.monotonic() + self._time_limit
        reply = self._network.post(to, "", body, deadline=deadline, largest=LARGEST_ANSWER, headers=headers)
        return reply.status
