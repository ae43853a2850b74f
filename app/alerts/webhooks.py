"""The alert webhook of an account: a call is written down with the alerts that it tells of, and made later.

A call is a POST of JSON, `{"event": "alerts.opened", "accountId", "alerts": [...]}`, with the header::

    X-Vibekeys-Signature: t=<unix seconds>,v1=<hexadecimal HMAC-SHA256>

The HMAC is made with the webhook's secret, of the time, a full stop and the body as it was sent. Whoever gets
the call makes the same HMAC, compares, and refuses what is minutes old. Any 2xx is an answer; all else, and
no answer within a few seconds, has the call tried again with the pauses of mails (`app.mail.delivery`), until
it is given up after two days. 410 gives it up at once. A call that is due later than any pause would have it
was put off by a clock that has been put back since, and counts as due. So a call may come more than once:
`X-Vibekeys-Call` has its id, which is the same each time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Sequence

import structlog
from peewee import Database, Expression

from app.bitrix.network import Destination, Network, NoAnswer
from app.db import writing
from app.ledger import Change
from app.mail.delivery import GIVEN_UP_AFTER_MS, LONGEST_PAUSE_MS, pause_ms, tried_for_ms
from app.models import Alert, Preferences, WebhookCall, new_id
from app.preferences import AccountPreferences, AlertWebhook, of_account
from app.schemas.alert import alert_answers
from app.secrets import SecretsError

MOST_IN_A_CALL = 100
TIME_LIMIT = 5.0
"""Seconds for a whole call."""
LARGEST_ANSWER = 65_536

_ROUND_SECONDS = 1.0
_GONE = 410
_LONGEST_REASON = 255

log = structlog.get_logger(__name__)


def put_call(change: Change, account_id: str, alerts: Sequence[Alert]) -> None:
    """Leave calls that tell of new alerts, if the account has a webhook, to be made after the commit."""
    preferences = Preferences.get_or_none(Preferences.account == account_id)
    if preferences is None or preferences.alert_webhook_sealed is None:
        return
    for start in range(0, len(alerts), MOST_IN_A_CALL):
        told = alert_answers(alerts[start : start + MOST_IN_A_CALL])
        WebhookCall.create(
            id=new_id(change.now_ms),
            account=account_id,
            body=json.dumps({"event": "alerts.opened", "accountId": account_id, "alerts": told}),
            created_at=change.now_ms,
            attempts=0,
            next_attempt_at=change.now_ms,
        )


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
        self._db, self._preferences, self._clock = db, preferences, clock
        self._allow_private, self._time_limit = allow_private, time_limit
        self._network = Network()

    def deliver(self) -> None:
        """Do what is due, for about a second: then it is time to see whether to go on.

        One process at a time may do so. A webhook that does not answer is left alone for the rest of it.
        Raises `ApiError` DATABASE_UNAVAILABLE if the database cannot be written.
        """
        self._bring_forward()
        silent: list[str] = []
        ends_at = time.monotonic() + _ROUND_SECONDS
        while time.monotonic() < ends_at and (call := self._due(silent)) is not None:
            if self._claim(call) and not self._attempt(call):
                silent.append(call.account_id)
        self._network.close()

    def _bring_forward(self) -> None:
        now = self._now_ms()
        too_far_ahead = _waiting() & (WebhookCall.next_attempt_at > now + LONGEST_PAUSE_MS)
        if not WebhookCall.select().where(too_far_ahead).exists():
            return  # as nearly always, and without the write lock
        with writing(self._db):
            put_off = WebhookCall.update(next_attempt_at=now).where(too_far_ahead).execute()
        log.warning("webhook.due_too_far_ahead", calls=put_off)

    def _due(self, silent: Sequence[str]) -> WebhookCall | None:
        due = _waiting() & (WebhookCall.next_attempt_at <= self._now_ms())
        calls = WebhookCall.select().where(due, WebhookCall.account.not_in(silent))
        found: WebhookCall | None = calls.order_by(WebhookCall.next_attempt_at).first()
        return found

    def _claim(self, call: WebhookCall) -> bool:
        """Write an attempt down before it is made, so that a database that cannot be written stops all."""
        call.attempts += 1
        return self._update(
            call, attempts=call.attempts, next_attempt_at=self._now_ms() + pause_ms(call.attempts)
        )

    def _attempt(self, call: WebhookCall) -> bool:
        """Make one call and write down what came of it; False if there is no use in others of the account."""
        try:
            webhook = self._preferences.alert_webhook(of_account(call.account_id))
        except SecretsError:
            self._give_up(call, "the webhook has to be given again")
            return True
        if webhook is None:
            self._give_up(call, "there is no webhook any more")
            return True
        try:
            status = self._post(webhook, call)
        except NoAnswer as failure:
            self._failed(call, str(failure))
            return False
        if 200 <= status <= 299:
            self._update(call, sent_at=self._now_ms(), next_attempt_at=None, last_error=None)
            log.info("webhook.sent", **_facts(call))
        elif status == _GONE:
            self._give_up(call, f"status {status}")
        else:
            self._failed(call, f"status {status}")
        return 200 <= status <= 299

    def _post(self, webhook: AlertWebhook, call: WebhookCall) -> int:
        body = call.body.encode()
        signed = signature(webhook.secret, int(self._clock()), body)
        headers = [(b"X-Vibekeys-Signature", signed.encode()), (b"X-Vibekeys-Call", call.id.encode())]
        to = Destination(webhook.url, self._allow_private)
        deadline = time.monotonic() + self._time_limit
        reply = self._network.post(to, "", body, deadline=deadline, largest=LARGEST_ANSWER, headers=headers)
        return reply.status

    def _failed(self, call: WebhookCall, reason: str) -> None:
        if tried_for_ms(call.attempts) >= GIVEN_UP_AFTER_MS:
            self._give_up(call, reason)
        else:
            self._update(
                call,
                next_attempt_at=self._now_ms() + pause_ms(call.attempts),
                last_error=reason[:_LONGEST_REASON],
            )
            log.warning("webhook.deferred", **_facts(call), reason=reason)

    def _give_up(self, call: WebhookCall, reason: str) -> None:
        error = reason[:_LONGEST_REASON]
        self._update(call, failed_at=self._now_ms(), next_attempt_at=None, last_error=error)
        log.warning("webhook.given_up", **_facts(call), reason=reason)

    def _update(self, call: WebhookCall, **values: object) -> bool:
        with writing(self._db):
            unchanged = (WebhookCall.id == call.id) & _waiting()
            return bool(WebhookCall.update(**values).where(unchanged).execute())

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _waiting() -> Expression:
    return WebhookCall.sent_at.is_null() & WebhookCall.failed_at.is_null()


def _facts(call: WebhookCall) -> dict[str, object]:
    return {"call_id": call.id, "account_id": call.account_id, "attempts": call.attempts}
