"""What a request is noted as: by the whole service, in one process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.models import Key, UsageSplitHour, WrongKeys
from app.usage.gather import SplitWriter
from app.usage.tally import KINDS, Tally
from gateway.keys import mint
from tests.api.world import Service, World, serving
from tests.usage.recorded import record


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("usage"), AUTH_FAILURES_PER_MINUTE="5") as service:
        yield service


@pytest.fixture
def world(service: Service) -> World:
    return World(service)


def noted(service: Service, key: Key) -> dict[str, dict[str, int]]:
    """What was noted of a key, by kind and name."""
    record(service)
    found = {kind: Counter[str]() for kind in KINDS}
    for row in UsageSplitHour.select().where(UsageSplitHour.key_id == key.id):
        found[row.kind][row.name] += row.requests
    return {kind: dict(counts) for kind, counts in found.items()}


def call(world: World, raw_key: str, path: str = "/v1/me", method: str = "GET", **more: Any) -> None:
    world.service.call(method, path, raw_key, **more)


def test_an_admitted_request_is_noted_by_tool_action_status_and_network(world: World) -> None:
    issued = world.portal_key()
    for user_agent, peer in (("curl/8.5.0", "192.0.2.1"), ("claude-cli/2.0", "192.0.2.200")):
        more = {"headers": {"User-Agent": user_agent}, "environ_base": {"REMOTE_ADDR": peer}}
        call(world, issued.raw_key, **more)

    assert noted(world.service, issued.key) == {
        "tool": {"curl": 1, "Claude Code": 1},
        "action": {"GET /v1/me": 2},
        "status": {"2xx": 2},
        "network": {"192.0.2.0/24": 2},
        "refusal": {},
    }


def test_an_action_is_a_route_whatever_the_path_names(world: World) -> None:
    issued = world.issue("management", world.admin.account, scopes=["vibe:mgmt:keys"])
    for path in ("/v1/keys/1", "/v1/keys/2?x=1", "/v1/nothing", "/v1/keys/3/usage"):
        call(world, issued.raw_key, path)
    call(world, issued.raw_key, "/v1/keys/1", "HEAD")
    call(world, issued.raw_key, "/v1/keys/1", "OPTIONS")

    assert noted(world.service, issued.key)["action"] == {
        "GET /v1/keys/{id}": 3,
        "GET /v1/keys/{id}/usage": 1,
        "other": 2,
    }


def test_what_the_application_refuses_is_noted_with_its_code(world: World) -> None:
    issued = world.portal_key(scopes=["crm"])
    call(world, issued.raw_key, "/v1/keys")
    call(world, issued.raw_key, "/v1/infra/servers")
    call(world, issued.raw_key, "/v1/feedback", "POST", data="no JSON")

    found = noted(world.service, issued.key)
    assert found["action"] == {"GET /v1/keys": 1, "GET /v1/infra/servers": 1, "POST /v1/feedback": 1}
    assert found["refusal"] == {
        "MANAGEMENT_KEY_REQUIRED": 1,
        "SCOPE_DENIED": 1,
        "UNSUPPORTED_MEDIA_TYPE": 1,
    }
    assert found["status"] == {"4xx": 3}


def test_what_the_gateway_refuses_of_a_known_key_is_noted_by_code_alone(world: World) -> None:
    issued = world.portal_key(ip_whitelist=["192.0.2.1"])
    call(world, issued.raw_key)
    world.change_key(issued.key, status="REVOKED")
    call(world, issued.raw_key)

    nothing: dict[str, int] = {}
    assert noted(world.service, issued.key) == {
        **dict.fromkeys(KINDS, nothing),
        "refusal": {"IP_NOT_ALLOWED": 1, "KEY_REVOKED": 1},
    }


def test_a_wrong_key_is_noted_for_the_key_that_begins_like_it_and_for_its_address(world: World) -> None:
    issued = world.portal_key()
    peer = {"environ_base": {"REMOTE_ADDR": "2001:db8:7:7::1"}}
    mistyped = issued.raw_key[:-1] + ("0" if issued.raw_key[-1] != "0" else "1")
    for raw_key in (mistyped, issued.raw_key[:30], mint("api"), "nothing", issued.raw_key[:15]):
        call(world, raw_key, **peer)
    call(world, mistyped, **peer)  # the sixth within a minute
    call(world, mistyped, "/v1/me?key=" + mistyped, **peer)  # of which nothing is looked up

    assert noted(world.service, issued.key)["refusal"] == {"INVALID_API_KEY": 2, "AUTH_ATTEMPTS_LIMITED": 1}
    (from_there,) = WrongKeys.select().where(WrongKeys.address == "2001:db8:7:7::/64")
    assert from_there.requests == 6


def test_what_needs_no_key_is_noted_nowhere(world: World) -> None:
    record(world.service)
    before = UsageSplitHour.select().count()
    for path in ("/healthz", "/docs", "/docs/openapi.json"):
        world.service.call("GET", path)
    record(world.service)

    assert UsageSplitHour.select().count() == before


def test_threads_that_write_at_once_write_each_request_once(service: Service) -> None:
    db, tally = service.services.db, Tally()
    writer = SplitWriter(db, tally)

    def count_and_write(_: int) -> None:
        for _ in range(10):
            tally.count_refusal("by threads", 0, "RATE_LIMITED")
            writer.write()
        db.close()  # this thread's connection

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count_and_write, range(8)))

    (row,) = UsageSplitHour.select().where(UsageSplitHour.key_id == "by threads")
    assert row.requests == 80


def test_nothing_that_a_client_writes_is_stored(world: World) -> None:
    issued, planted = world.portal_key(), mint("personal")
    for path in (f"/v1/{planted}", f"/v1/keys/{planted}", "/v1/me"):
        call(world, issued.raw_key, path, headers={"User-Agent": f"{planted} {issued.raw_key}"})
    found = noted(world.service, issued.key)

    assert planted not in str(found)
    assert found["tool"] == {"other": 1}
