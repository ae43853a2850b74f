"""Calls of a portal, against the stand-in Bitrix24 over real HTTP."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.bitrix import portal_calls as module
from app.bitrix import throttle
from app.bitrix.portal_calls import Call, PortalCalls
from app.bitrix.results import Shape
from app.bitrix.sandbox import Sandbox
from app.models import Portal
from tests.bitrix.calling import CREATE, DEALS, READ, CallsTo, portal, refusal
from tests.bitrix.raw_server import RawServer, answer, raw_server


@pytest.fixture
def calls(calls_to: CallsTo, sandbox: Sandbox) -> PortalCalls:
    return calls_to(sandbox.webhook_url)


@pytest.fixture
def ours() -> Portal:
    return portal()


def _count(sandbox: Sandbox, method: str) -> int:
    return sum(call.method == method for call in sandbox.calls)


def _once(calls: PortalCalls, ours: Portal) -> int:
    """How many deals the call `CREATE` has made."""
    made = DEALS._replace(params={**DEALS.params, "filter": {"=title": "once"}})
    return calls.list_pages(ours, made, offset=0, limit=50).total


def test_a_call_gives_what_it_asked_for(calls: PortalCalls, ours: Portal) -> None:
    assert calls.call(ours, READ).value["id"] == 1
    made = calls.call(ours, CREATE).value
    assert calls.call(ours, READ._replace(params={"entityTypeId": 2, "id": made["id"]})).value == made
    gone = Call("tasks.task.get", {"taskId": 99_999}, shape=Shape.ITEM, under="task")
    assert refusal(calls, ours, gone).code == "ENTITY_NOT_FOUND"


def test_a_portal_that_is_not_linked_is_not_called(calls: PortalCalls, sandbox: Sandbox) -> None:
    refused = refusal(calls, portal(linked=False))
    assert (refused.code, refused.status) == ("PORTAL_NOT_LINKED", 400)
    assert refused.details == {"linked": False, "status": "ACTIVE"}
    assert not sandbox.calls


def test_a_portal_without_a_webhook_is_told_so(calls_to: CallsTo, ours: Portal) -> None:
    refused = refusal(calls_to(None), ours)
    assert (refused.code, refused.status) == ("PORTAL_NOT_LINKED", 400)
    assert refused.details == {"linked": True, "status": "ACTIVE", "hasWebhookUrl": False}
    assert "no webhook" in refused.message


@pytest.mark.parametrize(
    ("status", "error", "code", "details"),
    [
        (403, "insufficient_scope", "BITRIX_ACCESS_DENIED", "theirs"),
        (401, "ACCESS_DENIED", "BITRIX_ACCESS_DENIED", "theirs"),
        (400, "ACCESS_DENIED", "BITRIX_ACCESS_DENIED", "theirs"),
        (403, "INVALID_CREDENTIALS", "BITRIX_ACCESS_DENIED", "theirs"),
        (400, "1048582", "BITRIX_ACCESS_DENIED", "theirs"),
        (401, "INVALID_CREDENTIALS", "BITRIX_ERROR", "theirs"),
        (401, "NO_AUTH_FOUND", "BITRIX_ERROR", "theirs"),
        (401, "expired_token", "BITRIX_ERROR", "theirs"),
        (400, "NOT_FOUND", "ENTITY_NOT_FOUND", None),
        (404, "ERROR_METHOD_NOT_FOUND", "BITRIX_ERROR", "theirs"),
        (400, "ERROR_CORE", "BITRIX_ERROR", "theirs"),
        (400, "", "BITRIX_ERROR", "theirs"),
        (400, "0", "BITRIX_ERROR", "theirs"),
        (200, "ERROR_CORE", "BITRIX_ERROR", "theirs"),
        (429, "OPERATION_TIME_LIMIT", "RATE_LIMITED", {"scope": "portal"}),
        (500, "INTERNAL_SERVER_ERROR", "BITRIX_UNAVAILABLE", None),
        (503, "OVERLOAD_LIMIT", "BITRIX_UNAVAILABLE", None),
    ],
)
def test_what_a_refusal_becomes(
    calls: PortalCalls, ours: Portal, sandbox: Sandbox, status: int, error: str, code: str, details: Any
) -> None:
    theirs = {"code": error, "description": "Because of this"}
    sandbox.faults.add("refuse", status=status, error=error, description="Because of this")
    refused = refusal(calls, ours)
    assert refused.code == code
    assert refused.details == (theirs if details == "theirs" else details)
    assert refused.retry_after == (60 if code == "RATE_LIMITED" else None)
    assert len(sandbox.calls) == 1


def test_a_deal_that_is_gone_as_older_portals_tell_it(
    calls: PortalCalls, ours: Portal, sandbox: Sandbox
) -> None:
    sandbox.faults.add("refuse", status=400, error="", description="Not found")
    assert refusal(calls, ours).code == "ENTITY_NOT_FOUND"


def test_a_webhook_that_was_deleted_has_to_be_given_again(
    calls_to: CallsTo, ours: Portal, sandbox: Sandbox
) -> None:
    refused = refusal(calls_to(f"{sandbox.webhook_url}x"), ours)
    assert (refused.code, refused.status) == ("BITRIX_ERROR", 422)
    assert "has to be given again" in refused.message


@pytest.mark.parametrize("call", [READ, CREATE])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("redirect", {}),
        ("redirect", {"status": 308}),
        ("not_json", {}),
        ("not_json", {"status": 502}),
        ("huge", {}),
        ("refuse", {"status": 500, "error": "INTERNAL_SERVER_ERROR"}),
    ],
)
def test_502_and_a_write_may_have_been_done(
    calls: PortalCalls, ours: Portal, sandbox: Sandbox, call: Call, kind: Any, options: dict[str, Any]
) -> None:
    sandbox.faults.add(kind, **options)
    refused = refusal(calls, ours, call)
    assert (refused.code, refused.status) == ("BITRIX_UNAVAILABLE", 502)
    assert refused.details == ({"outcome": "unknown"} if call.write else None)
    assert len(sandbox.calls) == 1, "not made again"


def test_502_for_an_answer_of_a_byte_a_second(calls: PortalCalls, ours: Portal, sandbox: Sandbox) -> None:
    sandbox.faults.add("slow")
    began = time.monotonic()
    refused = refusal(calls, ours, CREATE)
    assert 2.9 < time.monotonic() - began < 4
    assert (refused.code, refused.details) == ("BITRIX_UNAVAILABLE", {"outcome": "unknown"})


@pytest.mark.parametrize("call", [READ, CREATE])
def test_502_when_nothing_was_sent_says_nothing_of_an_outcome(
    calls_to: CallsTo, ours: Portal, call: Call
) -> None:
    with raw_server() as server:
        url = server.url
    refused = refusal(calls_to(url), ours, call)
    assert (refused.code, refused.details) == ("BITRIX_UNAVAILABLE", None)


@pytest.mark.parametrize("where", ["before", "headers", "body", "after"])
@pytest.mark.parametrize("warm", [True, False])
class TestCut:
    """The connection is closed at some point of the call, be it new or kept."""

    def test_a_read_is_made_once_more(
        self, calls: PortalCalls, ours: Portal, sandbox: Sandbox, where: str, warm: bool
    ) -> None:
        _warm(calls, ours, warm)
        sandbox.faults.add("cut", where=where)
        assert calls.call(ours, READ).value["id"] == 1
        assert _count(sandbox, READ.method) == 2

    def test_a_read_is_not_made_a_third_time(
        self, calls: PortalCalls, ours: Portal, sandbox: Sandbox, where: str, warm: bool
    ) -> None:
        _warm(calls, ours, warm)
        sandbox.faults.add("cut", where=where, times=3)
        assert refusal(calls, ours).code == "BITRIX_UNAVAILABLE"
        assert _count(sandbox, READ.method) == 2

    def test_a_write_is_never_doubled(
        self, calls: PortalCalls, ours: Portal, sandbox: Sandbox, where: str, warm: bool
    ) -> None:
        _warm(calls, ours, warm)
        sandbox.faults.add("cut", where=where)
        refused = refusal(calls, ours, CREATE)
        assert (refused.code, refused.details) == ("BITRIX_UNAVAILABLE", {"outcome": "unknown"})
        assert _count(sandbox, CREATE.method) == 1
        assert _once(calls, ours) == (0 if where == "before" else 1)

    def test_a_batch_with_a_write_in_it_is_a_write(
        self, calls: PortalCalls, ours: Portal, sandbox: Sandbox, where: str, warm: bool
    ) -> None:
        _warm(calls, ours, warm)
        sandbox.faults.add("cut", where=where)
        with pytest.raises(module.ApiError) as refused:
            calls.batch(ours, {"read": READ, "create": CREATE})
        assert refused.value.details == {"outcome": "unknown"}
        assert _count(sandbox, "batch") == 1
        assert _once(calls, ours) == (0 if where == "before" else 1)


def _warm(calls: PortalCalls, ours: Portal, warm: bool) -> None:
    if warm:
        calls.call(ours, Call("profile"))


def test_a_reader_does_not_notice_a_server_that_closes_what_it_said_it_would_keep(
    calls: PortalCalls, ours: Portal, sandbox: Sandbox
) -> None:
    sandbox.faults.add("close_idle", times=3)
    assert [calls.call(ours, READ).value["id"] for _ in range(4)] == [1] * 4
    assert len({call.connection for call in sandbox.calls}) == 4


class TestTooFast:
    """Bitrix24 itself says that it is called too often."""

    def test_a_call_is_made_again_after_a_pause(
        self, calls: PortalCalls, ours: Portal, sandbox: Sandbox
    ) -> None:
        sandbox.faults.add("refuse", status=503, error="QUERY_LIMIT_EXCEEDED")
        began = time.monotonic()
        calls.call(ours, CREATE)
        assert time.monotonic() - began >= 0.5
        assert _once(calls, ours) == 1

    def test_429_when_the_caller_can_wait_no_longer(
        self, calls: PortalCalls, ours: Portal, sandbox: Sandbox
    ) -> None:
        sandbox.faults.add("refuse", status=503, error="QUERY_LIMIT_EXCEEDED", times=None)
        began = time.monotonic()
        refused = refusal(calls, ours)
        assert time.monotonic() - began < throttle.LONGEST_WAIT
        assert (refused.code, refused.status, refused.details) == ("RATE_LIMITED", 429, {"scope": "portal"})
        assert refused.retry_after == 1
        assert _count(sandbox, READ.method) == 3

    @pytest.mark.parametrize("call", [READ, CREATE])
    def test_429_at_once_when_it_asks_for_more_than_the_caller_can_wait(
        self, calls_to: CallsTo, ours: Portal, server: RawServer, call: Call
    ) -> None:
        server.behave = answer(b"slow down", "429 Too Many Requests", "Retry-After: 90\r\n")
        began = time.monotonic()
        refused = refusal(calls_to(server.url), ours, call)
        assert time.monotonic() - began < 1.0
        assert (refused.code, refused.retry_after) == ("RATE_LIMITED", 90)
        assert len(server.all_requests) == 1

    def test_other_callers_of_the_portal_wait_too(
        self, calls: PortalCalls, ours: Portal, sandbox: Sandbox
    ) -> None:
        sandbox.faults.add("refuse", status=503, error="QUERY_LIMIT_EXCEEDED")
        calls.call(ours, READ)
        began = time.monotonic()
        calls.call(ours, READ)
        assert time.monotonic() - began > 0.3


def test_our_own_throttle_keeps_the_portals_limit(calls: PortalCalls, ours: Portal, sandbox: Sandbox) -> None:
    for _ in range(throttle.CALLS_AT_ONCE):
        calls.call(ours, READ)
    began = time.monotonic()
    calls.call(ours, READ)
    assert 0.3 < time.monotonic() - began < 1.0
    assert {call.status for call in sandbox.calls} == {200}


def test_a_slow_portal_leaves_threads_for_others(calls_to: CallsTo, sandbox: Sandbox) -> None:
    calls, slow, other = calls_to(sandbox.webhook_url, THREADS="4"), portal(), portal()
    sandbox.faults.add("delay", method="profile", seconds=2.0, times=2)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(calls.call, slow, Call("profile")) for _ in range(2)]
        _until_taken(calls, slow, 2)
        began = time.monotonic()
        refused = refusal(calls, slow)
        waited = time.monotonic() - began
        assert calls.call(other, READ).value["id"] == 1
        assert not any(one.done() for one in waiting)
        assert [one.result().value["ID"] for one in waiting] == ["1", "1"]
    assert (refused.code, refused.retry_after) == ("RATE_LIMITED", 1)
    assert 0.4 < waited < 1.0
    calls.call(slow, READ)
    assert calls._places._taken == {}


def _until_taken(calls: PortalCalls, of: Portal, places: int) -> None:
    deadline = time.monotonic() + 5
    while calls._places._taken.get(of.id) != places:
        assert time.monotonic() < deadline
        threading.Event().wait(0.005)


class TestBatch:
    """Many calls in one request."""

    def test_each_call_has_its_own_outcome(self, calls: PortalCalls, ours: Portal, sandbox: Sandbox) -> None:
        missing = READ._replace(params={"entityTypeId": 2, "id": 99_999})
        outcomes = calls.batch(ours, {"0": READ, "gone": missing, "list": DEALS, "made": CREATE})
        assert outcomes.results["0"].value["id"] == 1
        assert (len(outcomes.results["list"].value), outcomes.results["list"].total) == (50, 120)
        assert outcomes.results["made"].value["title"] == "once"
        assert {name: error.code for name, error in outcomes.errors.items()} == {"gone": "ENTITY_NOT_FOUND"}
        assert [call.method for call in sandbox.calls] == ["batch"]

    def test_a_value_that_bitrix_would_replace_never_leaves(
        self, calls: PortalCalls, ours: Portal, sandbox: Sandbox
    ) -> None:
        spying = CREATE._replace(params={"entityTypeId": 2, "fields": {"title": "$result[c0][item][id]"}})
        outcomes = calls.batch(ours, {"read": READ, "spying": spying})
        assert outcomes.errors["spying"].code == "VALIDATION_ERROR"
        assert set(outcomes.results) == {"read"}
        assert len(sandbox.calls[0].params["cmd"]) == 1
        assert calls.call(ours, spying).value["title"] == "$result[c0][item][id]", "alone it is a text"

    def test_what_php_would_drop_never_leaves(
        self, calls: PortalCalls, ours: Portal, sandbox: Sandbox
    ) -> None:
        many = _many(901)
        outcomes = calls.batch(ours, {"read": READ, "many": many})
        assert outcomes.errors["many"].code == "VALIDATION_ERROR"
        assert "900 values" in str(outcomes.errors["many"].details)
        assert set(outcomes.results) == {"read"}
        assert len(sandbox.calls[0].params["cmd"]) == 1

    def test_more_than_a_mebibyte_never_leaves(
        self, calls: PortalCalls, ours: Portal, sandbox: Sandbox
    ) -> None:
        large = CREATE._replace(params={"entityTypeId": 2, "fields": {"title": "é" * 100_000}})
        with pytest.raises(module.ApiError) as refused:
            calls.batch(ours, {"read": READ, "a": large, "b": large})
        assert (refused.value.code, list(refused.value.details or ())) == ("VALIDATION_ERROR", ["calls"])
        assert not sandbox.calls
        assert set(calls.batch(ours, {"a": large}).results) == {"a"}

    def test_nothing_to_send_sends_nothing(self, calls: PortalCalls, ours: Portal, sandbox: Sandbox) -> None:
        assert calls.batch(ours, {}) == module.Outcomes()
        assert not sandbox.calls


class TestListPages:
    """Parts of a list of 120 deals."""

    @pytest.mark.parametrize(
        ("offset", "limit", "requests"),
        [
            (0, 50, ["crm.item.list"]),
            (0, 1, ["crm.item.list"]),
            (50, 50, ["crm.item.list"]),
            (49, 2, ["crm.item.list", "batch"]),
            (7, 93, ["crm.item.list", "batch"]),
            (0, 5_000, ["crm.item.list", "batch"]),
            (119, 10, ["crm.item.list"]),
            (120, 10, ["crm.item.list"]),
            (10_000, 10, ["crm.item.list"]),
        ],
    )
    def test_every_part_is_right(
        self,
        calls: PortalCalls,
        ours: Portal,
        sandbox: Sandbox,
        offset: int,
        limit: int,
        requests: list[str],
    ) -> None:
        listed = calls.list_pages(ours, DEALS, offset=offset, limit=limit)
        assert [item["id"] for item in listed.items] == list(range(1, 121))[offset:][:limit]
        assert listed.total == 120
        assert [call.method for call in sandbox.calls] == requests

    def test_users_and_tasks_are_lists_of_other_forms(self, calls: PortalCalls, ours: Portal) -> None:
        all_users = Call("user.get", shape=Shape.ITEMS)
        all_tasks = Call("tasks.task.list", shape=Shape.ITEMS, under="tasks")
        users = calls.list_pages(ours, all_users, offset=0, limit=5_000)
        tasks = calls.list_pages(ours, all_tasks, offset=0, limit=5_000)
        assert 0 < len(users.items) == users.total
        assert 0 < len(tasks.items) == tasks.total

    def test_a_page_that_fails_fails_the_list(
        self, calls: PortalCalls, ours: Portal, sandbox: Sandbox
    ) -> None:
        # The first is met by the first page, the second by the second inside the batch.
        sandbox.faults.add("delay", method="crm.item.list", seconds=0.0)
        sandbox.faults.add("refuse", method="crm.item.list", status=400, error="ERROR_CORE")
        with pytest.raises(module.ApiError) as refused:
            calls.list_pages(ours, DEALS, offset=0, limit=500)
        assert refused.value.code == "BITRIX_ERROR"

    def test_pages_that_no_batch_can_hold_are_not_begun(
        self, calls: PortalCalls, ours: Portal, sandbox: Sandbox
    ) -> None:
        long = DEALS._replace(params={**DEALS.params, "filter": {"@title": ["x" * 500] * 400}})
        for call, limit in ((long, 350), (_many(901), 100), (_text("$result[c0]"), 51)):
            with pytest.raises(module.ApiError) as refused:
                calls.list_pages(ours, call, offset=0, limit=limit)
            assert refused.value.code == "VALIDATION_ERROR"
            assert list(refused.value.details or ()) == ["limit"]
        assert not sandbox.calls
        assert calls.list_pages(ours, long, offset=0, limit=250).total == 0
        assert calls.list_pages(ours, _many(901), offset=0, limit=50).total == 120
        assert [len(call.params["filter"]) for call in sandbox.calls] == [1, 1]

    def test_what_is_no_list_is_refused(self, calls: PortalCalls, ours: Portal) -> None:
        with pytest.raises(module.ApiError) as refused:
            calls.list_pages(ours, Call("profile", shape=Shape.ITEMS), offset=0, limit=50)
        assert refused.value.code == "BITRIX_UNAVAILABLE"


def _many(values: int) -> Call:
    return DEALS._replace(params={**DEALS.params, "filter": {"@id": list(range(1, values + 1))}})


def _text(title: str) -> Call:
    return DEALS._replace(params={**DEALS.params, "filter": {"=title": title}})


def test_no_secret_in_what_is_logged_or_told(
    calls_to: CallsTo, sandbox: Sandbox, ours: Portal, capfd: pytest.CaptureFixture[str]
) -> None:
    url = sandbox.webhook_url
    secret = url.rpartition("/")[2]
    calls = calls_to(url)
    told = []
    for kind in ("cut", "not_json", "redirect", "huge"):
        sandbox.faults.add(kind, times=2)  # type: ignore[arg-type]
        told.append(refusal(calls, ours, CREATE))
        sandbox.faults.clear()
    sandbox.faults.add("refuse", description=f"POST {url}/crm.item.get.json failed")
    told.append(refusal(calls, ours))
    logged = "".join(capfd.readouterr())
    assert logged.count("bitrix.failed") == 4
    assert ours.id in logged
    assert all(secret not in text for text in (logged, *(f"{one!r} {one.details}" for one in told)))
