"""``vibekeys run`` with real processes: what it starts, survives, refuses, and leaves behind (nothing)."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.serve import stand_in
from tests.conftest import ValkeyServer
from tests.serve.processes import Service, environment, eventually, free_port, living, refusal

HOSTILE = "raise SystemExit('taken from the working directory')\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for all tests that leave it running; its folder and its variables could mislead gunicorn."""
    folder = tmp_path_factory.mktemp("service")
    for name in ("gunicorn.conf.py", "wsgi.py", "app.py", "gateway.py"):
        (folder / name).write_text(HOSTILE)
    misleading = {"GUNICORN_CMD_ARGS": "--bind 127.0.0.1:1 --preload", "FORWARDED_ALLOW_IPS": "*"}
    service = Service(folder / "state", {"METRICS_TOKEN": "of-prometheus", **misleading}, cwd=folder)
    service.start()
    yield service
    assert service.stop() == 0, service.said()


def test_says_that_it_serves_only_once_it_is_ready(service: Service) -> None:
    assert service.state() == {
        "status": "ready",
        "database": "up",
        "migrations": "applied",
        "redis": "redis",
    }
    assert service.get("/healthz")[0] == 200


def test_gunicorn_takes_no_setting_from_folder_or_environment_and_hides_its_name(service: Service) -> None:
    status, headers, _ = service.get("/healthz", {"SCRIPT_NAME": "/healthz"})
    assert status == 200
    assert headers["Server"] == "vibekeys"
    assert not list(service.folder.glob("**/gunicorn.ctl"))


def test_metrics_are_for_their_token_and_are_the_sum_of_all_workers(service: Service) -> None:
    assert service.get("/metrics")[0] == 401
    assert service.get("/metrics", {"Authorization": "Bearer of-others"})[0] == 401
    status, headers, body = service.get("/metrics", {"Authorization": "bearer of-prometheus"})
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain")
    assert b'vibekeys_redis_mode{mode="redis"} 1.0' in body
    assert b'vibekeys_decisions_total{outcome="public"}' in body


def test_a_second_service_on_the_same_folder_is_refused(service: Service) -> None:
    said = refusal(service.environ | {"PORT": str(free_port())})
    assert said == f"vibekeys: STATE_DIR: another `vibekeys run` is serving from {service.folder}\n"


def test_a_port_in_use_is_refused(service: Service, tmp_path: Path) -> None:
    said = refusal(environment(tmp_path, PORT=str(service.port)))
    port = service.port
    assert said == f"vibekeys: HOST, PORT: cannot listen on 127.0.0.1, {port}: Address already in use\n"


def test_hang_up_reloads_without_a_failed_request(service: Service) -> None:
    workers = set(service.descendants())
    statuses: list[int] = []
    reloaded = threading.Event()

    def ask() -> None:
        while not reloaded.is_set() or len(statuses) < 20:
            statuses.append(service.get("/healthz")[0])

    asking = threading.Thread(target=ask)
    asking.start()
    service.process.send_signal(signal.SIGHUP)
    master, valkey = service.child("app.serve.web"), service.child("valkey-server")
    eventually(
        lambda: len(set(service.descendants()) - workers) == 2 and len(service.descendants()) == len(workers),
        "one new web worker and a new background worker, and the old ones gone",
    )
    reloaded.set()
    asking.join()
    assert set(statuses) == {200}
    assert {master, valkey} < set(service.descendants())


def test_a_killed_valkey_is_started_again_and_believed_again(service: Service) -> None:
    killed = service.child("valkey-server")
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: service.child("valkey-server") not in (0, killed), "another Valkey")
    eventually(lambda: service.state()["redis"] == "redis", "Redis decides again")


def test_while_a_killed_gunicorn_is_started_again_connections_wait(service: Service) -> None:
    killed = service.child("app.serve.web")
    os.kill(killed, signal.SIGKILL)
    assert service.get("/healthz")[0] == 200
    eventually(lambda: service.child("app.serve.web") not in (0, killed), "another gunicorn")
    eventually(lambda: len(service.descendants()) == 4, "no worker of the killed one")


def test_ctrl_c_lets_a_running_request_finish_and_leaves_no_process(tmp_path: Path) -> None:
    service = Service(tmp_path / "state")
    service.start()
    started = service.descendants()
    assert len(started) == 4, "valkey, gunicorn and its worker, the background worker"
    with socket.create_connection(("127.0.0.1", service.port)) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        kept = http.client.HTTPConnection("127.0.0.1", service.port)
        assert not _closes(kept)
        service.process.send_signal(signal.SIGINT)
        eventually(lambda: _closes(kept), "the worker is ending")
        slow.sendall(b"\r\n")
        answer = http.client.HTTPResponse(slow)
        answer.begin()
        assert answer.status == 200
    assert service.wait() == 0
    assert not started.keys() & living().keys()
    assert not (service.folder / "redis.sock").exists()


def test_one_signal_that_arrives_twice_is_one_and_a_second_one_does_not_wait(tmp_path: Path) -> None:
    service = Service(tmp_path / "state")
    service.start()
    started = service.descendants()
    with socket.create_connection(("127.0.0.1", service.port)) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        kept = http.client.HTTPConnection("127.0.0.1", service.port)
        assert not _closes(kept)
        for _ in range(2):  # as by a signal to the group of `make run`, which `make` passes on
            service.process.send_signal(signal.SIGTERM)
            time.sleep(0.1)
        eventually(lambda: _closes(kept), "the worker is ending")
        time.sleep(1.0)
        assert service.child("app.serve.web"), "it waits for the request"
        assert "a second time" not in service.said()

        service.process.send_signal(signal.SIGTERM)
        assert service.wait() == 0
    assert "told to end a second time: not waiting" in service.said()
    assert not started.keys() & living().keys()


def test_after_a_kill_nothing_is_left_and_the_folder_serves_again(tmp_path: Path) -> None:
    service = Service(tmp_path / "deeper than the path of a socket may be" / ("state" * 20))
    service.start()
    started = service.descendants()
    service.stop(signal.SIGKILL)
    eventually(lambda: not started.keys() & living().keys(), "the children ended by themselves")

    manifest = service.folder / "appendonlydir" / "appendonly.aof.manifest"
    manifest.write_text("not a manifest\n")
    service.start()
    assert service.state()["redis"] == "redis"
    assert len(list(service.folder.glob("appendonlydir.unreadable-*"))) == 1
    assert service.stop() == 0


def test_with_a_given_redis_no_valkey_is_started_and_an_evicting_one_is_named(tmp_path: Path) -> None:
    redis = ValkeyServer("--maxmemory-policy", "allkeys-lru")
    service = Service(tmp_path / "state", {"REDIS_URL": redis.url}, ("--no-worker", "--demo"))
    service.start()
    try:
        assert len(service.descendants()) == 3, "gunicorn and its worker, the stand-in Bitrix24"
        assert "maxmemory-policy should be noeviction" in service.said()

        raw_key = next(
            found[0] for line in service.output() if (found := re.search("vxk_[0-9a-f]{64}", line))
        )
        assert service.get("/v1/me", {"X-Api-Key": raw_key})[0] == 200
        assert raw_key not in service.said()
    finally:
        assert service.stop() == 0
        redis.close()


def test_the_demo_has_a_bitrix24_behind_its_portal_wherever_that_listens(tmp_path: Path) -> None:
    service = Service(tmp_path / "state", arguments=("--demo", "--no-worker"))
    service.start()
    told = "".join(itertools.takewhile(lambda line: "/v1/keys?" not in line, service.output()))
    demo = re.search(r"portal: .* id (\S+)\n(?s:.*)(vibe_live_[0-9a-f]{64})", told)
    assert demo is not None
    portal_id, management_key = demo.groups()
    port = _port_of_stand_in(service)
    assert _make_key(service, portal_id, management_key) == 201
    assert _calls_of_stand_in(port)[0] == "profile"

    killed = service.child("bitrix-sandbox")
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: service.child("bitrix-sandbox") not in (0, killed), "another stand-in")
    eventually(lambda: stand_in.answers(port), "it is on the same port")
    assert _make_key(service, portal_id, management_key) == 201
    assert service.stop() == 0
    assert not stand_in.answers(port)

    with socket.create_server(("127.0.0.1", port)):
        service.start()
        other = _port_of_stand_in(service)
        assert other != port
        assert _make_key(service, portal_id, management_key) == 201
        assert stand_in.webhook_url(other).rpartition("/")[2] not in service.said()
        assert service.stop() == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"PORT": "none"}, "PORT: 'none' is not an integer from 1 to 65535"),
        ({"HOST": "no.invalid"}, "HOST, PORT: cannot listen on no.invalid, 8000: "),
        ({"STATE_DIR": "/dev/null/state"}, "STATE_DIR: /dev/null/state: Not a directory"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_it_cannot_start_with_is_one_line(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    lines = refusal(environment(tmp_path, **settings)).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"vibekeys: {said}")


def _closes(kept: http.client.HTTPConnection) -> bool:
    """Does the worker answer one more request on this connection, and say that it is the last?"""
    kept.request("GET", "/healthz")
    answer = kept.getresponse()
    answer.read()
    return answer.getheader("Connection") == "close"


def _port_of_stand_in(service: Service) -> int:
    return int((service.folder / "bitrix-sandbox.port").read_text())


def _calls_of_stand_in(port: int) -> list[str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/sandbox/calls") as answer:
        return [call["method"] for call in json.load(answer)]


def _make_key(service: Service, portal_id: str, management_key: str) -> int:
    body = json.dumps({"portalId": portal_id, "name": "Probed", "scopes": ["crm"]})
    headers = {"Content-Type": "application/json", "X-Api-Key": management_key}
    connection = http.client.HTTPConnection("127.0.0.1", service.port)
    try:
        connection.request("POST", "/v1/keys", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()
