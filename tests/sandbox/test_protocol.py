"""What every call has in common: the webhook, scopes, bodies, connections."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.bitrix.sandbox import Sandbox
from tests.sandbox.caller import JSON, answer, ask, connect, path, refusal, result

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def connection(sandbox: Sandbox) -> Iterator[http.client.HTTPConnection]:
    opened = connect(sandbox)
    yield opened
    opened.close()


def exchange(
    connection: http.client.HTTPConnection, verb: str, target: str, body: str, headers: dict[str, str]
) -> Any:
    connection.request(verb, target, body, headers)
    response = connection.getresponse()
    assert response.getheader("Content-Type") == "application/json; charset=utf-8"
    return json.loads(response.read())


def test_profile_and_scope_and_methods_are_for_every_webhook(sandbox: Sandbox) -> None:
    sandbox.portal.scopes = frozenset()
    assert result(sandbox, "profile") == {
        "ADMIN": True,
        "ID": "1",
        "NAME": "Employee",
        "LAST_NAME": "No. 1",
        "PERSONAL_GENDER": "",
        "TIME_ZONE": "",
    }
    assert result(sandbox, "scope") == []
    assert "crm" in result(sandbox, "scope", full=True)
    assert result(sandbox, "methods") == ["profile", "scope", "methods", "batch"]


def test_the_scopes_of_the_webhook_open_methods(sandbox: Sandbox) -> None:
    assert result(sandbox, "scope") == ["crm", "task", "user"]
    sandbox.portal.scopes = frozenset({"user_basic"})
    assert result(sandbox, "user.current")["ID"] == "1"
    for method in ("crm.item.list", "crm.item.add", "tasks.task.list"):
        assert refusal(sandbox, method, entityTypeId=2, fields={}) == (403, "insufficient_scope")


def test_a_wrong_webhook_is_refused_and_so_is_none(sandbox: Sandbox) -> None:
    for target in ("/rest/1/wrong/profile.json", "/rest/2/wrong/profile", f"{path(sandbox, 'x')}/y/z"):
        status, body = ask(sandbox, "POST", target, {})
        assert (status, body["error"]) == (401, "INVALID_CREDENTIALS")
    status, body = ask(sandbox, "POST", "/rest/profile.json", {})
    assert (status, body["error"]) == (401, "NO_AUTH_FOUND")


def test_a_method_that_there_is_not_is_refused(sandbox: Sandbox) -> None:
    assert refusal(sandbox, "crm.deal.list") == (404, "ERROR_METHOD_NOT_FOUND")


def test_another_path_is_not_there(sandbox: Sandbox) -> None:
    assert ask(sandbox, "GET", "/nowhere")[0] == 404


def test_an_answer_says_how_long_it_took(sandbox: Sandbox) -> None:
    _, body = answer(sandbox, "profile")
    assert body["time"].keys() == {
        *("start", "finish", "duration", "processing", "date_start", "date_finish"),
        *("operating", "operating_reset_at"),
    }
    assert body["time"]["date_start"].endswith("+03:00")


def test_parameters_come_as_json_as_a_form_or_in_the_query(
    sandbox: Sandbox, connection: http.client.HTTPConnection
) -> None:
    method = path(sandbox, "crm.item.list")
    form = "entityTypeId=2&select[]=id&filter[%3E%3Did]=2&filter[%3C=id]=4&filter[@id][]=3&filter[@id][]=4"
    wanted = [{"id": 3}, {"id": 4}]
    posted = exchange(connection, "POST", method, form, FORM)
    assert posted["result"]["items"] == wanted
    assert exchange(connection, "GET", f"{method}.json?{form}", "", {})["result"]["items"] == wanted
    both = exchange(
        connection, "POST", f"{method}?entityTypeId=2", '{"select": ["id"], "filter": {"id": [3, 4]}}', JSON
    )
    assert both["result"]["items"] == wanted
    assert {call.connection for call in sandbox.calls} == {sandbox.calls[0].connection}


@pytest.mark.parametrize("body", ["", "nonsense", "12", "null", "[" * 100_000])
def test_a_body_that_is_no_map_is_as_if_there_were_none(
    sandbox: Sandbox, connection: http.client.HTTPConnection, body: str
) -> None:
    assert exchange(connection, "POST", path(sandbox, "profile"), body, JSON)["result"]["ID"] == "1"


def test_a_body_that_is_too_large_is_not_read(
    sandbox: Sandbox, connection: http.client.HTTPConnection
) -> None:
    connection.putrequest("POST", path(sandbox, "profile"))
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    response = connection.getresponse()
    assert (response.status, response.getheader("Connection")) == (413, "close")


def test_calls_are_remembered_with_what_was_asked_and_answered(sandbox: Sandbox) -> None:
    result(sandbox, "crm.item.get", entityTypeId=2, id=1)
    refusal(sandbox, "crm.item.get", entityTypeId=2, id=0)
    first, second = sandbox.calls
    assert (first.method, first.params, first.status) == ("crm.item.get", {"entityTypeId": 2, "id": 1}, 200)
    assert (second.status, second.connection) == (400, first.connection + 1)
    sandbox.forget_calls()
    assert sandbox.calls == []
