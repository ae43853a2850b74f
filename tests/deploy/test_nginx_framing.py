"""Where a request ends is the same for nginx and for the service behind it, whatever a client writes.

If it were not, a part of one client's request would be answered as a request of its own, and the answer be
taken for that to the next request on the connection, which may be somebody else's (request smuggling).
"""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.deploy.conftest import Deployment
from tests.serve.processes import eventually

POST = b"POST /the-path HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /the-path HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
NO_CHUNK = b"\r\n0\r\n\r\n"
FOLLOWING = b"GET /the-path/2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
ITS_LENGTH = b"Content-Length: %d\r\n" % len(FOLLOWING)


@pytest.mark.parametrize(
    "said",
    [
        POST + b"Content-Length: 5\r\n" + CHUNKED + NO_CHUNK,
        POST + CHUNKED + b"Content-Length: 4\r\n" + NO_CHUNK,
        POST + b"Content-Length: 0\r\n" + ITS_LENGTH + b"\r\n",
        POST + b"Content-Length: 0, %d\r\n\r\n" % len(FOLLOWING),
        POST + b"Content-Length: +0\r\n\r\n",
        POST + b"Content-Length : %d\r\n\r\n" % len(FOLLOWING),
        POST + b"Transfer-Encoding: xchunked\r\n" + NO_CHUNK,
        POST + b"Transfer-Encoding: chunked, identity\r\n" + NO_CHUNK,
        POST + CHUNKED + b"Transfer-Encoding: x\r\n" + NO_CHUNK,
        POST + b"Transfer_Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
        POST + b"Transfer-Encoding:\x0bchunked\r\n" + NO_CHUNK,
        POST.replace(b"1.1", b"1.0") + b"Connection: keep-alive\r\n" + CHUNKED + NO_CHUNK,
        POST + CHUNKED + b"\r\n0;\n\r\n\r\n",
        POST + CHUNKED + b"\r\n1\na\r\n0\n\n",
        POST + CHUNKED + b"\r\nFFFFFFFFFFFFFFFF1\r\n",
        POST + CHUNKED + b"\r\n1\r\nab\r\n0\r\n\r\n",
        GET + ITS_LENGTH + b"\r\n" + FOLLOWING,
        GET.replace(b"\r\n", b"\n") + b"\n",
        GET + b"A: b\n\r\n",
        GET.rstrip() + b"\r" + ITS_LENGTH + b"\r\n",
        GET + b" " + ITS_LENGTH + b"\r\n",
        GET + b"A: \0b\r\n\r\n",
        GET + b"Host: y\r\n\r\n",
        GET.replace(b" HTTP", b"\0 HTTP") + b"\r\n",
        GET + b"Upgrade: h2c\r\nHTTP2-Settings: AA\r\nConnection: Upgrade\r\n\r\n",
        b"\x16\x03\x01",
    ],
)
def test_what_is_one_request_for_nginx_is_one_for_the_service(deployed: Deployment, said: bytes) -> None:
    own_path = f"/{uuid4().hex[:8]}"  # as long as what it stands for
    answers = deployed.nginx.say((said + FOLLOWING).replace(b"/the-path", own_path.encode()))
    assert {answer.code for answer in answers} <= {"VALIDATION_ERROR", "MISSING_API_KEY"}
    by_the_service = {
        answer.headers["X-Request-Id"] for answer in answers if answer.code == "MISSING_API_KEY"
    }
    assert all(deployed.nginx.ask("GET", "/v1/me", deployed.key).status == 200 for _ in range(4))

    def has_logged_its_answers() -> bool:
        requests = deployed.web.requests().values()
        logged = {request["request_id"] for request in requests if request["path"].startswith(own_path)}
        assert logged <= by_the_service, "an answer that its sender did not get"
        return logged == by_the_service

    eventually(has_logged_its_answers, "the service has logged what it answered")


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 5\r\nContent-Length: 5\r\n", b"Content-Length: 5\r\n" + CHUNKED]
)
def test_two_framings_of_one_body_are_refused(deployed: Deployment, framing: bytes) -> None:
    answers = deployed.nginx.say(POST + framing + NO_CHUNK + FOLLOWING)
    assert [(answer.status, answer.code) for answer in answers] == [(400, "VALIDATION_ERROR")]
