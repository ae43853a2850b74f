"""What is explained against what is decided: random keys, accounts, portals and requests."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from flask import request
from gunicorn.util import split_request_uri, unquote_to_wsgi_str

from app.errors import ApiError
from app.explanation import CHECKS, Explanation, Question, explain
from app.keyring import Issued
from app.models import Key, Portal
from app.quota import Window, quota_now
from app.registry import ROUTES
from gateway.keys import mint
from tests.api.world import UNKNOWN_ID, Answer, Service, Tenant, World

CASES = 150
ADDRESSES = ("127.0.0.1", "192.0.2.7", "2001:db8::7")
SCOPES = ("crm", "task", "user", "vibe:infra")
MANAGEMENT_SCOPES = ("vibe:mgmt:keys", "vibe:mgmt:portals", "vibe:mgmt:feedback")
INTEGRATIONS = ("ai_tools", "cli", "mcp_server")
ODD_PATHS = (
    "/",
    "/v1",
    "/v1/nothing",
    "/v1/me/",
    "/v1//me",
    "//v1/me",
    "//healthz",
    "/v1/deals/fields/x",
    "/v1/keys/a/b",
    "/v1/keys%2F" + UNKNOWN_ID,
    "/v1/%6De?x=%zz",
    "/v1/ключ",
    "/v1/%ff",
    "/V1/me",
    "/api/v1/artifacts/a/b/c",
    "/healthz",
    "/docs/nothing?x=1",
    "/.well-known/nothing",
    "/mcp/v1/common",
)


@dataclass
class Case:
    """A key with all that it hangs on."""

    world: World
    owner: Tenant
    portal: Portal
    issued: Issued


def rotated(case: Case) -> None:
    case.world.rotate(case.issued.key, grace_hours=0)


def in_grace(case: Case) -> None:
    case.world.rotate(case.issued.key, grace_hours=1)


def expired(case: Case) -> None:
    now = case.world.service.clock
    case.world.change_key(case.issued.key, expires_at=int(now.now * 1000) + 1000)
    now.now += 1


HAPPENINGS: tuple[Callable[[Case], Any], ...] = (
    rotated,
    in_grace,
    expired,
    lambda case: case.world.change_key(case.issued.key, status="REVOKED"),
    lambda case: case.world.change_account(case.owner, status="SUSPENDED"),
    lambda case: case.world.change_account(case.owner, status="RESTRICTED"),
    lambda case: case.world.change_account(case.owner, status="RESTRICTED"),
    lambda case: case.world.change_account(case.owner, tier="enterprise", hourly_limit=2),
    lambda case: case.world.change_account(case.owner, tier="enterprise", hourly_limit=None),
    lambda case: case.world.change_portal(case.portal, status="INACTIVE"),
    lambda case: case.world.leave(case.portal, case.owner),
    lambda case: case.world.change_key(case.issued.key, ip_whitelist=["192.0.2.0/24"]),
    lambda case: case.world.change_key(case.issued.key, rate_limit=1),
    lambda case: case.world.change_key(case.issued.key, hourly_limit=2),
    lambda case: case.world.change_key(case.issued.key, rate_limit=3, hourly_limit=3),
)


def some(chance: random.Random, names: tuple[str, ...]) -> list[str]:
    return chance.sample(names, chance.randint(1, len(names)))


def new_case(world: World, chance: random.Random) -> Case:
    owner, portal = world.new_tenant(), world.new_portal()
    world.join(portal, owner, "ADMIN")
    key_type = chance.choice(["api", "authorization", "management", "personal"])
    if key_type == "personal":
        issued = world.personal_key(owner, integrations=some(chance, INTEGRATIONS))
    elif key_type == "management":
        issued = world.issue(key_type, owner.account, scopes=some(chance, MANAGEMENT_SCOPES))
    else:
        issued = world.portal_key(owner, portal=portal, key_type=key_type, scopes=some(chance, SCOPES))
    case = Case(world, owner, portal, issued)
    for happening in chance.sample(HAPPENINGS, chance.choice([0, 0, 1, 1, 1, 2, 3])):
        with suppress(ApiError):  # some exclude each other: what is revoked is not rotated
            happening(case)
    return case


def question(chance: random.Random, key_type: str) -> Question:
    route = chance.choice([route for route in ROUTES if chance.random() < 0.2 or key_type in route.types])
    method, path = route.method, route.path.format(id=UNKNOWN_ID, project="a", slug="b")
    if chance.random() < 0.1:
        path = chance.choice(ODD_PATHS)
    if chance.random() < 0.1:
        method = chance.choice(["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    if chance.random() < 0.05:
        path += chance.choice(["/", "?key=", "?a=b&key%3D"]) + mint("api").replace("_", "%5f")
    return Question(chance.choice(ADDRESSES), method, path)


@pytest.fixture
def reached(service: Service, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How the gateway let in the requests that nothing refused before their view."""
    outcomes: list[str] = []
    before = service.flask.before_request_funcs[None]
    note = [lambda: outcomes.append(request.environ["vibekeys.outcome"])]
    monkeypatch.setitem(service.flask.before_request_funcs, None, [*before, *note])
    return outcomes


def call(world: World, raw_key: str, asked: Question) -> Answer:
    """Send the request as gunicorn would hand it on."""
    parts = split_request_uri(asked.path)
    sent = {"PATH_INFO": unquote_to_wsgi_str(parts.path), "QUERY_STRING": parts.query}
    peer = {"REMOTE_ADDR": asked.address}
    return world.call(asked.method, "/", raw_key, environ_base=peer, environ_overrides=sent)


def refusal(found: Explanation) -> dict[str, Any]:
    """The explained refusal as an answer has it."""
    (check,) = (check for check in found.checks if check.verdict == "REFUSED")
    told = {
        "code": check.code,
        "message": check.message,
        "hint": check.hint,
        "retryAfter": check.retry_after,
        "details": check.details,
    }
    return {name: value for name, value in told.items() if value is not None}


def as_sent(error: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in error.items() if name != "requestId"}


def plain(details: Any) -> Any:
    """With lists for tuples, as JSON has them."""
    if isinstance(details, dict):
        return {name: plain(value) for name, value in details.items()}
    return [plain(value) for value in details] if isinstance(details, list | tuple) else details


def test_what_a_key_has_left_now(world: World) -> None:
    issued = world.personal_key(rate_limit=5, hourly_limit=1)
    assert world.call("GET", "/v1/me", issued.raw_key).status == 200

    found = quota_now(world.services, issued.key.id)

    second, hour = (int(world.service.clock.now // length + 1) * length * 1000 for length in (1, 3600))
    assert found.windows == (
        Window("second", 5, 1, 1, 4, second),
        Window("key", 1, 3600, 1, 0, hour),
        Window("tier", 10_000, 3600, 1, 9_999, hour),
    )
    assert (found.mode, found.refusal and found.refusal.code) == (None, "RATE_LIMITED")
    with pytest.raises(ApiError) as refused:
        quota_now(world.services, UNKNOWN_ID)
    assert refused.value.code == "ENTITY_NOT_FOUND"


def test_every_request_gets_what_was_explained(service: Service, reached: list[str]) -> None:
    chance, seen = random.Random(2026), set()
    world = World(service)
    for _ in range(CASES):
        case = new_case(world, chance)
        key = case.issued.key
        for _ in range(chance.choice([1, 1, 4])):
            asked = question(chance, key.type)
            found = explain(service.services, service.flask.url_map, key.id, asked)
            assert explain(service.services, service.flask.url_map, key.id, asked) == found
            reached.clear()

            answer = call(world, case.issued.raw_key, asked)

            seen.add(found.verdict)
            assert tuple(check.check for check in found.checks) == CHECKS
            if reached:
                assert found.verdict == {"allowed": "ALLOWED", "public": "PUBLIC"}[reached[0]], asked
                assert found.status is None
            elif asked.method == "HEAD":
                assert found.status == answer.status, (asked, found)
            else:
                assert plain(refusal(found)) == as_sent(answer.error), asked
                assert (found.verdict, found.status) == (answer.code, answer.status)
            if asked.method in ("PATCH", "DELETE", "POST", "PUT") and Key.get_or_none(id=key.id) is None:
                break

    assert seen == {
        "ALLOWED",
        "PUBLIC",
        "KEY_IN_URL",
        "KEY_REVOKED",
        "KEY_EXPIRED",
        "KEY_ROTATED",
        "ACCOUNT_SUSPENDED",
        "PORTAL_INACTIVE",
        "NOT_PORTAL_MEMBER",
        "IP_NOT_ALLOWED",
        "RATE_LIMITED",
        "MANAGEMENT_KEY_NO_ENTITY_ACCESS",
        "MANAGEMENT_KEY_REQUIRED",
        "KEY_TYPE_NOT_ALLOWED",
        "NOT_FOUND",
        "METHOD_NOT_ALLOWED",
        "ACCOUNT_RESTRICTED",
        "MANAGEMENT_SCOPE_REQUIRED",
        "SCOPE_DENIED",
        "INTEGRATION_REQUIRED",
    }
