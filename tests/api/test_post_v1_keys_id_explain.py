"""POST /v1/keys/{id}/explain: why a request with a key is refused, or would be."""

from __future__ import annotations

from typing import Any

import pytest

from app.instants import iso
from app.keyring import Issued
from app.models import Account, Audit
from app.usage.rollup import Rollup
from gateway.keys import display_parts, mint
from gateway.usage_table import UsageTable
from tests.api.world import UNKNOWN_ID, Answer, World

HERE = "127.0.0.1"
CHECKS = (
    "url",
    "credential",
    "form",
    "known",
    "status",
    "account",
    "portal",
    "member",
    "address",
    "rateLimit",
    "type",
    "route",
    "restriction",
    "scope",
    "integration",
)


def explain(world: World, issued: Issued, key: str | None = None, **question: Any) -> Answer:
    asked = {"address": HERE, "path": "/v1/infra/servers", **question}
    return world.call("POST", f"/v1/keys/{issued.key.id}/explain", key, json=asked)


def verdicts(answer: Answer) -> dict[str, str]:
    return {one["check"]: one["verdict"] for one in answer.data["checks"]}


def check(answer: Answer, name: str) -> Any:
    (found,) = (one for one in answer.data["checks"] if one["check"] == name)
    return found


def test_200_allowed(world: World) -> None:
    issued = world.portal_key(scopes=["vibe:infra"])

    answer = explain(world, issued, path="/v1/infra/servers?limit=5")

    assert answer.status == 200
    assert {name: value for name, value in answer.data.items() if name not in ("checks", "limits")} == {
        "keyId": issued.key.id,
        "at": iso(int(world.service.clock.now * 1000)),
        "address": HERE,
        "method": "GET",
        "path": "/v1/infra/servers?limit=5",
        "route": "GET /v1/infra/servers",
        "verdict": "ALLOWED",
        "status": None,
        "mode": None,
    }
    passed = dict.fromkeys(CHECKS, "PASSED")
    untold = dict.fromkeys(("credential", "form"), "UNKNOWN")
    others = dict.fromkeys(("address", "integration"), "NOT_APPLICABLE")
    assert verdicts(answer) == {**passed, **untold, **others}
    assert all("message" in check(answer, name) for name in untold)
    (tier,) = answer.data["limits"]
    next_hour = (world.service.clock.now // 3600 + 1) * 3600
    assert (tier["scope"], tier["resetsAt"]) == ("tier", iso(int(next_hour * 1000)))


def test_200_refused_with_what_its_answer_says_and_nothing_after_it(world: World) -> None:
    issued = world.portal_key(ip_whitelist=["192.0.2.0/24"])
    refused = world.service.call("GET", "/v1/me", issued.raw_key)

    answer = explain(world, issued)

    assert (answer.data["verdict"], answer.data["status"]) == ("IP_NOT_ALLOWED", 403)
    error = {name: value for name, value in refused.error.items() if name != "requestId"}
    assert check(answer, "address") == {"check": "address", "verdict": "REFUSED", **error}
    behind = CHECKS[CHECKS.index("rateLimit") :]
    assert {verdicts(answer)[name] for name in behind} == {"NOT_REACHED"}
    assert explain(world, issued, address="192.0.2.9").data["verdict"] == "SCOPE_DENIED"
    assert explain(world, issued, address="::ffff:192.0.2.9").data["address"] == "192.0.2.9"


def test_200_limits_as_they_stand(world: World) -> None:
    issued = world.portal_key(scopes=["vibe:infra"], rate_limit=3, hourly_limit=2)
    assert world.call("GET", "/v1/me", issued.raw_key).status == 200
    limits = {one["scope"]: one for one in explain(world, issued).data["limits"]}
    told = {
        scope: (one["limit"], one["window"], one["used"], one["remaining"]) for scope, one in limits.items()
    }
    # The tier's counts the management key's question as well.
    assert told == {"second": (3, 1, 1, 2), "key": (2, 3600, 1, 1), "tier": (10_000, 3600, 2, 9_998)}
    assert world.call("GET", "/v1/me", issued.raw_key).status == 200
    refused = world.call("GET", "/v1/me", issued.raw_key)

    answer = explain(world, issued)

    assert answer.data["verdict"] == refused.code == "RATE_LIMITED"
    assert check(answer, "rateLimit")["details"] == refused.error["details"]
    assert check(answer, "rateLimit")["retryAfter"] == refused.error["retryAfter"]
    key_hour = next(one for one in answer.data["limits"] if one["scope"] == "key")
    assert (key_hour["used"], key_hour["remaining"]) == (2, 0)


def test_200_nothing_is_spent(world: World) -> None:
    issued = world.portal_key(hourly_limit=2)
    rows = world.service.rows()

    answers = [explain(world, issued) for _ in range(5)]

    assert {one.data["limits"][0]["used"] for one in answers} == {0}
    assert world.service.rows() == rows
    services = world.services
    table = UsageTable(services.config.state_dir)
    Rollup(services.db, table, services.clock, services.config).roll_up()
    table.close()
    assert world.call("GET", f"/v1/keys/{issued.key.id}").data["requestCount"] == 0


def test_200_a_key_in_the_path_is_told_and_not_repeated(world: World) -> None:
    raw_key = mint("api")

    answer = explain(world, world.portal_key(), path=f"/v1/me?key={raw_key}")

    assert (answer.data["verdict"], answer.data["status"]) == ("KEY_IN_URL", 400)
    assert raw_key.encode() not in answer.body
    assert answer.data["path"] == f"/v1/me?key={display_parts(raw_key)[0]}***"
    assert set(verdicts(answer).values()) == {"REFUSED", "NOT_REACHED"}


@pytest.mark.parametrize("path", ["/healthz", "/docs/scopes", "/mcp/v1/common"])
def test_200_public(world: World, path: str) -> None:
    issued = world.portal_key()
    world.change_key(issued.key, status="REVOKED")

    answer = explain(world, issued, path=path)

    assert (answer.data["verdict"], answer.data["status"], answer.data["route"]) == ("PUBLIC", None, None)
    assert verdicts(answer) == dict.fromkeys(CHECKS, "NOT_APPLICABLE")


@pytest.mark.parametrize(
    ("question", "verdict", "at", "route"),
    [
        ({"path": "/v1/nothing"}, "NOT_FOUND", "route", None),
        ({"path": "//v1/me"}, "NOT_FOUND", "route", None),
        ({"method": "PUT", "path": "/v1/me"}, "METHOD_NOT_ALLOWED", "route", None),
        ({"path": "/v1/keys"}, "MANAGEMENT_KEY_REQUIRED", "type", "GET /v1/keys"),
        ({"path": "/api/v1/prompts"}, "KEY_TYPE_NOT_ALLOWED", "type", "GET /api/v1/prompts"),
        ({"path": "/v1/tasks/5"}, "SCOPE_DENIED", "scope", "GET /v1/tasks/{id}"),
        ({"method": "HEAD", "path": "/v1/deals/5"}, "ALLOWED", None, "GET /v1/deals/{id}"),
        ({"method": "POST", "path": "/v1/deals/search"}, "ALLOWED", None, "POST /v1/deals/search"),
    ],
)
def test_200_where_the_application_refuses(
    world: World, question: dict[str, str], verdict: str, at: str | None, route: str | None
) -> None:
    answer = explain(world, world.portal_key(scopes=["crm"]), **question)

    assert (answer.data["verdict"], answer.data["route"]) == (verdict, route)
    assert next((name for name, one in verdicts(answer).items() if one == "REFUSED"), None) == at


def test_200_a_key_of_another_member_of_the_portal_for_its_admin(world: World) -> None:
    issued = world.portal_key(world.member)
    world.leave(world.portal, world.member)

    assert explain(world, issued).data["verdict"] == "NOT_PORTAL_MEMBER"


def test_200_a_restricted_account_may_ask(world: World) -> None:
    issued = world.portal_key()
    world.change_account(world.admin, status="RESTRICTED")

    assert explain(world, issued, method="POST", path="/v1/deals").data["verdict"] == "ACCOUNT_RESTRICTED"
    assert Account.get_by_id(world.admin.account.id).status == "RESTRICTED"


def test_200_while_redis_is_not_believed_the_host_tells(world: World) -> None:
    issued = world.portal_key(hourly_limit=1)
    assert world.call("GET", "/v1/me", issued.raw_key).status == 200
    trust = world.services.trust
    assert trust is not None
    trust.lose("a test")

    answer = explain(world, issued)

    # The service finds out that Redis is there within a tenth of a second.
    assert answer.data["mode"] in ("local", None)
    assert answer.data["verdict"] == "RATE_LIMITED"


@pytest.mark.parametrize(
    ("question", "fields"),
    [
        ({"address": "localhost"}, ["address"]),
        ({"address": "192.0.2.0/24"}, ["address"]),
        ({"address": "fe80::1%eth0"}, ["address"]),
        ({"address": "192.0.2.256"}, ["address"]),
        ({"address": ""}, ["address"]),
        ({"address": None}, ["address"]),
        ({"address": 2130706433}, ["address"]),
        ({"path": "v1/me"}, ["path"]),
        ({"path": "https://keys.example.test/v1/me"}, ["path"]),
        ({"path": ""}, ["path"]),
        ({"path": "/v1/me me"}, ["path"]),
        ({"path": "/v1/me#there"}, ["path"]),
        ({"path": "/v1/me\r\nX: y"}, ["path"]),
        ({"path": "/" + "a" * 2048}, ["path"]),
        ({"path": 5}, ["path"]),
        ({"method": "get"}, ["method"]),
        ({"method": "BREW"}, ["method"]),
        ({"method": None}, ["method"]),
        ({"surprise": "x"}, ["surprise"]),
        ({"address": "x", "path": "x", "method": "x"}, ["address", "method", "path"]),
    ],
)
def test_400_names_what_is_wrong(still_world: World, question: dict[str, Any], fields: list[str]) -> None:
    answer = explain(still_world, still_world.portal_key(), **question)

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert sorted(answer.error["details"]) == fields


def test_400_what_is_asked_about_is_required(still_world: World) -> None:
    answer = still_world.call("POST", f"/v1/keys/{still_world.portal_key().key.id}/explain", json={})

    assert sorted(answer.error["details"]) == ["address", "path"]


def test_404_same_bytes_for_unknown_and_invisible(world: World) -> None:
    invisible = [
        world.portal_key(world.stranger, portal=world.other_portal).key.id,
        world.personal_key().key.id,
        world.issue("management", world.admin.account, scopes=["vibe:mgmt:keys"]).key.id,
    ]
    question = {"address": HERE, "path": "/v1/me"}
    answers = [
        world.call("POST", f"/v1/keys/{id}/explain", json=question)
        for id in (UNKNOWN_ID, "x", "%00", *invisible)
    ]

    assert {(answer.status, answer.code) for answer in answers} == {(404, "ENTITY_NOT_FOUND")}
    assert len({answer.bytes_but_request_id for answer in answers}) == 1


def test_404_a_member_does_not_see_what_others_own(world: World) -> None:
    before = Audit.select().count()

    assert explain(world, world.portal_key(), world.member.management_key).code == "ENTITY_NOT_FOUND"
    assert Audit.select().count() == before + 1  # the key that was made
