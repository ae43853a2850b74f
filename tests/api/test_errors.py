"""Whatever goes wrong, the answer is the envelope, and tells nothing that it should not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import apsw
import pytest
from flask import Flask, abort
from peewee import InterfaceError, OperationalError
from werkzeug.test import Client, TestResponse

from app import errors
from app.errors import ERRORS, ApiError
from gateway.denial import DENIALS
from tests.api.world import World

SECRET = "vibe_live_" + "5ec2e7" * 10 + "0000"


def answer_to(error: Exception) -> TestResponse:
    app = Flask("failing")
    errors.register(app)

    @app.get("/")
    def fail() -> str:
        local = SECRET  # a traceback that shows variables would show it
        assert local
        raise error

    return Client(app).get("/", environ_overrides={"vibekeys.request_id": "r-1"})


def test_table_has_every_code_of_the_gateway_as_the_gateway_has_it() -> None:
    assert {code: (kind.status, kind.message) for code, kind in ERRORS.items() if code in DENIALS} == DENIALS


def test_table_is_made_of_codes_statuses_and_sentences() -> None:
    for code, kind in ERRORS.items():
        assert code.replace("_", "").isalpha()
        assert code.isupper()
        assert HTTPStatus(kind.status) >= 400
        assert kind.message.endswith(".")


@pytest.mark.parametrize("code", ERRORS)
def test_envelope_of_every_code(code: str) -> None:
    answer = answer_to(ApiError(code))

    assert answer.status_code == ERRORS[code].status
    assert answer.content_type == "application/json"
    assert answer.json == {
        "success": False,
        "error": {"code": code, "message": ERRORS[code].message, "requestId": "r-1"},
    }


def test_envelope_with_all_its_members() -> None:
    error = ApiError("RATE_LIMITED", "Slow down.", details={"limit": 1}, hint="Wait.", retry_after=7)

    answer = answer_to(error)

    assert answer.headers["Retry-After"] == "7"
    assert answer.json == {
        "success": False,
        "error": {
            "code": "RATE_LIMITED",
            "message": "Slow down.",
            "requestId": "r-1",
            "hint": "Wait.",
            "retryAfter": 7,
            "details": {"limit": 1},
        },
    }


def test_unknown_code_is_refused_where_it_is_raised() -> None:
    with pytest.raises(KeyError):
        ApiError("NO_SUCH_CODE")


@pytest.mark.parametrize("error", [OperationalError("database is locked"), InterfaceError("gone")])
def test_503_database(error: Exception) -> None:
    answer = answer_to(error)

    assert answer.status_code == 503
    assert answer.json["error"]["code"] == "DATABASE_UNAVAILABLE"
    assert answer.headers["Retry-After"] == str(answer.json["error"]["retryAfter"])


def test_500_is_logged_with_its_place_but_without_values(caplog: pytest.LogCaptureFixture) -> None:
    answer = answer_to(ValueError(f"cannot handle {SECRET}"))

    assert (answer.status_code, answer.json["error"]["code"]) == (500, "INTERNAL_ERROR")
    assert SECRET not in answer.text
    assert "unexpected ValueError, request r-1" in caplog.text
    assert "in fail" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "VALIDATION_ERROR"), (404, "NOT_FOUND"), (413, "PAYLOAD_TOO_LARGE"), (418, "INTERNAL_ERROR")],
)
def test_errors_of_the_framework(status: int, code: str) -> None:
    app = Flask("failing")
    errors.register(app)
    app.get("/")(lambda: abort(status))

    answer = Client(app).get("/", environ_overrides={"vibekeys.request_id": "r-1"})

    assert answer.json["error"]["code"] == code
    assert answer.status_code == ERRORS[code].status


@contextmanager
def write_lock_held_by_another(world: World) -> Iterator[None]:
    other = apsw.Connection(str(world.service.config.database_path))
    other.execute("BEGIN IMMEDIATE")
    mine = world.services.db.connection()
    mine.set_busy_timeout(1)
    try:
        yield
    finally:
        mine.set_busy_timeout(5000)
        other.execute("ROLLBACK")
        other.close()


def test_503_while_the_database_is_locked_and_reads_go_on(world: World) -> None:
    key_id = world.portal_key().key.id
    body: dict[str, Any] = {"name": "renamed"}

    with write_lock_held_by_another(world):
        refused = world.call("PATCH", f"/v1/keys/{key_id}", json=body)
        read = world.call("GET", f"/v1/keys/{key_id}")

    assert (refused.status, refused.code) == (503, "DATABASE_UNAVAILABLE")
    assert int(refused.headers["Retry-After"]) >= 1
    assert read.data["name"] != "renamed"
    assert world.call("PATCH", f"/v1/keys/{key_id}", json=body).data["name"] == "renamed"
