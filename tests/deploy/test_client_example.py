"""`docs/examples/client.py` against a real service, one that limits it, and one whose answers are lost."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from uuid import uuid4

import pytest

from tests.deploy.conftest import Deployment
from tests.deploy.stand_in import read_request, stand_in
from tests.serve.processes import PATIENCE, REPOSITORY, eventually

EXAMPLE = REPOSITORY / "docs/examples/client.py"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("example_client", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def waits(example: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it waited each time, in seconds."""
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        time.sleep(seconds)

    monkeypatch.setattr(example, "time", SimpleNamespace(monotonic=time.monotonic, sleep=sleep))
    return waited


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


@contextmanager
def losing_the_first_answer(service_port: int) -> Iterator[int]:
    """Pass requests on to the service, and its answers back, but for the first one."""

    class Connection(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", service_port), PATIENCE) as service:
                service.sendall(read_request(self.rfile))
                with service.makefile("rb") as stream:
                    answers.append(stream.read())
            if len(answers) > 1:
                self.wfile.write(answers[-1])

    answers: list[bytes] = []
    with socketserver.TCPServer(("127.0.0.1", 0), Connection) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.05,))
        serving.start()
        yield server.server_address[1]
        server.shutdown()
        serving.join()


def keys_named(deployed: Deployment, name: str) -> int:
    path = f"/v1/keys?portalId={deployed.portal}&name={name}"
    return int(deployed.nginx.ask("GET", path, deployed.management_key).json["meta"]["total"])


def test_it_waits_as_long_as_it_is_told_to_and_is_admitted(
    example: ModuleType, deployed: Deployment, waits: list[float]
) -> None:
    deployed.change_limited(rateLimit=1, ipWhitelist=[])
    client = example.Client(url(deployed.web.port), deployed.limited_key)
    eventually(lambda: client.call("GET", "/v1/me") and waits, "it was told to wait")
    deployed.change_limited(rateLimit=None)
    assert min(waits) >= 1


def test_it_does_not_wait_longer_than_it_may(
    example: ModuleType, deployed: Deployment, waits: list[float]
) -> None:
    deployed.change_limited(hourlyLimit=1, ipWhitelist=[])
    client = example.Client(url(deployed.web.port), deployed.limited_key, patience=0.5)
    with pytest.raises(example.Refused) as refused:
        [client.call("GET", "/v1/me") for _ in range(3)]  # one may come before a new hour, and one after
    deployed.change_limited(hourlyLimit=None)
    assert (refused.value.status, refused.value.code, waits) == (429, "RATE_LIMITED", [])


def test_a_refusal_that_waiting_does_not_help_is_told_at_once(
    example: ModuleType, deployed: Deployment, waits: list[float]
) -> None:
    client = example.Client(url(deployed.web.port), deployed.management_key)
    with pytest.raises(example.Refused, match="MISSING_PORTAL_ID: portalId is required") as refused:
        client.call("POST", "/v1/keys", {"name": "no portal"})
    assert (refused.value.error["code"], waits) == ("MISSING_PORTAL_ID", [])


def test_a_lost_answer_is_had_by_asking_again_and_makes_no_second_key(
    example: ModuleType, deployed: Deployment
) -> None:
    name = uuid4().hex
    body = {"portalId": deployed.portal, "name": name, "scopes": ["crm"]}
    with losing_the_first_answer(deployed.web.port) as port:
        client = example.Client(url(port), deployed.management_key)
        made = client.call("POST", "/v1/keys", body, idempotency_key=str(uuid4()))
    assert example.Client(url(deployed.web.port), made["rawKey"]).call("GET", "/v1/me")["name"] == name
    assert keys_named(deployed, name) == 1


def test_what_may_have_been_done_is_not_sent_again(example: ModuleType, deployed: Deployment) -> None:
    name = uuid4().hex
    body = {"portalId": deployed.portal, "name": name, "scopes": ["crm"]}
    with losing_the_first_answer(deployed.web.port) as port:
        client = example.Client(url(port), deployed.management_key)
        with pytest.raises(example.NoAnswer, match="POST /v1/keys"):
            client.call("POST", "/v1/keys", body)
        assert keys_named(deployed, name) == 1
        assert client.call("GET", "/v1/portals"), "answers are lost no more"


def test_an_attempt_ends_and_so_do_all_together(example: ModuleType, waits: list[float]) -> None:
    with stand_in(answered=0, hangs_up=False) as silent:
        client = example.Client(url(silent.port), "a key", timeout=0.05, patience=1.2)
        with pytest.raises(example.NoAnswer):
            client.call("GET", "/v1/me")
        assert len(silent.heads) == len(waits) + 1 > 1


def test_it_follows_no_redirect_with_its_key(example: ModuleType, deployed: Deployment) -> None:
    client = example.Client(url(deployed.nginx.http), deployed.key, patience=0)
    with pytest.raises(example.NoAnswer):
        client.call("GET", "/v1/me")


def run(deployed: Deployment, key: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "VIBEKEYS_URL": url(deployed.web.port), "VIBEKEYS_KEY": key}
    return subprocess.run(
        [sys.executable, EXAMPLE], env=environ, capture_output=True, text=True, check=False, timeout=PATIENCE
    )


def test_as_a_program_it_says_what_the_key_is(deployed: Deployment) -> None:
    said = run(deployed, deployed.key)
    assert (said.returncode, said.stderr) == (0, "")
    assert json.loads(said.stdout)["type"] == "api"


def test_as_a_program_it_says_why_not_in_one_line_without_the_key(deployed: Deployment) -> None:
    said = run(deployed, deployed.key[:-1])
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith(
        "Refused: INVALID_API_KEY: The API key is not valid. The API key is truncated"
    )
    assert deployed.key[:-1] not in said.stderr
