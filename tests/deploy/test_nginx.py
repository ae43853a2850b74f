"""`deploy/nginx.conf` in a real nginx, in front of the service as the Procfile starts it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from app.errors import ERRORS
from app.registry import ROUTES
from tests.deploy.conftest import Deployment
from tests.deploy.rig import CLIENT, CONF, HOST, PROXY, nginx
from tests.deploy.stand_in import stand_in
from tests.serve.processes import eventually

LONGEST = 8190
"""In bytes, of a request line, and of a header with its line end; the service's own limit."""
CLOSE = b"Host: keys.example.com\r\nConnection: close\r\n"


def test_every_refusal_of_nginx_is_in_the_table_of_errors() -> None:
    refusals = re.findall(r"""^    (\d+|default) +'("code":.+)';$""", CONF.read_text(), re.MULTILINE)
    assert len(refusals) == 8
    for status, members in refusals:
        error = json.loads(f"{{{members}}}")
        kind = ERRORS[error["code"]]
        assert error["message"] == kind.message
        assert status in (str(kind.status), "default") or error["code"] == "VALIDATION_ERROR"


def test_a_request_is_answered_by_tls_and_both_logs_have_its_id(deployed: Deployment) -> None:
    answer = deployed.nginx.ask("GET", "/v1/me", deployed.key)
    assert answer.status == 200
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    for line in (deployed.web.request(answer), deployed.nginx.line(answer)):
        assert (line["path"], line["status"], line["address"]) == ("/v1/me", 200, CLIENT)


@pytest.mark.parametrize(
    ("own", "kept"), [("a.b_c-1", True), ("x" * 64, True), ("x" * 65, False), ('"', False), ("a,b", False)]
)
def test_a_callers_own_request_id_is_kept_as_the_service_would(
    deployed: Deployment, own: str, kept: bool
) -> None:
    for path in ("/healthz", "/.refusal"):
        answer = deployed.nginx.ask("GET", path, headers={"X-Request-Id": own})
        assert (answer.headers["X-Request-Id"] == own) == kept


@pytest.mark.parametrize("begin", ["vibe_api_", "vxk_", "a.vibe_", "-vxk_"])
def test_a_request_id_that_could_be_a_key_is_not_passed_on(tmp_path: Path, begin: str) -> None:
    own = (begin + "0123456789abcdef" * 4)[:64]
    with stand_in(answered=1) as service, nginx(tmp_path / "nginx", service.port) as proxy:
        proxy.ask("GET", "/", headers={"X-Request-Id": own})
        eventually(proxy.lines, "the request is in nginx's log")
    (line,) = proxy.lines().values()
    assert f"X-Request-Id: {line['request_id']}" in service.heads[0].splitlines()
    assert len(line["request_id"]) == 32
    assert own not in "".join(service.heads)


@pytest.mark.parametrize("line", [b"TRACE /v1/me", b"TRACE /.refusal", b"CONNECT /v1/me"])
def test_a_method_that_nginx_refuses_is_answered_with_those_of_the_api(
    deployed: Deployment, line: bytes
) -> None:
    (answer,) = deployed.nginx.say(line + b" HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert (answer.status, answer.code) == (405, "METHOD_NOT_ALLOWED")
    assert set(answer.headers["Allow"].split(", ")) == {"HEAD", *(route.method for route in ROUTES)}


def test_a_method_that_the_service_refuses_is_answered_with_those_of_the_path(deployed: Deployment) -> None:
    answer = deployed.nginx.ask("DELETE", "/v1/me", deployed.key)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_plain_http_is_sent_to_tls(deployed: Deployment) -> None:
    (answer,) = deployed.nginx.say(
        b"POST /v1/keys?a=b HTTP/1.1\r\n" + CLOSE + b"\r\n", port=deployed.nginx.http
    )
    assert (answer.status, answer.headers["Location"]) == (308, f"https://{HOST}/v1/keys?a=b")


def test_plain_http_on_the_port_of_tls_is_refused(deployed: Deployment) -> None:
    (answer,) = deployed.nginx.say(b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n", port=deployed.nginx.https)
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")


def test_a_whitelist_sees_the_clients_own_address(deployed: Deployment) -> None:
    deployed.change_limited(ipWhitelist=["127.0.0.7"])
    assert deployed.nginx.ask("GET", "/v1/me", deployed.limited_key, client="127.0.0.7").status == 200
    refused = deployed.nginx.ask("GET", "/v1/me", deployed.limited_key, client="127.0.0.8")
    assert refused.code == "IP_NOT_ALLOWED"
    assert refused.json["error"]["details"] == {"address": "127.0.0.8"}


@pytest.mark.parametrize(
    "forged",
    [
        {"X-Forwarded-For": "127.0.0.7"},
        {"X-Forwarded-For": "127.0.0.7, 127.0.0.1"},
        {"X-Real-IP": "127.0.0.7", "Forwarded": "for=127.0.0.7"},
        {"X_Forwarded_For": "127.0.0.7"},
        {"Connection": "X-Forwarded-For, X-Request-Id"},
    ],
    ids=lambda forged: next(iter(forged)),
)
@pytest.mark.parametrize("client", ["127.0.0.8", PROXY])
def test_a_forged_address_does_not_reach_the_whitelist(
    deployed: Deployment, forged: dict[str, str], client: str
) -> None:
    deployed.change_limited(ipWhitelist=["127.0.0.7"])
    answer = deployed.nginx.ask("GET", "/v1/me", deployed.limited_key, client=client, headers=forged)
    assert answer.code == "IP_NOT_ALLOWED"
    assert answer.json["error"]["details"] == {"address": client}


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "Script-Name", "X-Script-Name", "PATH_INFO"])
def test_a_header_does_not_move_the_path(deployed: Deployment, name: str) -> None:
    answer = deployed.nginx.ask("GET", "/v1/healthz", headers={name: "/v1"})
    assert answer.code == "MISSING_API_KEY"


def test_a_key_in_a_header_with_underscores_is_none(deployed: Deployment) -> None:
    assert deployed.nginx.ask("GET", "/v1/me", headers={"X_Api_Key": deployed.key}).code == "MISSING_API_KEY"


def test_a_doubled_credential_is_refused(deployed: Deployment) -> None:
    line = f"X-Api-Key: {deployed.key}\r\n".encode()
    (answer,) = deployed.nginx.say(b"GET /v1/me HTTP/1.1\r\n" + CLOSE + line + line + b"\r\n")
    assert (answer.status, answer.code) == (400, "AMBIGUOUS_CREDENTIALS")


def test_a_doubled_authorization_is_refused_before_the_service_sees_it(deployed: Deployment) -> None:
    line = f"Authorization: Bearer {deployed.key}\r\n".encode()
    (answer,) = deployed.nginx.say(b"GET /v1/me HTTP/1.1\r\n" + CLOSE + line + line + b"\r\n")
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert deployed.nginx.line(answer)["upstream_status"] == ""


def test_the_longest_line_and_the_largest_headers_pass(deployed: Deployment) -> None:
    begin, end = b"GET /healthz?", b" HTTP/1.1"
    line = begin + b"a" * (LONGEST - len(begin + end)) + end
    header = b"A: " + b"b" * (LONGEST - len(b"A: \r\n"))
    for head in (line + b"\r\n", b"GET /healthz HTTP/1.1\r\n" + header + b"\r\n"):
        (answer,) = deployed.nginx.say(head + CLOSE + b"\r\n")
        assert answer.status == 200
    many = b"".join(b"A%d: %s\r\n" % (number, b"b" * 8000) for number in range(6))
    (answer,) = deployed.nginx.say(b"GET /healthz HTTP/1.1\r\n" + many + CLOSE + b"\r\n")
    assert answer.status == 200


@pytest.mark.parametrize(
    ("head", "status", "reason"),
    [
        (b"GET /%s HTTP/1.1\r\n", 414, "The request line is too long."),
        (b"GET / HTTP/1.1\r\nA: %s\r\n", 431, "The headers are too large."),
    ],
)
@pytest.mark.parametrize("excess", [1, 10, 100_000])
def test_what_is_too_long_is_refused_as_the_service_would(
    deployed: Deployment, head: bytes, status: int, reason: str, excess: int
) -> None:
    longest = LONGEST - len((head % b"").strip().rpartition(b"\r\n")[2])
    (answer,) = deployed.nginx.say(head % (b"a" * (longest + excess)) + CLOSE + b"\r\n")
    assert (answer.status, answer.code) == (status, "VALIDATION_ERROR")
    assert answer.json["error"]["details"] == {"_request": [reason]}


def test_too_many_headers_together_are_refused(deployed: Deployment) -> None:
    many = b"".join(b"A%d: %s\r\n" % (number, b"b" * 8000) for number in range(9))
    (answer,) = deployed.nginx.say(b"GET /healthz HTTP/1.1\r\n" + many + CLOSE + b"\r\n")
    assert (answer.status, answer.code) == (431, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "framing",
    [b"Content-Length: %d\r\n\r\n%s", b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"],
    ids=["sized", "chunked"],
)
@pytest.mark.parametrize(("mebibytes", "by_the_service"), [(2, True), (8, True), (9, False)])
def test_a_body_that_is_too_large_is_refused_by_whoever_sees_it(
    deployed: Deployment, mebibytes: int, by_the_service: bool, framing: bytes
) -> None:
    key = f"X-Api-Key: {deployed.management_key}\r\n".encode()
    head = b"POST /v1/keys HTTP/1.1\r\nContent-Type: application/json\r\n" + CLOSE + key
    size = mebibytes * 1024 * 1024
    (answer,) = deployed.nginx.say(head + framing % (size, b"0" * size))
    assert (answer.status, answer.code) == (413, "PAYLOAD_TOO_LARGE")
    line = deployed.nginx.line(answer)
    assert line["upstream_status"] == ("413" if by_the_service else "")


def test_the_service_gets_the_request_as_it_was_but_for_what_could_mislead_it(tmp_path: Path) -> None:
    misleading = {
        "SCRIPT_NAME": "/v1",
        "X_Api_Key": "a",
        "X-Forwarded-For": "127.0.0.7",
        "Forwarded": "for=127.0.0.7",
        "X-Real-IP": "127.0.0.7",
        "Upgrade": "h2c",
        "Keep-Alive": "1",
        "Expect": "100-continue",
    }
    with stand_in(answered=1) as service, nginx(tmp_path / "nginx", service.port) as proxy:
        proxy.ask("GET", "/a%2Fb//c/../%41?d=%20", headers={**misleading, "X-Request-Id": "1", "A": "b"})
    line, *headers = service.heads[0].splitlines()
    assert line == "GET /a%2Fb//c/../%41?d=%20 HTTP/1.1"
    assert set(headers) == {f"Host: {HOST}", f"X-Forwarded-For: {CLIENT}", "X-Request-Id: 1", "A: b"}
