"""What nginx answers for a service that is away, ends, or takes too long; and nothing of it at a reload.

The refusal tells a client whether it may simply send the request again: 503 with `Retry-After` if the service
cannot have carried it out, or if it only reads; 500 without one if nobody knows.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.deploy.conftest import Deployment
from tests.deploy.rig import Answer, Nginx, nginx
from tests.deploy.stand_in import stand_in
from tests.serve.processes import free_port

AT_ONCE = {"proxy_read_timeout 60s;": "proxy_read_timeout 100ms;"}
NEVER_CARRIED_OUT = (503, "GATEWAY_UNAVAILABLE", "5")
UNKNOWN = (500, "INTERNAL_ERROR", None)


@pytest.fixture(scope="module")
def before_nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """nginx in front of a port on which nobody listens."""
    with nginx(tmp_path_factory.mktemp("nobody") / "nginx", free_port()) as proxy:
        yield proxy


def _told(answer: Answer) -> tuple[int, str, str | None]:
    retry_after = answer.headers.get("Retry-After")
    assert answer.json["error"].get("retryAfter") == (retry_after and int(retry_after))
    return answer.status, answer.code, retry_after


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_while_the_service_is_down_every_request_may_be_sent_again(before_nobody: Nginx, method: str) -> None:
    assert _told(before_nobody.ask(method, "/v1/keys", body=b"{}")) == NEVER_CARRIED_OUT


def test_a_refusal_of_head_has_no_body(before_nobody: Nginx) -> None:
    answer = before_nobody.ask("HEAD", "/v1/me")
    assert (answer.status, answer.body) == (503, b"")


@pytest.mark.parametrize(
    ("method", "told"), [("GET", NEVER_CARRIED_OUT), ("POST", UNKNOWN), ("DELETE", UNKNOWN)]
)
@pytest.mark.parametrize("hangs_up", [True, False], ids=["ends", "takes too long"])
def test_who_got_no_answer_is_told_whether_to_ask_again(
    tmp_path: Path, hangs_up: bool, method: str, told: tuple[int, str, str | None]
) -> None:
    with (
        stand_in(answered=0, hangs_up=hangs_up) as service,
        nginx(tmp_path / "nginx", service.port, AT_ONCE) as proxy,
    ):
        answer = proxy.ask(method, "/v1/keys", body=b"{}")
        assert _told(answer) == told
        assert proxy.line(answer)["upstream_status"] == ("502" if hangs_up else "504")


def test_a_connection_that_ends_as_it_is_used_again_loses_no_request(tmp_path: Path) -> None:
    with stand_in(answered=1) as service, nginx(tmp_path / "nginx", service.port) as proxy:
        for method in ["GET", "PATCH", "GET", "HEAD", "POST", "DELETE"] * 5:
            assert proxy.ask(method, "/").status == 204
    assert len(service.heads) > 30, "some were sent again"


def test_no_request_fails_while_the_service_is_reloaded(deployed: Deployment) -> None:
    path, renamed = f"/v1/keys/{deployed.limited}", json.dumps({"name": "renamed"}).encode()
    calls: list[Callable[[], Answer]] = [
        lambda: deployed.nginx.ask("GET", "/v1/me", deployed.key),
        lambda: deployed.nginx.ask("PATCH", path, deployed.management_key, body=renamed),
    ]
    reloaded = threading.Event()

    def call_until_reloaded(call: Callable[[], Answer]) -> Counter[int]:
        statuses: Counter[int] = Counter()
        while not reloaded.is_set():
            statuses[call().status] += 1
        return statuses

    with ThreadPoolExecutor(4) as callers:
        outcomes = [callers.submit(call_until_reloaded, call) for call in calls * 2]
        deployed.web.reload()
        reloaded.set()
    for outcome in outcomes:
        assert outcome.result().keys() == {200}
