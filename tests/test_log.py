"""The log: one line an event in either format, whoever writes it, and never a raw key."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from werkzeug.test import Client, create_environ, run_wsgi_app

from app import log
from gateway.keys import KEY_TYPES, mint, take_for_keys


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    """What has been logged since it was asked last."""
    return lambda: capsys.readouterr().err.splitlines()


def answer_ok(_environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]


def test_lines_of_libraries_come_in_the_same_form(written: Callable[[], list[str]]) -> None:
    log.configure("json")
    structlog.get_logger().warning("ours", number=1)
    logging.getLogger("gunicorn.error").warning("theirs %d", 2)
    ours, theirs = map(json.loads, written())
    assert (ours["event"], ours["level"], ours["number"]) == ("ours", "warning", 1)
    assert (theirs["event"], theirs["level"]) == ("theirs 2", "warning")
    assert ours.keys() - {"number"} == theirs.keys()


def test_the_path_of_a_key_in_a_url_is_not_written(written: Callable[[], list[str]]) -> None:
    log.configure("json")
    environ = create_environ("/v1/%2576ibe_api_" + mint("api").removeprefix("vibe_api_"))
    environ["vibekeys.outcome"] = "KEY_IN_URL"
    run_wsgi_app(log.AccessLog(answer_ok), environ, buffered=True)
    (line,) = written()
    assert json.loads(line)["path"] == "***"


@pytest.mark.usefixtures("older_keys_forgotten")
def test_a_key_of_an_older_system_is_cut_in_a_path(written: Callable[[], list[str]]) -> None:
    log.configure("json")
    take_for_keys(["vxk_"])
    run_wsgi_app(log.AccessLog(answer_ok), create_environ("/v1/vxk_Of-Another_form-0123"), buffered=True)
    (line,) = written()
    assert json.loads(line)["path"] == "/v1/vxk_Of-Ano***"


def test_a_refusal_names_the_key_that_was_refused(written: Callable[[], list[str]]) -> None:
    log.configure("json")
    environ = create_environ("/v1/me")
    key = SimpleNamespace(key_id="k1", prefix="vxk_123456")
    snapshot = SimpleNamespace(key=key, account=SimpleNamespace(account_id="a1"))
    environ["vibekeys.refusal"] = SimpleNamespace(snapshot=snapshot)
    run_wsgi_app(log.AccessLog(answer_ok), environ, buffered=True)
    (line,) = map(json.loads, written())
    assert (line["key_id"], line["key_prefix"], line["account_id"]) == ("k1", "vxk_123456", "a1")


def test_text_stays_on_one_line_whatever_is_in_it(written: Callable[[], list[str]]) -> None:
    log.configure("text")
    structlog.get_logger().info("two\nlines", value="a\nb", escape="\x1b[31m", plain="c")
    (line,) = written()
    assert line.endswith(r"info    'two\nlines' value='a\nb' escape='\x1b[31m' plain=c")


@pytest.mark.parametrize("log_format", ["json", "text"])
@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_a_raw_key_is_cut_to_its_public_part_wherever_it_is(
    log_format: Any, key_type: str, written: Callable[[], list[str]]
) -> None:
    raw_key = mint(key_type)
    log.configure(log_format)
    logger = structlog.get_logger()
    logger.info(f"in the event {raw_key}", field=raw_key, nested={"deep": [raw_key[:-10]]})
    logging.getLogger("gunicorn.error").error("GET /v1/%s", raw_key)
    try:
        raise ValueError(f"bad key '{raw_key}'")
    except ValueError:
        logger.exception("failed")
    text = "\n".join(written())
    public = raw_key[: -64 + 6]
    assert f"{public}***" in text
    assert raw_key[: len(public) + 1] not in text
    assert "ValueError" in text


def test_fields_for_secrets_are_never_written(written: Callable[[], list[str]]) -> None:
    log.configure("json")
    structlog.get_logger().info("signed in", password="hunter2", webhook_url="https://a/rest/1/hunter2/")
    assert "hunter2" not in written()[0]


def test_a_request_is_one_line_without_its_query_string(written: Callable[[], list[str]]) -> None:
    log.configure("json")
    Client(log.AccessLog(answer_ok)).get(
        "/v1/me?token=hunter2",
        buffered=True,
        environ_overrides={
            "vibekeys.request_id": "r-1",
            "vibekeys.client_address": "192.0.2.1",
            "vibekeys.outcome": "allowed",
            "vibekeys.admission": SimpleNamespace(
                snapshot=SimpleNamespace(
                    key=SimpleNamespace(key_id="k-1", prefix="vxk_abcdef"),
                    account=SimpleNamespace(account_id="a-1"),
                )
            ),
        },
    )
    (line,) = written()
    fields = json.loads(line)
    assert fields.pop("at").endswith("Z")
    assert fields.pop("ms") >= 0
    assert fields == {
        "level": "info",
        "event": "request",
        "method": "GET",
        "path": "/v1/me",
        "request_id": "r-1",
        "address": "192.0.2.1",
        "outcome": "allowed",
        "key_id": "k-1",
        "key_prefix": "vxk_abcdef",
        "account_id": "a-1",
        "status": 200,
    }


def test_a_path_cannot_forge_a_line_or_hold_a_key(written: Callable[[], list[str]]) -> None:
    log.configure("text")
    raw_key = mint("api")
    Client(log.AccessLog(answer_ok)).get(f"/{raw_key}/%0Aforged%1b[0m/%C3%A9", buffered=True)
    (line,) = written()
    assert f"path=/{raw_key[:15]}***/%0Aforged%1B%5B0m/%C3%A9 " in line


def test_the_line_is_written_once_the_body_has_been_sent(written: Callable[[], list[str]]) -> None:
    def answer_later(_environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("201 Created", [])
        yield b"done"

    log.configure("json")
    environ = create_environ("/")
    body = log.AccessLog(answer_later)(environ, lambda _status, _headers, _exc_info: lambda _data: None)
    assert written() == []
    assert list(body) == [b"done"]
    body.close()  # type: ignore[attr-defined]
    assert json.loads(written()[0])["status"] == 201


def test_a_request_that_raises_is_logged_as_500_and_raises_on(written: Callable[[], list[str]]) -> None:
    def fail(_environ: Any, _start_response: Any) -> list[bytes]:
        raise RuntimeError("a fault")

    log.configure("json")
    with pytest.raises(RuntimeError, match="a fault"):
        run_wsgi_app(log.AccessLog(fail), create_environ("/"))
    assert json.loads(written()[0])["status"] == 500
