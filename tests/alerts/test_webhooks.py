"""The alert webhook: signed, tried again, given up; and what a receiver must be able to rely on."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.alerts import webhook_queue
from app.alerts.webhook_queue import MOST_WAITING
from app.alerts.webhooks import WebhookDelivery, signature
from app.mail.delivery import FIRST_PAUSE_MS
from app.models import Account, Alert, Key, Preferences, WebhookCall
from app.preferences import AlertWebhook, of_account
from app.schemas.alert import alert_answers
from tests.alerts.receiver import Receiver, receiving
from tests.alerts.tower import DAY, Tower
from tests.db.installation import CLI

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


def put_calls(tower: Tower, receiver: Receiver, count: int, account: Account | None = None) -> list[str]:
    """Have calls wait that are to go to the receiver, each due a second after the one before."""
    account = account or tower.account
    tower.preferences.change(CLI, account.id, alert_webhook_url=receiver.url)
    for _ in range(count):
        with tower.installation.ledger.change(CLI) as change:
            webhook_queue.put(change, account.id, "{}")
        tower.wait(1)
    calls = WebhookCall.select().where(WebhookCall.account == account.id)
    return [call.id for call in calls.order_by(WebhookCall.created_at)]


def ids(receiver: Receiver) -> list[str]:
    return [call.headers["X-Vibekeys-Call"] for call in receiver.calls]


@pytest.mark.parametrize("status", [None, 500])
def test_a_receiver_that_fails_is_left_alone_by_all_calls_to_it_for_longer_each_time(
    tower: Tower, receiver: Receiver, delivery: WebhookDelivery, status: int | None
) -> None:
    put_calls(tower, receiver, 3)
    if status is None:
        receiver.answering.clear()
    else:
        receiver.status = status
    for pause in (FIRST_PAUSE_MS, 2 * FIRST_PAUSE_MS, 4 * FIRST_PAUSE_MS):
        before = len(receiver.calls)
        delivery.deliver()
        assert len(receiver.calls) == before + 1
        assert {call.next_attempt_at for call in WebhookCall.select()} == {tower.clock.ms + pause}
        tower.wait(pause / 1000 - 1)
        delivery.deliver()
        assert len(receiver.calls) == before + 1
        tower.wait(1)


def test_a_silent_receiver_does_not_hold_up_those_of_others(
    tower: Tower, receiver: Receiver, delivery: WebhookDelivery
) -> None:
    bob = tower.installation.account("bob@example.com")
    receiver.answering.clear()
    put_calls(tower, receiver, 4)
    with receiving() as quick:
        (call,) = put_calls(tower, quick, 1, bob)
        delivery.deliver()
        delivery.deliver()
        assert (len(receiver.calls), ids(quick)) == (1, [call])


def test_accounts_take_turns(tower: Tower, receiver: Receiver) -> None:
    bob = tower.installation.account("bob@example.com")
    adas = put_calls(tower, receiver, 3)
    (bobs,) = put_calls(tower, receiver, 1, bob)
    passing = count(tower.clock.ms)
    WebhookDelivery(
        tower.installation.db, tower.preferences, lambda: next(passing) / 1000, allow_private=True
    ).deliver()
    assert ids(receiver) == [adas[0], bobs, *adas[1:]]


def test_a_call_that_the_receiver_cannot_bear_holds_up_others_for_one_pause_only(
    tower: Tower, receiver: Receiver, delivery: WebhookDelivery
) -> None:
    receiver.status = 500
    (bad,) = put_calls(tower, receiver, 1)
    delivery.deliver()
    _, good = put_calls(tower, receiver, 1)
    WebhookCall.update(next_attempt_at=tower.clock.ms).execute()
    receiver.status = 204
    delivery.deliver()
    assert ids(receiver) == [bad, good, bad]


def test_a_new_call_waits_with_those_that_wait(
    tower: Tower, receiver: Receiver, delivery: WebhookDelivery
) -> None:
    opened(tower, receiver)
    receiver.status = 500
    delivery.deliver()
    tower.guess(tower.key().key.key_prefix, 10)
    tower.look()
    assert [call.next_attempt_at for call in WebhookCall.select()] == [tower.clock.ms + FIRST_PAUSE_MS] * 2


def test_another_webhook_is_called_at_once(
    tower: Tower, receiver: Receiver, delivery: WebhookDelivery
) -> None:
    put_calls(tower, receiver, 2)
    receiver.status = 500
    delivery.deliver()
    with receiving() as other:
        tower.set(alert_webhook_url=other.url)
        delivery.deliver()
        assert len(other.calls) == 2


def test_of_more_than_a_hundred_calls_the_oldest_are_given_up(tower: Tower, receiver: Receiver) -> None:
    with capture_logs() as lines:
        calls = put_calls(tower, receiver, MOST_WAITING + 2)
    given_up = WebhookCall.select().where(WebhookCall.failed_at.is_null(False))
    assert [call.id for call in given_up.order_by(WebhookCall.created_at)] == calls[:2]
    assert {call.last_error for call in given_up} == {"too many calls wait"}
    told = [line for line in lines if line["event"] == "webhook.given_up"]
    assert [(line["account_id"], line["calls"]) for line in told] == [(tower.account.id, 1)] * 2


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


def test_what_is_younger_than_two_days_is_not_given_up_with_the_rest(
    tower: Tower, receiver: Receiver, delivery: WebhookDelivery
) -> None:
    old, older = put_calls(tower, receiver, 2)
    receiver.status = 500
    for _ in range(40):
        delivery.deliver()
        tower.wait(3_600)
    *_, young = put_calls(tower, receiver, 1)
    for _ in range(20):
        delivery.deliver()
        tower.wait(3_600)
    given_up = WebhookCall.select().where(WebhookCall.failed_at.is_null(False))
    assert {call.id for call in given_up} == {old, older}
    assert WebhookCall.get(WebhookCall.next_attempt_at.is_null(False)).id == young


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


def test_410_gives_up_all_at_once(tower: Tower, receiver: Receiver, delivery: WebhookDelivery) -> None:
    put_calls(tower, receiver, 2)
    receiver.status = 410
    delivery.deliver()
    assert len(receiver.calls) == 1
    assert [call.failed_at for call in WebhookCall.select()] == [tower.clock.ms] * 2


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


def test_many_alerts_go_in_calls_of_fifty(tower: Tower, receiver: Receiver) -> None:
    tower.set(alert_webhook_url=receiver.url)
    for _ in range(55):
        tower.key()
    tower.wait(91 * DAY)
    tower.look()
    told = [[alert["keyId"] for alert in json.loads(call.body)["alerts"]] for call in WebhookCall.select()]
    assert sorted(map(len, told)) == [5, 50]
    assert sorted(key_id for call in told for key_id in call) == sorted(key.id for key in Key.select())


def test_a_signature_is_of_time_and_body() -> None:
    signed = signature("whsec_1", 1_700_000_000, b"{}")
    assert signed == ("t=1700000000,v1=" + hmac.new(b"whsec_1", b"1700000000.{}", hashlib.sha256).hexdigest())
