"""Does a webhook answer as Bitrix24 does?"""

from __future__ import annotations

from typing import Any

import pytest

from app.bitrix.sandbox import Sandbox
from app.bitrix.throttle import CALLS_AT_ONCE
from app.bitrix.webhook import Prober
from app.errors import ApiError
from tests.bitrix.calling import READ, CallsTo, portal
from tests.bitrix.raw_server import SECRET, RawServer, answer


def _refusal(prober: Prober, **fields: Any) -> ApiError:
    with pytest.raises(ApiError) as refused:
        prober.probe(portal(webhook_url_sealed=b"sealed", **fields))
    assert SECRET not in f"{refused.value!r} {refused.value.details}"
    return refused.value


def test_a_webhook_is_asked_who_it_is_and_what_it_may(calls_to: CallsTo, sandbox: Sandbox) -> None:
    Prober(calls_to(sandbox.webhook_url), 1).probe(portal(webhook_url_sealed=b"sealed"))
    assert [call.method for call in sandbox.calls] == ["profile", "scope"]


def test_a_portal_without_one_is_not_asked(calls_to: CallsTo, sandbox: Sandbox) -> None:
    Prober(calls_to(sandbox.webhook_url), 1).probe(portal())
    assert not sandbox.calls


def test_a_webhook_that_bitrix_does_not_know_is_unavailable(calls_to: CallsTo, sandbox: Sandbox) -> None:
    refused = _refusal(Prober(calls_to(f"{sandbox.webhook_url}x"), 1))
    assert (refused.code, refused.status) == ("BITRIX_UNAVAILABLE", 502)
    assert "has to be given again" in refused.message


@pytest.mark.parametrize("method", ["profile", "scope"])
@pytest.mark.parametrize("kind", ["refuse", "cut", "not_json", "redirect", "huge"])
def test_whatever_goes_wrong_is_unavailable(
    calls_to: CallsTo, sandbox: Sandbox, method: str, kind: Any
) -> None:
    sandbox.faults.add(kind, method=method, times=2)
    assert _refusal(Prober(calls_to(sandbox.webhook_url), 1)).code == "BITRIX_UNAVAILABLE"


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'{"result": true}',
        b'{"result": null}',
        b'{"result": []}',
        b'{"result": {}}',
        b'{"result": {"status": "up"}}',
        b'{"error": ""}',
    ],
)
def test_another_kind_of_server_is_unavailable(calls_to: CallsTo, server: RawServer, body: bytes) -> None:
    server.behave = answer(body)
    assert _refusal(Prober(calls_to(server.url), 1)).code == "BITRIX_UNAVAILABLE"


def test_without_leave_a_private_address_is_not_asked(calls_to: CallsTo, server: RawServer) -> None:
    refused = _refusal(Prober(calls_to(server.url), 1), allow_private=False)
    assert refused.code == "BITRIX_UNAVAILABLE"
    assert not server.requests


def test_a_portal_that_is_called_too_often_is_asked_later(calls_to: CallsTo, sandbox: Sandbox) -> None:
    busy, calls = portal(webhook_url_sealed=b"sealed"), calls_to(sandbox.webhook_url)
    for _ in range(CALLS_AT_ONCE):
        calls.call(busy, READ)
    for _ in range(6):
        calls._throttle.take(busy.id, 10.0)
    with pytest.raises(ApiError) as refused:
        Prober(calls, 1).probe(busy)
    assert (refused.value.code, refused.value.details) == ("RATE_LIMITED", {"scope": "portal"})


def test_a_place_is_given_back_whatever_happens(calls_to: CallsTo, sandbox: Sandbox) -> None:
    prober = Prober(calls_to(sandbox.webhook_url), 1)
    sandbox.faults.add("not_json")
    _refusal(prober)
    prober.probe(portal(webhook_url_sealed=b"sealed"))
