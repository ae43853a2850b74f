"""The gateway as WSGI middleware: what a client sees, and what the app behind it sees."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication
from wsgiref.validate import validator

import pytest

from gateway.address import Networks
from gateway.authorize import Refused
from gateway.denial import DENIALS, Denial
from gateway.host_table import forwarded_from_untrusted_at
from gateway.keys import mint
from gateway.middleware import Gateway
from gateway.records import AccountRecord
from gateway.source import SourceError
from tests.conftest import ValkeyServer
from tests.gateway.records import new_key
from tests.gateway.rig import START, Rig


class Behind:
    """An application that remembers what it was given."""

    def __init__(self) -> None:
        self.environ: dict[str, Any] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.environ = environ
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"served"]


class Served:
    """One gateway around one application, called as a server would."""

    def __init__(self, rig: Rig, trusted: Networks) -> None:
        self.rig, self.behind = rig, Behind()
        worker = rig.workers[0]
        self.kept: WSGIApplication | Exception | None = None
        self.asked_for: list[str | None] = []
        self.gateway = validator(
            Gateway(
                validator(self.behind),
                worker.authorizer,
                worker.host_table,
                trusted,
                lambda path: path == "/public",
                rig.clock,
                self._kept_answer,
            )
        )

    def _kept_answer(self, environ: dict[str, Any], refused: Refused) -> WSGIApplication | None:
        self.asked_for.append(refused.raw_key)
        assert str(refused.raw_key) not in repr(refused)
        if isinstance(self.kept, Exception):
            raise self.kept
        return self.kept

    def get(
        self,
        path: str = "/v1/me",
        *,
        peer: str = "192.0.2.1",
        method: str = "GET",
        query: str = "",
        **headers: str,
    ) -> tuple[str, dict[str, str], bytes]:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": peer,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        environ |= {"HTTP_" + name.upper(): value for name, value in headers.items()}
        answer: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            names = [name for name, _ in headers]
            assert len(names) == len(set(names))
            answer.extend([status, dict(headers)])
            return lambda data: None

        iterable = self.gateway(environ, start)
        body = b"".join(iterable)
        iterable.close()  # type: ignore[attr-defined]
        return answer[0], answer[1], body


@pytest.fixture
def served(tmp_path: Path, valkey_url: str) -> Iterator[Served]:
    rig = Rig(valkey_url, tmp_path)
    yield Served(rig, Networks(["10.0.0.0/8"]))
    rig.close()


def good_key(served: Served, **fields: Any) -> str:
    raw_key, record = new_key(**fields)
    served.rig.source.add(record)
    return raw_key


def test_a_good_key_reaches_the_app_without_its_secret(served: Served) -> None:
    raw_key = good_key(served)
    status, headers, body = served.get(x_api_key=raw_key, authorization=f"Bearer {raw_key}")
    assert (status, body) == ("200 OK", b"served")
    assert headers["X-RateLimit-Remaining"] == "999"
    seen = served.behind.environ
    assert seen["vibekeys.outcome"] == "allowed"
    assert seen["vibekeys.client_address"] == "192.0.2.1"
    assert seen["vibekeys.admission"].snapshot.key.name == "a key"
    assert raw_key not in repr(seen)


def test_a_refusal_is_the_envelope_and_never_reaches_the_app(served: Served) -> None:
    status, headers, body = served.get(x_request_id="mine-1")
    assert status == "401 Unauthorized"
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Request-Id"] == "mine-1"
    assert json.loads(body) == {
        "success": False,
        "error": {
            "code": "MISSING_API_KEY",
            "message": DENIALS["MISSING_API_KEY"][1],
            "requestId": "mine-1",
            "hint": "Send the API key as X-Api-Key: <key> or Authorization: Bearer <key>.",
        },
    }
    assert served.behind.environ == {}


def test_the_url_is_looked_at_before_the_headers(served: Served) -> None:
    raw_key = good_key(served)
    status, _, body = served.get(query=f"key={mint('api')}", x_api_key=raw_key, authorization="Bearer x")
    assert (status, json.loads(body)["error"]["code"]) == ("400 Bad Request", "KEY_IN_URL")


def test_the_url_of_a_public_path_is_looked_at_too(served: Served) -> None:
    status, _, body = served.get("/public", query=f"key={mint('api')}")
    assert (status, json.loads(body)["error"]["code"]) == ("400 Bad Request", "KEY_IN_URL")
    assert served.behind.environ == {}


def test_a_head_request_is_refused_without_a_body(served: Served) -> None:
    status, headers, body = served.get(method="HEAD")
    assert (status, body) == ("401 Unauthorized", b"")
    assert int(headers["Content-Length"]) > 0


def test_public_paths_need_no_key_and_keep_their_headers(served: Served) -> None:
    status, headers, _ = served.get("/public", authorization="Bearer of-their-own")
    assert status == "200 OK"
    assert re.fullmatch(r"[0-9a-f]{32}", headers["X-Request-Id"])
    assert served.behind.environ["HTTP_AUTHORIZATION"] == "Bearer of-their-own"
    assert served.behind.environ["vibekeys.outcome"] == "public"


@pytest.mark.parametrize("code", DENIALS)
def test_every_refusal_has_a_status_and_its_headers(code: str) -> None:
    denial = Denial(code, retry_after=3 if DENIALS[code][0] in (429, 503) else None)
    headers = dict(denial.headers())
    assert denial.status_line.startswith(f"{DENIALS[code][0]} ")
    assert ("WWW-Authenticate" in headers) is (denial.status == 401)
    assert ("Retry-After" in headers) is (denial.status in (429, 503))


def test_a_limited_request_is_told_when_to_come_back(served: Served) -> None:
    raw_key = good_key(served, hourly_limit=1)
    served.get(x_api_key=raw_key)
    status, headers, body = served.get(x_api_key=raw_key)
    assert status == "429 Too Many Requests"
    assert headers["Retry-After"] == "3600"
    assert headers["X-RateLimit-Remaining"] == "0"
    assert headers["RateLimit"] == '"key";r=0;t=3600, "tier";r=999;t=3600'
    error = json.loads(body)["error"]
    assert error["retryAfter"] == 3600
    assert error["details"] == {"limit": 1, "window": 3600, "scope": "key"}


def test_a_rotated_key_in_grace_is_told_its_end(served: Served) -> None:
    fields = {"deprecated_at": START - 60, "grace_ends_at": START + 0.5, "hourly_limit": 1}
    raw_key = good_key(served, **fields)
    for expected in ("200 OK", "429 Too Many Requests"):
        status, headers, _ = served.get(x_api_key=raw_key)
        assert status == expected
        assert headers["Deprecation"] == f"@{int(START) - 60}"
        assert headers["Sunset"] == "Tue, 14 Nov 2023 23:00:00 GMT"
        assert headers["X-Key-Grace-Ends-At"] == "2023-11-14T23:00:00.500Z"


def test_a_refused_call_in_grace_is_told_its_end_too_and_none_after_it(served: Served) -> None:
    fields = {"deprecated_at": START - 60, "ip_whitelist": ("198.51.100.1",)}
    _, headers, _ = served.get(x_api_key=good_key(served, **fields, grace_ends_at=START + 1))
    assert "Sunset" in headers
    _, headers, _ = served.get(x_api_key=good_key(served, **fields, grace_ends_at=START))
    assert "Sunset" not in headers


def test_an_account_without_limits_has_no_limit_headers(served: Served) -> None:
    raw_key, record = new_key(account_id="big")
    served.rig.source.add(record, AccountRecord("big", 1, tier="enterprise"))
    _, headers, _ = served.get(x_api_key=raw_key)
    assert not [name for name in headers if "ratelimit" in name.lower()]


def test_the_address_behind_a_trusted_proxy_decides(served: Served) -> None:
    raw_key = good_key(served, ip_whitelist=("198.51.100.0/24",))
    hop = {"x_api_key": raw_key, "x_forwarded_for": "198.51.100.7"}
    assert served.get(peer="10.0.0.1", **hop)[0] == "200 OK"
    status, _, body = served.get(peer="192.0.2.1", **hop)
    assert status == "403 Forbidden"
    assert json.loads(body)["error"]["details"] == {"address": "192.0.2.1"}


@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded", "x_real_ip"])
def test_an_untrusted_proxy_on_this_host_is_warned_of_once(
    served: Served, header: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        served.get(peer="127.0.0.1", **{header: "198.51.100.7"})
    assert len([record for record in caplog.records if "TRUSTED_PROXIES" in record.getMessage()]) == 1
    assert forwarded_from_untrusted_at(served.rig.folder) == int(START)


ENDED = {"rotated": {"grace_ends_at": START}, "expired": {"expires_at": START}}


@pytest.mark.parametrize("ended", ENDED)
def test_a_key_whose_time_is_over_has_its_kept_answer(served: Served, ended: str) -> None:
    raw_key = good_key(served, hourly_limit=1, **ENDED[ended])
    assert served.get(x_api_key=raw_key)[0] == "401 Unauthorized"
    served.kept = Behind()
    for _ in range(3):
        status, headers, body = served.get(x_api_key=raw_key)
        assert (status, body) == ("200 OK", b"served")
        assert len(headers["X-Request-Id"]) == 32
        assert not [name for name in headers if "ratelimit" in name.lower()]
    assert served.asked_for == [raw_key] * 4
    assert served.behind.environ == {}


@pytest.mark.parametrize(
    ("key", "account"),
    [
        ({"revoked": True}, {}),
        ({"ip_whitelist": ("198.51.100.1",)}, {}),
        ({"portal_id": "p"}, {}),
        ({}, {"status": "SUSPENDED"}),
    ],
    ids=["revoked", "address", "portal", "account"],
)
@pytest.mark.parametrize("ended", ENDED)
def test_a_key_that_more_speaks_against_has_none(
    served: Served, ended: str, key: dict[str, Any], account: dict[str, Any]
) -> None:
    raw_key, record = new_key(account_id="theirs", **ENDED[ended], **key)
    served.rig.source.add(record, AccountRecord("theirs", 1, **account))
    served.kept = Behind()
    assert served.get(x_api_key=raw_key)[0] == "401 Unauthorized"
    assert served.asked_for == []


def test_a_key_in_force_an_unknown_and_a_deleted_one_have_no_kept_answer(served: Served) -> None:
    raw_key, record = new_key(grace_ends_at=START)
    served.rig.source.add(record)
    served.rig.source.delete_key(record.digest)
    served.kept = Behind()
    for other in (raw_key, mint("api"), good_key(served), good_key(served, hourly_limit=1)):
        for _ in range(2):
            served.get(x_api_key=other)
    assert served.asked_for == []


def test_when_nobody_can_tell_whether_an_answer_is_kept_it_is_no_401(served: Served) -> None:
    served.kept = SourceError("away")
    status, headers, body = served.get(x_api_key=good_key(served, **ENDED["rotated"]))
    assert (status, headers["Retry-After"]) == ("503 Service Unavailable", "1")
    assert json.loads(body)["error"]["code"] == "GATEWAY_UNAVAILABLE"


def test_without_redis_a_key_whose_time_is_over_has_its_kept_answer(
    tmp_path: Path, valkey_server: ValkeyServer
) -> None:
    rig = Rig(valkey_server.url, tmp_path)
    served = Served(rig, Networks(()))
    raw_key = good_key(served, **ENDED["rotated"])
    served.kept = Behind()
    valkey_server.kill()
    status, headers, _ = served.get(x_api_key=raw_key)
    assert (status, headers["X-RateLimit-Mode"]) == ("200 OK", "local")
    rig.close()


def test_the_mode_is_told_while_redis_is_away(tmp_path: Path, valkey_server: ValkeyServer) -> None:
    rig = Rig(valkey_server.url, tmp_path)
    served = Served(rig, Networks(()))
    raw_key = good_key(served)
    assert "X-RateLimit-Mode" not in served.get(x_api_key=raw_key)[1]
    valkey_server.kill()
    assert served.get(x_api_key=raw_key)[1]["X-RateLimit-Mode"] == "local"
    rig.close()


FOREIGN = """
import pathlib, sys
from app import application            # the project's own package called app
from gateway.authorize import Authorizer, Policy
from gateway.host_table import HostTable
from gateway.address import Networks
from gateway.middleware import Gateway
from gateway.redis_link import open_link
from gateway.source import LegacyForms, Publications
from gateway.store import PUBLISHED_KEY, Store
from gateway.trust import Trust
from gateway.usage_table import UsageTable

class NoKeys:
    def lookup(self, digest): return None
    def publications(self): return Publications(0, 0)
    def publish_pending(self): pass
    def legacy_forms(self): return LegacyForms()

folder = pathlib.Path(sys.argv[2])
source, table, usage = NoKeys(), HostTable(folder), UsageTable(folder)
trust = Trust(table)
store = Store(open_link(sys.argv[1], 1.0, PUBLISHED_KEY, lambda greeting: trust.greet(greeting, source)))
assert trust.recover(store, source)
authorizer = Authorizer(store, source, table, usage, trust, Policy(), lambda: 0.0, LegacyForms)
wrapped = Gateway(application, authorizer, table, Networks(()), lambda path: path == "/", lambda: 0.0)
for path in ("/", "/orders"):
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "REMOTE_ADDR": "192.0.2.1"}
    print(b"".join(wrapped(environ, lambda status, headers, exc_info=None: print(status))).decode())
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(loaded & {"flask", "peewee", "marshmallow", "werkzeug", "structlog", "apsw"}))
"""


def test_it_stands_alone_around_a_foreign_app_that_has_an_app_package(
    tmp_path: Path, valkey_url: str
) -> None:
    project = tmp_path / "project"
    (project / "app").mkdir(parents=True)
    (project / "app" / "__init__.py").write_text(
        "def application(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
        "    return [b'theirs']\n"
    )
    (project / "serve.py").write_text(FOREIGN)
    (project / "gateway").symlink_to(Path(__file__).parents[2] / "gateway")
    (tmp_path / "state").mkdir()
    result = subprocess.run(
        [sys.executable, "serve.py", valkey_url, str(tmp_path / "state")],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[:3] == ["200 OK", "theirs", "401 Unauthorized"]
    assert json.loads(lines[3])["error"]["code"] == "MISSING_API_KEY"
    assert lines[4] == "[]"
