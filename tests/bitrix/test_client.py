"""Answers as they come, oddities included, from a server on a real socket."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.bitrix.client import Call, Result, Webhook
from app.bitrix.failures import BitrixError, Kind
from app.bitrix.network import Network
from app.bitrix.results import Shape
from tests.bitrix.raw_server import SECRET, RawServer, answer

GET = Call("crm.item.get", {"entityTypeId": 2, "id": 5})


@pytest.fixture
def webhook(network: Network, server: RawServer) -> Webhook:
    return Webhook(f"{server.url}/", allow_private=True, network=network)


def _give(server: RawServer, body: Any, status: str = "200 OK") -> None:
    server.behave = answer(body if isinstance(body, bytes) else json.dumps(body).encode(), status)


def _error(webhook: Webhook, call: Call = GET) -> BitrixError:
    with pytest.raises(BitrixError) as raised:
        webhook.call(call)
    assert SECRET not in f"{raised.value} {raised.value.text} {raised.value.code}"
    return raised.value


def test_a_call_is_a_post_of_its_parameters_as_json(webhook: Webhook, server: RawServer) -> None:
    _give(server, {"result": {"item": {"id": 5}}, "time": {}})
    assert webhook.call(GET) == Result({"item": {"id": 5}})
    assert server.all_requests[0].startswith(f"POST /rest/1/{SECRET}/crm.item.get.json ".encode())
    assert json.loads(server.all_requests[0].partition(b"\r\n\r\n")[2]) == {"entityTypeId": 2, "id": 5}


@pytest.mark.parametrize(
    ("numbers", "total", "next_start"),
    [
        ({"total": 73, "next": 50}, 73, 50),
        ({"total": "73", "next": "50"}, 73, 50),
        ({"total": 0}, 0, None),
        ({"total": None, "next": "many"}, None, None),
        ({"total": 5.0}, 5, None),
        ({"total": 2**53 - 1}, 2**53 - 1, None),
        ({"total": []}, None, None),
        ({"total": -1, "next": "-50"}, None, None),
        ({"total": 2**53}, None, None),
        ({"total": 10**30, "next": 1e300}, None, None),
        ({"total": "9" * 4_000}, None, None),
        ({"total": True, "next": 7.5}, None, None),
    ],
)
def test_a_lists_numbers_may_be_strings_or_nonsense(
    webhook: Webhook, server: RawServer, numbers: dict[str, Any], total: int | None, next_start: int | None
) -> None:
    _give(server, {"result": [], **numbers})
    assert webhook.call(GET) == Result([], total, next_start)


@pytest.mark.parametrize("value", [None, [], {}, "", 0, False, True])
def test_any_result_is_a_result(webhook: Webhook, server: RawServer, value: Any) -> None:
    _give(server, {"result": value})
    assert webhook.call(GET).value == value


def test_what_was_asked_for_is_taken_from_under_its_name(webhook: Webhook, server: RawServer) -> None:
    under = GET._replace(shape=Shape.ITEM, under="item")
    _give(server, {"result": {"item": {"id": 5}}})
    assert webhook.call(under).value == {"id": 5}
    _give(server, {"result": {"task": {"id": 5}}})
    assert _error(webhook, under).kind is Kind.UNUSABLE


def test_an_error_that_is_null_is_none(webhook: Webhook, server: RawServer) -> None:
    _give(server, {"error": None, "error_description": "", "result": {"id": 5}})
    assert webhook.call(GET).value == {"id": 5}
    _give(server, {"error": None, "error_description": "No", "result": {}}, "400 Bad Request")
    assert _error(webhook).kind is Kind.REFUSED
    _give(server, {"error": None})
    assert _error(webhook).kind is Kind.UNUSABLE


@pytest.mark.parametrize("code", ["", "0", "100", 100, "ERROR_CORE", {"a": 1}])
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "404 Not Found"])
def test_an_error_is_told_by_its_presence(
    webhook: Webhook, server: RawServer, code: Any, status: str
) -> None:
    _give(server, {"error": code, "error_description": "No", "result": {}}, status)
    error = _error(webhook)
    assert (error.kind, error.text) == (Kind.REFUSED, "No")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>503</html>",
        b"[]",
        b'"result"',
        b"{}",
        b'{"Result": 1}',
        b'{"result": ',
        b'{"result": NaN}',
        b'{"result": -Infinity}',
        b'{"result": 1e400}',
        b'{"result": "\xff"}',
        b'{"result": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"result": ' + b"9" * 10_000 + b"}",
    ],
)
def test_what_is_not_an_answer_is_unusable(webhook: Webhook, server: RawServer, body: bytes) -> None:
    _give(server, body)
    assert _error(webhook).kind is Kind.UNUSABLE


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        ("302 Found", {"result": {}}, Kind.UNUSABLE),
        ("301 Moved Permanently", {"error": "ACCESS_DENIED"}, Kind.UNUSABLE),
        ("404 Not Found", b"<html>", Kind.UNUSABLE),
        ("404 Not Found", {}, Kind.REFUSED),
        ("500 Internal Server Error", {"result": {}}, Kind.UNUSABLE),
        ("502 Bad Gateway", b"<html>", Kind.UNUSABLE),
        ("503 Service Unavailable", b"<html>", Kind.UNUSABLE),
    ],
)
def test_other_statuses(webhook: Webhook, server: RawServer, status: str, body: Any, kind: Kind) -> None:
    _give(server, body, status)
    assert _error(webhook).kind is kind


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("17", 17),
        ("3600", 3600),
        ("3601", None),
        ("0", 0),
        ("1.5", None),
        ("-1", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("", None),
        (None, None),
    ],
)
@pytest.mark.parametrize(
    "body",
    [b"", b"slow down", b"[]", b'{"result": {}}', b'{"error": "ACCESS_DENIED"}', b'{"error": null}'],
)
def test_429_is_too_fast_whatever_its_body(
    webhook: Webhook, server: RawServer, body: bytes, told: str | None, seconds: int | None
) -> None:
    headers = "" if told is None else f"Retry-After: {told}\r\n"
    server.behave = answer(body, "429 Too Many Requests", headers)
    error = _error(webhook)
    assert (error.kind, error.retry_after) == (Kind.TOO_FAST, seconds)


@pytest.mark.parametrize(("headers", "wait"), [("", 60), ("Retry-After: 17\r\n", 17)])
def test_429_for_the_load_of_a_method_is_too_much(
    webhook: Webhook, server: RawServer, headers: str, wait: int
) -> None:
    server.behave = answer(b'{"error": "OPERATION_TIME_LIMIT"}', "429 Too Many Requests", headers)
    error = _error(webhook)
    assert error.kind is Kind.TOO_MUCH
    assert error.as_api_error("company.example", write=True).retry_after == wait


def test_an_answer_larger_than_its_bound_is_unusable(webhook: Webhook, server: RawServer) -> None:
    _give(server, {"result": "x" * (1 << 20)})
    assert _error(webhook).kind is Kind.UNUSABLE
    _give(server, {"result": {"result": {"c0": "x" * (2 << 20)}}})
    assert webhook.batch({"large": Call("profile")}) == {"large": Result("x" * (2 << 20))}


def test_lone_surrogates_become_question_marks(webhook: Webhook, server: RawServer) -> None:
    _give(server, b'{"result": {"title": "a\\ud800b \\ud83d\\ude00 \\u00e9"}}')
    value = webhook.call(GET).value
    assert value == {"title": "a?b 😀 é"}
    json.dumps(value, ensure_ascii=False).encode()


def test_a_description_is_one_bounded_line_without_secrets(webhook: Webhook, server: RawServer) -> None:
    raw_key = "vibe_api_" + "0" * 64
    _give(server, {"error": "X" * 9_000, "error_description": f"{SECRET}\n {raw_key} " + "y" * 9_000})
    error = _error(webhook)
    assert error.text.startswith("*** vibe_api_000000*** yyy")
    assert len(error.text) + len(error.code or "") < 1_100


@pytest.mark.parametrize("before", [0, 495, 498])
@pytest.mark.parametrize("quoted", [SECRET, SECRET.upper()])
def test_no_part_of_the_secret_is_told(webhook: Webhook, server: RawServer, quoted: str, before: int) -> None:
    text = "-" * before + quoted + "-" * 100
    _give(server, {"error": text, "error_description": text})
    error = _error(webhook)
    assert "s" not in f"{error.text}{error.code}".lower()


class TestBatch:
    """Up to 50 calls in one request."""

    def test_calls_are_query_strings_under_names_that_are_no_list(
        self, webhook: Webhook, server: RawServer
    ) -> None:
        _give(server, {"result": {"result": {"c0": 1, "c1": 2}, "result_error": []}})
        calls = {"0": GET, "x[y]&z": Call("crm.item.update", {"fields": {"title": "a&b"}})}
        assert webhook.batch(calls) == {"0": Result(1), "x[y]&z": Result(2)}
        assert json.loads(server.all_requests[0].partition(b"\r\n\r\n")[2]) == {
            "halt": 0,
            "cmd": {
                "c0": "crm.item.get?entityTypeId=2&id=5",
                "c1": "crm.item.update?fields%5Btitle%5D=a%26b",
            },
        }

    def test_each_call_has_its_own_outcome(self, webhook: Webhook, server: RawServer) -> None:
        _give(
            server,
            {
                "result": {
                    "result": {"c0": {"items": [{"id": 1}]}, "c3": None},
                    "result_error": {"c1": {"error": "NOT_FOUND", "error_description": ""}},
                    "result_total": {"c0": "73"},
                    "result_next": {"c0": 50},
                    "result_time": [],
                }
            },
        )
        list_ = Call("crm.item.list", shape=Shape.ITEMS, under="items")
        asked = dict.fromkeys(("list", "gone", "forgotten"), list_)
        outcomes = webhook.batch({**asked, "nothing": Call("crm.item.delete")})
        assert outcomes["list"] == Result([{"id": 1}], 73, 50)
        assert outcomes["nothing"] == Result(None)
        kinds = {name: error.kind for name, error in outcomes.items() if isinstance(error, BitrixError)}
        assert kinds == {"gone": Kind.MISSING, "forgotten": Kind.UNUSABLE}

    @pytest.mark.parametrize(
        "result", [[], {}, None, True, {"result": [], "result_error": []}, {"result": 5}]
    )
    def test_a_call_that_the_answer_lacks_has_failed(
        self, webhook: Webhook, server: RawServer, result: Any
    ) -> None:
        _give(server, {"result": result})
        (outcome,) = webhook.batch({"a": GET}).values()
        assert isinstance(outcome, BitrixError)
        assert outcome.kind is Kind.UNUSABLE

    def test_an_error_that_is_null_is_none(self, webhook: Webhook, server: RawServer) -> None:
        _give(server, {"result": {"result": {"c0": 1}, "result_error": {"c0": None}}})
        assert webhook.batch({"a": GET}) == {"a": Result(1)}

    @pytest.mark.parametrize("error", ["insufficient_scope", [], 5])
    def test_an_error_of_any_form_is_an_error(self, webhook: Webhook, server: RawServer, error: Any) -> None:
        _give(server, {"result": {"result": {"c0": 1}, "result_error": {"c0": error}}})
        (outcome,) = webhook.batch({"a": GET}).values()
        assert isinstance(outcome, BitrixError)
        assert outcome.kind is Kind.REFUSED

    def test_maps_that_php_made_lists_of_are_read_by_place(self, webhook: Webhook, server: RawServer) -> None:
        _give(server, {"result": {"result": {"c0": 1}, "result_error": [{"error": "no call of ours"}]}})
        assert webhook.batch({"a": GET}) == {"a": Result(1)}
