"""Portals that do not answer hold threads of a worker, but never the last one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path

from app.bitrix.sandbox import Sandbox
from app.config import Config
from app.ledger import Actor
from app.models import Account
from app.wiring import open_services
from tests.bitrix.raw_server import RawServer, raw_server
from tests.conftest import ValkeyServer
from tests.faults.crowd import in_a_process, until
from tests.faults.service import Answer, Installation, installation

PORTALS = 3
EACH = 3
"""Requests to each of them."""
MOST_HELD = 3
"""One fewer than the worker has threads."""
BATCH = {"calls": [{"entity": "deals", "action": "get", "entityId": 1}]}


def _link(environ: Mapping[str, str], urls: Sequence[str], pipe: Connection) -> list[str]:
    """Make a portal for each webhook; return a key of each."""
    services = open_services(Config.from_env(environ), redis="required")
    owner, cli, keys = Account.get(Account.email == "admin@example.test"), Actor("cli"), []
    for number, url in enumerate(urls):
        portal = services.portals.create(cli, f"hung-{number}.example.test", webhook_url=url)
        services.portals.set_member(cli, portal.id, owner.id, "ADMIN")
        issued = services.keyring.issue(
            cli, type="api", owner=owner, portal=portal, name="hung", scopes=["crm"]
        )
        keys.append(issued.raw_key)
    services.close()
    return keys


def _hung(stack: ExitStack) -> RawServer:
    server = stack.enter_context(raw_server())
    server.behave = lambda *_: server.stopping.wait()
    return server


def _timed(made: Installation, method: str, path: str, key: str) -> tuple[float, Answer]:
    caller = made.servers[0].caller()
    began = time.monotonic()
    answer = caller.call(method, path, key)
    caller.close()
    return time.monotonic() - began, answer


def _batch(made: Installation, key: str) -> Answer:
    caller = made.servers[0].caller()
    answer = caller.call("POST", "/v1/batch", key, BATCH)
    caller.close()
    return answer


def test_three_hung_portals_leave_a_thread_for_everything_else(
    valkey_server: ValkeyServer, tmp_path: Path, sandbox: Sandbox
) -> None:
    settings = {"WEB_CONCURRENCY": "1", "THREADS": "4"}
    with (
        installation(tmp_path, valkey_server, servers=1, portal_keys=1, **settings) as made,
        ThreadPoolExecutor(PORTALS * EACH) as pool,
        ExitStack() as stack,
    ):
        hung = [_hung(stack) for _ in range(PORTALS)]
        urls = [*(server.url for server in hung), sandbox.webhook_url]
        *keys, healthy = in_a_process(_link, made.environ, urls)
        calls = [pool.submit(_batch, made, key) for key in keys * EACH]
        until(lambda: len(_held(hung)) == MOST_HELD, "the portals hold what they may")
        until(lambda: len(_done(calls)) == len(calls) - MOST_HELD, "all others are answered")

        management, portal = made.made["management_key"], made.made["portal"]
        for _ in range(5):
            for path, key in (("/v1/me", healthy), (f"/v1/keys?portalId={portal}", management)):
                seconds, answer = _timed(made, "GET", path, key)
                assert answer.status == 200
                assert seconds < 1.0
        seconds, refused = _timed(made, "GET", "/v1/deals/1", healthy)
        assert seconds < 1.0

        # The batches wait for up to 20 seconds: none of them was over before the others were served.
        assert len(_done(calls)) == len(calls) - MOST_HELD
        for answer in (refused, *(call.result() for call in _done(calls))):
            assert (answer.status, answer.code, answer.headers["Retry-After"]) == (429, "RATE_LIMITED", "1")
            assert answer.json["error"]["details"]["scope"] in ("portals", "portal")
        assert refused.json["error"]["details"] == {"scope": "portals"}

        stack.close()
        assert [call.result().status for call in calls].count(502) == MOST_HELD
        assert _timed(made, "GET", "/v1/deals/1", healthy)[1].status == 200


def _held(hung: Sequence[RawServer]) -> list[bytes]:
    return [request for server in hung for request in server.all_requests]


def _done(calls: Sequence[Future[Answer]]) -> list[Future[Answer]]:
    return [call for call in calls if call.done()]
