"""nginx's logs tell what happened, and hold no key, wherever in a request a client wrote one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from gateway.keys import mint
from tests.deploy.conftest import Deployment
from tests.deploy.rig import CLIENT, Nginx, nginx
from tests.serve.processes import free_port

KEY = mint("personal").encode()
ENCODED = b"%%%02x" % KEY[0] + KEY[1:]
LONGEST_ID = 64
HEAD = b"Host: x\r\nConnection: close\r\n\r\n"
WITH_A_KEY = [
    b"GET /v1/me?key=" + KEY + b" HTTP/1.1\r\n" + HEAD,
    b"GET /v1/me?key=" + ENCODED + b" HTTP/1.1\r\n" + HEAD,
    b"GET /v1/keys/" + KEY + b" HTTP/1.1\r\n" + HEAD,
    b"GET /v1/keys/" + ENCODED + b" HTTP/1.1\r\n" + HEAD,
    b"GET /v1/keys/a%0a" + KEY + b" HTTP/1.1\r\n" + HEAD,
    b"GET http://" + KEY + b"@x/" + KEY + b" HTTP/1.1\r\n" + HEAD,
    b"GET /" + KEY + b" HTTP/3.1\r\n" + HEAD,
    b"GET " + KEY + b" HTTP/1.1\r\n" + HEAD,
    b"GET /" + KEY + b"\0 HTTP/1.1\r\n" + HEAD,
    KEY + b" / HTTP/1.1\r\n" + HEAD,
    b"GET / HTTP/1.1\r\n" + KEY + b"\r\n" + HEAD,
    b"GET / HTTP/1.1\r\n" + KEY + b": a\0b\r\n" + HEAD,
    b"GET / HTTP/1.1\r\nHost: " + KEY + b"/\r\n\r\n",
    b"GET / HTTP/1.1\r\nUser-Agent: " + KEY + b"\r\nReferer: " + KEY + b"\r\n" + HEAD,
    b"GET / HTTP/1.1\r\nX-Request-Id: " + KEY + b"\r\n" + HEAD,
    b"GET / HTTP/1.1\r\nX-Request-Id: " + KEY[:LONGEST_ID] + b"\r\n" + HEAD,
    b"GET / HTTP/1.1\r\nA: " + KEY + b"a" * 9000 + b"\r\n" + HEAD,
    b"GET /" + KEY + b"a" * 9000 + b" HTTP/1.1\r\n" + HEAD,
]


def _holds_the_key(log: str) -> bool:
    return KEY[:LONGEST_ID].decode().removeprefix("vxk_") in unquote(log)


@pytest.fixture(params=["served", "not served"])
def proxy(request: pytest.FixtureRequest, deployed: Deployment, tmp_path: Path) -> Iterator[Nginx]:
    """nginx in front of the service, and of nobody."""
    port = deployed.web.port if request.param == "served" else free_port()
    with nginx(tmp_path / "nginx", port) as started:
        yield started


def test_no_log_holds_a_key(proxy: Nginx, deployed: Deployment) -> None:
    answers = [answer for said in WITH_A_KEY for answer in proxy.say(said)]
    answers += [answer for said in WITH_A_KEY for answer in proxy.say(said, port=proxy.http)]
    answers.append(proxy.ask("POST", f"/{KEY.decode()}", headers={"Content-Length": "99999999"}))
    assert not [answer for answer in answers if answer.status < 300]
    assert all(proxy.line(answer) for answer in answers if "X-Request-Id" in answer.headers)
    assert not _holds_the_key(proxy.logged())
    assert not _holds_the_key(deployed.web.log.read_text())


def test_a_line_tells_who_asked_for_what_and_what_came_of_it(deployed: Deployment) -> None:
    answer = deployed.nginx.ask("GET", "/v1/me?page=1", headers={"X-Request-Id": "of-mine"})
    line = deployed.nginx.line(answer)
    assert line.pop("at")
    assert line.pop("seconds") >= 0
    assert float(line.pop("upstream_seconds")) >= 0
    assert line.pop("bytes") == len(answer.body)
    assert line == {
        "request_id": "of-mine",
        "address": CLIENT,
        "method": "GET",
        "path": "/v1/me",
        "status": 401,
        "upstream_status": "401",
    }
