"""The alert webhook: signed, tried again, given up; and what a receiver must be able to rely on."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.alerts.webhooks import MOST_IN_A_CALL, WebhookDelivery, signature
from app.mail.delivery import FIRST_PAUSE_MS
from app.models import Alert, Key, Preferences, WebhookCall
from app.preferences import AlertWebhook, of_account
from app.schemas.alert import alert_answers
from tests.alerts.receiver import Receiver, receiving
from tests.alerts.tower import DAY, Tower

PATIENCE = 0.5


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def delivery(tower: Tower) -> WebhookDelivery:
    return WebhookDelivery(
        tower.installation.db, tower.preferences, tower.clock, allow_private=True, time_limit=PATIENCE
    )


def opened(tower: Tower, receiver: Receiver | None) -> AlertWebhook:
    """Have an alert opened that is to be told to the receiver."""
    tower.set(alert_webhook_url=receiver.url if receiver else "https://hooks.example.invalid/")
    key = tower.key().key
    tower.guess(key.key_prefix, 10)
    tower.look()
    webhook = tower.preferences.alert_webhook(of_account(tower.account.id))
    assert webhook is not None
    return webhook


def the_call() -> WebhookCall:
    call: WebhookCall = WebhookCall.get()
    return call


def test_a_call_tells_of_the_alert_and_is_signed(
    tower: Tower, receiver: Receiver, delivery: WebhookDelivery
) -> None:
    webhook = opened(tower, receiver)
    tower.wait(42)

    delivery.deliver()

    (call,) = receiver.calls
    assert call.path == "/alerts/planted-receiver-secret?token=1"
    assert call.headers["Content-Type"] == "application/json"
    assert call.headers["X-Vibekeys-Call"] == the_call().id
    told: Any = json.loads(call.body)
    (alert,) = Alert.select()
    assert told == {
        "event": "alerts.opened",
        "accountId": tower.account.id,
        "alerts": alert_answers([alert]),
    }
    # What a receiver does, from the documentation alone.
    parts = dict(part.split("=", 1) for part in call.headers["X-Vibekeys-Signature"].split(","))
    signed = f"{parts['t']}.".encode() + call.body
    assert hmac.new(webhook.secret.encode(), signed, hashlib.sha256).hexdigest() == parts["v1"]
    assert int(parts["t"]) == int(tower.clock.now)
    assert the_call().sent_at == tower.clock.ms
    delivery.deliver()
    assert len(receiver.calls) == 1


def test_an_account_without_a_webhook_is_called_by_nobody(tower: Tower) -> None:
    key = tower.key().key
    tower.guess(key.key_prefix, 10)
    tower.look()
    assert not WebhookCall.select().exists()


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500, 503])
def test_another_answer_is_tried_again_with_pauses_under_the_same_id(
    tower: Tower, receiver: Receiver, delivery: WebhookDelivery, status: int
) -> None:
    opened(tower, receiver)
    receiver.status = status
    delivery.deliver()
    delivery.deliver()
    assert len(receiver.calls) == 1
    assert the_call().last_error == f"status {status}"
    receiver.status = 200
    tower.wait(FIRST_PAUSE_MS / 1000)
    delivery.deliver()
    first, second = receiver.calls
    assert first.headers["X-Vibekeys-Call"] == second.headers["X-Vibekeys-Call"]
    assert first.body == second.body
    assert first.headers["X-Vibekeys-Signature"] != second.headers["X-Vibekeys-Signature"]
    assert (the_call().sent_at, the_call().last_error) == (tower.clock.ms, None)


def test_a_silent_receiver_is_left_alone_for_the_rest_of_the_round(
    tower: Tower, receiver: Receiver, delivery: WebhookDelivery
) -> None:
    opened(tower, receiver)
    WebhookCall.create(**{**the_call().__data__, "id": "another"})
    receiver.answering.clear()
    delivery.deliver()
    assert len(receiver.calls) == 1
    assert {call.last_error for call in WebhookCall.select()} == {"no answer in time", None}


def test_two_days_of_that_and_it_is_given_up(
    tower: Tower, receiver: Receiver, delivery: WebhookDelivery
) -> None:
    opened(tower, receiver)
    receiver.status = 500
    for _ in range(80):
        delivery.deliver()
        tower.wait(3_600)
    call = the_call()
    assert call.failed_at is not None
    assert call.next_attempt_at is None
    assert call.attempts == len(receiver.calls)
    assert 2 * DAY < (call.failed_at - call.created_at) / 1000 < 3 * DAY


def test_a_clock_that_was_put_back_does_not_stop_calls(
    tower: Tower, receiver: Receiver, delivery: WebhookDelivery
) -> None:
    opened(tower, receiver)
    tower.wait(-30 * DAY)
    with capture_logs() as lines:
        delivery.deliver()
    assert (len(receiver.calls), the_call().next_attempt_at) == (1, None)
    assert [line["calls"] for line in lines if line["event"] == "webhook.due_too_far_ahead"] == [1]


def test_a_pause_is_kept_also_by_a_clock_that_was_put_back_by_less(
    tower: Tower, receiver: Receiver, delivery: WebhookDelivery
) -> None:
    opened(tower, receiver)
    tower.wait(-DAY / 24)
    delivery.deliver()
    assert receiver.calls == []
    tower.wait(DAY / 24)
    delivery.deliver()
    assert len(receiver.calls) == 1


def test_410_gives_it_up_at_once(tower: Tower, receiver: Receiver, delivery: WebhookDelivery) -> None:
    opened(tower, receiver)
    receiver.status = 410
    delivery.deliver()
    assert the_call().failed_at == tower.clock.ms


@pytest.mark.parametrize("gone", [None, b"sealed under another secret"])
def test_without_its_webhook_it_is_given_up(
    tower: Tower, receiver: Receiver, delivery: WebhookDelivery, gone: bytes | None
) -> None:
    opened(tower, receiver)
    Preferences.update(alert_webhook_sealed=gone).execute()
    delivery.deliver()
    assert receiver.calls == []
    assert the_call().failed_at == tower.clock.ms


def test_after_a_change_of_the_webhook_calls_go_to_the_new_one(
    tower: Tower, receiver: Receiver, delivery: WebhookDelivery
) -> None:
    opened(tower, None)
    tower.set(alert_webhook_url=receiver.url)
    delivery.deliver()
    assert len(receiver.calls) == 1


def test_an_address_that_is_not_public_is_not_called(tower: Tower, receiver: Receiver) -> None:
    opened(tower, receiver)
    delivery = WebhookDelivery(tower.installation.db, tower.preferences, tower.clock)
    port, urls = receiver.server_port, [receiver.url, receiver.url.replace("http:", "https:")]
    # As if their names told nothing: what the system makes of them is looked at with each call.
    urls += [
        f"https://{host}:{port}/" for host in ("localhost", "127.1", "0x7f.1", "2130706433", "127.0.0.1.")
    ]
    urls += [f"https://[{address}]:{port}/" for address in ("::1", "::ffff:127.0.0.1")]
    for url in urls:
        tower.set(alert_webhook_url=url)
        delivery.deliver()
        tower.wait(DAY / 24)
        assert the_call().last_error in ("its webhook is not https", "its host has no public address")
    assert receiver.calls == []


def test_nothing_of_the_webhook_is_logged(
    tower: Tower, receiver: Receiver, delivery: WebhookDelivery
) -> None:
    webhook = opened(tower, receiver)
    with capture_logs() as lines:
        for receiver.status in (500, 410):
            delivery.deliver()
            tower.wait(60)
    told = json.dumps(lines)
    assert [line["event"] for line in lines] == ["webhook.deferred", "webhook.given_up"]
    assert not any(secret in told for secret in ("planted", webhook.secret, "127.0.0.1"))


def test_many_alerts_go_in_calls_of_a_hundred(tower: Tower, receiver: Receiver) -> None:
    tower.set(alert_webhook_url=receiver.url)
    for _ in range(MOST_IN_A_CALL + 5):
        tower.key()
    tower.wait(91 * DAY)
    tower.look()
    told = [alert["keyId"] for call in WebhookCall.select() for alert in json.loads(call.body)["alerts"]]
    assert sorted(told) == sorted(key.id for key in Key.select())
    assert WebhookCall.select().count() == 2


def test_a_signature_is_of_time_and_body() -> None:
    signed = signature("whsec_1", 1_700_000_000, b"{}")
    assert signed == ("t=1700000000,v1=" + hmac.new(b"whsec_1", b"1700000000.{}", hashlib.sha256).hexdigest())
