"""What Bitrix24's answers become: every row of the mapping, for a call that reads and for one that writes."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.bitrix import throttle
from app.bitrix.sandbox import Sandbox
from tests.api.linked import Linked
from tests.api.world import World

READ, WRITE = ("GET", "/v1/deals/1", None), ("POST", "/v1/deals", {"title": "x"})
METHOD = {"GET": "crm.item.get", "POST": "crm.item.add"}
UNKNOWN = {"outcome": "unknown"}


def refuse(status: int, error: str, description: str = "why") -> tuple[str, dict[str, Any]]:
    return "refuse", {"status": status, "error": error, "description": description}


def theirs(code: str) -> dict[str, str]:
    return {"code": code, "description": "why"}


REFUSALS: list[tuple[tuple[str, dict[str, Any]], int, str, Any]] = [
    (refuse(403, "insufficient_scope"), 403, "BITRIX_ACCESS_DENIED", theirs("insufficient_scope")),
    (refuse(401, "ACCESS_DENIED"), 403, "BITRIX_ACCESS_DENIED", theirs("ACCESS_DENIED")),
    (refuse(400, "NOT_FOUND"), 404, "ENTITY_NOT_FOUND", None),
    (refuse(400, "", "Not found"), 404, "ENTITY_NOT_FOUND", None),
    (refuse(400, "ERROR_CORE"), 422, "BITRIX_ERROR", theirs("ERROR_CORE")),
    (refuse(400, ""), 422, "BITRIX_ERROR", theirs("")),
    (refuse(400, "0"), 422, "BITRIX_ERROR", theirs("0")),
    (refuse(200, "100"), 422, "BITRIX_ERROR", theirs("100")),
    (refuse(404, "ERROR_METHOD_NOT_FOUND"), 422, "BITRIX_ERROR", theirs("ERROR_METHOD_NOT_FOUND")),
    (refuse(401, "INVALID_CREDENTIALS"), 422, "BITRIX_ERROR", theirs("INVALID_CREDENTIALS")),
    (refuse(429, "OPERATION_TIME_LIMIT"), 429, "RATE_LIMITED", {"scope": "portal"}),
]
BROKEN: list[tuple[str, dict[str, Any]]] = [
    refuse(500, "INTERNAL_SERVER_ERROR"),
    ("redirect", {}),
    ("redirect", {"status": 301}),
    ("not_json", {}),
    ("not_json", {"status": 500}),
    ("not_json", {"status": 404}),
    ("not_json", {"text": "[]"}),
    ("not_json", {"text": '{"result": NaN}'}),
    ("huge", {"bytes": (1 << 20) + 1}),
]


@pytest.mark.parametrize("call", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize(("fault", "status", "code", "details"), REFUSALS, ids=lambda it: str(it)[:60])
def test_a_refusal_becomes(
    linked: Linked, call: Any, fault: tuple[str, dict[str, Any]], status: int, code: str, details: Any
) -> None:
    method, path, body = call
    kind, options = fault
    linked.sandbox.faults.add(kind, **options)  # type: ignore[arg-type]

    answer = linked.call(method, path, json=body)

    assert (answer.status, answer.code, answer.error.get("details")) == (status, code, details)
    assert (answer.headers.get("Retry-After") is not None) == (status == 429)
    assert linked.methods == [METHOD[method]]
    assert linked.call(method, path, json=body).status in (200, 201)


@pytest.mark.parametrize("call", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize(("kind", "options"), BROKEN, ids=lambda it: str(it)[:40])
def test_502_no_answer_of_bitrix24(linked: Linked, call: Any, kind: Any, options: dict[str, Any]) -> None:
    method, path, body = call
    linked.sandbox.faults.add(kind, **options)

    answer = linked.call(method, path, json=body)

    assert (answer.status, answer.code) == (502, "BITRIX_UNAVAILABLE")
    assert answer.error.get("details") == (UNKNOWN if method == "POST" else None)
    assert linked.methods == [METHOD[method]]


def test_502_too_late(linked: Linked) -> None:
    linked.sandbox.faults.add("slow", seconds=0.2)
    began = time.monotonic()
    answer = linked.post("/v1/deals", {"title": "x"})
    assert (answer.code, answer.error["details"]) == ("BITRIX_UNAVAILABLE", UNKNOWN)
    assert 2.5 < time.monotonic() - began < 6
    assert linked.methods == ["crm.item.add"]


def test_502_nobody_listens(linked: Linked) -> None:
    linked.sandbox.shutdown()
    linked.sandbox.close_connections()
    linked.sandbox.socket.close()
    for method, path, body in (READ, WRITE):
        answer = linked.call(method, path, json=body)
        # Nothing was sent, so nothing can have been done.
        assert (answer.code, answer.error.get("details")) == ("BITRIX_UNAVAILABLE", None)


def test_200_a_read_that_breaks_off_is_tried_again_once(linked: Linked) -> None:
    linked.sandbox.faults.add("cut", where="body")
    assert linked.get("/v1/deals/1").status == 200
    linked.sandbox.faults.add("cut", where="body", times=2)
    assert linked.get("/v1/deals/1").code == "BITRIX_UNAVAILABLE"
    assert linked.methods == ["crm.item.get"] * 4


def test_200_bitrix24s_rate_limit_is_waited_for(linked: Linked) -> None:
    linked.sandbox.faults.add("refuse", status=503, error="QUERY_LIMIT_EXCEEDED")
    assert linked.get("/v1/deals/1").status == 200
    linked.sandbox.faults.add("refuse", status=503, error="QUERY_LIMIT_EXCEEDED", method="crm.item.add")
    assert linked.post("/v1/deals", {"title": "once"}).status == 201
    assert linked.get("/v1/deals", {"filter[title]": "once"}).json["meta"]["total"] == 1


@pytest.mark.parametrize("call", [READ, WRITE], ids=["read", "write"])
def test_429_of_a_proxy_is_waited_for_and_told(linked: Linked, call: Any) -> None:
    method, path, body = call
    linked.sandbox.faults.add("not_json", status=429)
    assert linked.call(method, path, json=body).status in (200, 201)
    linked.sandbox.faults.add("not_json", status=429, times=None)
    answer = linked.call(method, path, json=body)
    assert (answer.status, answer.code) == (429, "RATE_LIMITED")
    assert (answer.headers["Retry-After"], answer.error["details"]) == ("1", {"scope": "portal"})


def test_429_our_own_throttle(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket of the usual size that leaks out so slowly that nobody can wait for a place."""
    monkeypatch.setattr(throttle, "_ONE", 30.0)
    monkeypatch.setattr(throttle, "_ROOM", 90.0)
    answers = [linked.get("/v1/deals/1") for _ in range(5)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
    refused = answers[-1]
    assert (refused.code, refused.error["details"]) == ("RATE_LIMITED", {"scope": "portal"})
    assert 20 <= int(refused.headers["Retry-After"]) == refused.error["retryAfter"] <= 31
    assert len(linked.calls) == 3


def test_400_no_webhook(world: World) -> None:
    key = world.portal_key(scopes=["crm"]).raw_key
    for path in ("/v1/deals", "/v1/deals/1", "/v1/deals/fields"):
        answer = world.call("GET", path, key)
        assert (answer.status, answer.code) == (400, "PORTAL_NOT_LINKED")
        assert answer.error["details"] == {"linked": True, "status": "ACTIVE", "hasWebhookUrl": False}
        assert "no webhook" in answer.error["message"]


def test_400_a_portal_that_is_not_linked_any_more(linked: Linked) -> None:
    linked.world.change_portal(linked.world.portal, linked=False)
    answer = linked.get("/v1/deals")
    assert answer.error["details"] == {"linked": False, "status": "ACTIVE"}
    assert linked.calls == []


def test_a_new_webhook_is_used_from_the_next_request_on(linked: Linked) -> None:
    assert linked.get("/v1/deals/1").status == 200
    linked.world.change_portal(linked.world.portal, webhook_url=None)
    assert linked.get("/v1/deals/1").code == "PORTAL_NOT_LINKED"
    linked.world.change_portal(linked.world.portal, webhook_url=linked.sandbox.webhook_url)
    assert linked.get("/v1/deals/1").status == 200


@pytest.mark.parametrize(
    ("scopes", "path", "required"),
    [(["task"], "/v1/deals", "crm"), (["crm"], "/v1/tasks", "task"), (["user_brief"], "/v1/users", "user")],
)
def test_403_scope_denied_before_anything_leaves(
    linked: Linked, scopes: list[str], path: str, required: str
) -> None:
    key = linked.world.portal_key(scopes=scopes).raw_key
    for method, rest in (("GET", ""), ("GET", "/1"), ("GET", "/fields"), ("POST", "/search")):
        answer = linked.call(method, path + rest, key)
        assert (answer.status, answer.code) == (403, "SCOPE_DENIED")
        assert answer.error["details"] == {"requiredScope": required, "scopes": scopes}
    assert linked.calls == []


def test_403_a_scope_that_the_webhook_lacks(linked: Linked) -> None:
    linked.sandbox.portal.scopes = frozenset({"task"})
    answer = linked.get("/v1/deals")
    assert (answer.status, answer.code) == (403, "BITRIX_ACCESS_DENIED")
    assert answer.error["details"]["code"] == "insufficient_scope"


@pytest.mark.parametrize(
    "path", ["/v1/deals", "/v1/deals/1", "/v1/users/fields", "/v1/batch", "/v1/invoices/1"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE", "PUT"])
def test_403_management_keys_on_every_path(linked: Linked, path: str, method: str) -> None:
    answer = linked.call(method, path, linked.world.admin.management_key, json={})
    assert (answer.status, answer.code) == (403, "MANAGEMENT_KEY_NO_ENTITY_ACCESS")
    assert linked.calls == []


def test_the_secret_of_the_webhook_is_in_no_answer(
    linked: Linked, sandbox: Sandbox, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = sandbox.webhook_url.rpartition("/")[2]
    sandbox.faults.add("refuse", error="X", description=f"at /rest/1/{secret}/")
    sandbox.faults.add("not_json", text=secret)
    sandbox.faults.add("redirect", location=sandbox.webhook_url)
    for _ in range(3):
        answer = linked.get("/v1/deals/1")
        assert answer.status in (422, 502)
        assert secret.encode() not in answer.body
    assert secret not in "".join(capfd.readouterr())


def test_each_request_has_the_whole_time_for_redis_again(linked: Linked) -> None:
    request = linked.world.services.portal_calls._throttle._request
    linked.get("/v1/deals/1")
    before = request.patience
    linked.get("/v1/deals/1")
    assert before is not None
    assert request.patience is not before
