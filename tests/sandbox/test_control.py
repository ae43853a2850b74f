"""The control path: the same over HTTP."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from typing import Any

import pytest

from app.bitrix.sandbox import Sandbox
from tests.sandbox.caller import answer, ask, connect, path, refusal, result


def test_the_state_tells_the_webhook_and_how_it_is_set(sandbox: Sandbox) -> None:
    assert ask(sandbox, "GET", "/sandbox") == (
        200,
        {
            "webhookUrl": sandbox.webhook_url,
            "scopes": ["crm", "task", "user"],
            "limits": {"enabled": True, "rate": 2.0, "burst": 50.0},
            "idleSeconds": 60.0,
            "faults": [],
        },
    )


def test_scopes_limits_and_idle_time_change(sandbox: Sandbox) -> None:
    change = {"scopes": ["user"], "limits": {"burst": 1, "rate": 0}, "idleSeconds": 5}
    status, state = ask(sandbox, "PATCH", "/sandbox", change)
    assert (status, state["scopes"], state["idleSeconds"]) == (200, ["user"], 5.0)
    assert state["limits"] == {"enabled": True, "rate": 0.0, "burst": 1.0}
    assert refusal(sandbox, "crm.item.list", entityTypeId=2) == (403, "insufficient_scope")
    assert refusal(sandbox, "profile") == (503, "QUERY_LIMIT_EXCEEDED")
    ask(sandbox, "PATCH", "/sandbox", {"limits": {"enabled": False}})
    assert result(sandbox, "profile")["ID"] == "1"


def test_faults_are_added_and_cleared(sandbox: Sandbox) -> None:
    fault = {"kind": "refuse", "status": 403, "error": "ACCESS_DENIED", "method": "scope", "times": 2}
    status, state = ask(sandbox, "POST", "/sandbox/faults", fault)
    assert status == 200
    assert state["faults"] == [
        {
            "kind": "refuse",
            "options": {"status": 403, "error": "ACCESS_DENIED", "description": "Refused by the sandbox"},
            "method": "scope",
            "times": 2,
        }
    ]
    assert refusal(sandbox, "scope") == (403, "ACCESS_DENIED")
    assert ask(sandbox, "DELETE", "/sandbox/faults")[1]["faults"] == []
    assert result(sandbox, "scope")


def test_work_is_counted(sandbox: Sandbox) -> None:
    ask(sandbox, "POST", "/sandbox/work", {"method": "scope", "seconds": 481})
    assert refusal(sandbox, "scope") == (429, "OPERATION_TIME_LIMIT")


def test_calls_are_listed_and_forgotten(sandbox: Sandbox) -> None:
    result(sandbox, "user.get", ID=1)
    (call,) = ask(sandbox, "GET", "/sandbox/calls")[1]
    assert (call["method"], call["params"], call["status"]) == ("user.get", {"ID": 1}, 200)
    assert ask(sandbox, "DELETE", "/sandbox/calls") == (200, [])
    assert ask(sandbox, "GET", "/sandbox/calls") == (200, [])


def test_data_begin_anew(sandbox: Sandbox) -> None:
    result(sandbox, "crm.item.delete", entityTypeId=2, id=1)
    webhook_url = ask(sandbox, "DELETE", "/sandbox/data")[1]["webhookUrl"]
    assert webhook_url == sandbox.webhook_url
    assert answer(sandbox, "crm.item.list", entityTypeId=2)[1]["total"] == 120


def test_connections_are_closed_on_demand(sandbox: Sandbox) -> None:
    with closing(connect(sandbox)) as kept:
        kept.request("GET", path(sandbox, "profile"))
        kept.getresponse().read()
        with pytest.raises((http.client.HTTPException, OSError)):
            ask(sandbox, "POST", "/sandbox/disconnect")
        assert kept.sock.recv(1) == b""


@pytest.mark.parametrize(
    ("verb", "target", "body"),
    [
        ("POST", "/sandbox/faults", {"kind": "explode"}),
        ("POST", "/sandbox/faults", {}),
        ("POST", "/sandbox/faults", {"kind": "delay", "nonsense": 1}),
        ("POST", "/sandbox/work", {"method": "scope"}),
        ("POST", "/sandbox/work", {"method": "scope", "seconds": "long"}),
        ("PATCH", "/sandbox", {"limits": {"rate": "fast"}}),
        ("PATCH", "/sandbox", {"scopes": 1}),
        ("PATCH", "/sandbox", [1]),
    ],
    ids=str,
)
def test_what_it_cannot_do_it_refuses(sandbox: Sandbox, verb: str, target: str, body: Any) -> None:
    status, why = ask(sandbox, verb, target, body)
    assert (status, why.keys()) == (400, {"error"})
    assert result(sandbox, "profile")["ID"] == "1"


@pytest.mark.parametrize(("verb", "target"), [("POST", "/sandbox"), ("GET", "/sandbox/faults"), ("GET", "/")])
def test_what_is_not_there(sandbox: Sandbox, verb: str, target: str) -> None:
    assert ask(sandbox, verb, target)[0] == 404


def test_a_form_of_another_page_is_not_obeyed(sandbox: Sandbox) -> None:
    with closing(connect(sandbox)) as connection:
        connection.request("POST", "/sandbox/faults", '{"kind": "refuse"}', {"Content-Type": "text/plain"})
        response = connection.getresponse()
        assert (response.status, "application/json" in json.loads(response.read())["error"]) == (400, True)
    assert sandbox.faults.waiting == []
