"""GET /v1/me: a key describes itself."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.api.world import PUBLIC_URL, World

COMMON = {
    "type",
    "keyPrefix",
    "keySuffix",
    "name",
    "expiresAt",
    "scopes",
    "integrations",
    "limits",
    "rotation",
}
MANAGEMENT = {"capabilities", "portals", "totalAppKeys", "quickstart", "docs", "feedback"}

CAPABILITIES = [
    f"GET {PUBLIC_URL}/v1/me — this endpoint (management key self-description)",
    f"GET {PUBLIC_URL}/v1/guide — full API reference (portal-agnostic)",
    f"GET {PUBLIC_URL}/v1/keys — list APP keys for a portal (requires portalId query param)",
    f"POST {PUBLIC_URL}/v1/keys — create APP key (requires portalId in body)",
    f"GET {PUBLIC_URL}/v1/portals — list your portals",
    f"GET {PUBLIC_URL}/v1/feedback — list ALL platform feedback (management key sees everything)",
    f"GET {PUBLIC_URL}/v1/feedback/:id — feedback details including comment thread",
    f"PATCH {PUBLIC_URL}/v1/feedback/:id — update status/resolution (legacy, prefer /comments)",
    f"POST {PUBLIC_URL}/v1/feedback/:id/comments — post a team comment, changes status",
]
FURTHER = [
    ("GET", "/v1/openapi.json"),
    ("GET", "/v1/keys/:id"),
    ("PATCH", "/v1/keys/:id"),
    ("DELETE", "/v1/keys/:id"),
    ("POST", "/v1/keys/:id/rotate"),
    ("GET", "/v1/keys/:id/usage"),
    ("POST", "/v1/keys/:id/explain"),
]


def test_200_management_key(world: World) -> None:
    world.join(world.other_portal, world.admin, "MEMBER")
    world.portal_key(world.admin)
    world.portal_key(world.member)
    world.portal_key(world.stranger, portal=world.other_portal)
    world.portal_key(key_type="authorization")
    world.change_key(world.portal_key().key, status="REVOKED")

    data = world.call("GET", "/v1/me").data

    assert set(data) == COMMON | MANAGEMENT
    assert (data["type"], data["expiresAt"], data["rotation"]) == ("management", None, None)
    assert data["scopes"] == ["vibe:mgmt:keys", "vibe:mgmt:portals"]
    assert data["keyPrefix"] == world.admin.management_key[:16]
    assert data["keySuffix"] == world.admin.management_key[-4:]
    assert data["capabilities"][:9] == CAPABILITIES
    assert [tuple(line.split(" ")[:2]) for line in data["capabilities"][9:]] == [
        (method, PUBLIC_URL + path) for method, path in FURTHER
    ]
    assert {portal["id"]: (portal["role"], portal["appKeyCount"]) for portal in data["portals"]} == {
        world.portal.id: ("ADMIN", 2),
        world.other_portal.id: ("MEMBER", 1),
    }
    assert data["totalAppKeys"] == 3
    assert data["quickstart"] == {
        "step1": f"GET {PUBLIC_URL}/v1/portals — list available portals",
        "step2": f"GET {PUBLIC_URL}/v1/keys?portalId=<id> — list APP keys for a portal",
        "step3": f"POST {PUBLIC_URL}/v1/keys {{ portalId, name, scopes }} — create an APP key",
        "step4": "Use the APP key for entity API calls (deals, tasks, etc.)",
    }
    assert data["docs"] == f"{PUBLIC_URL}/docs/management-keys"
    assert list(data["feedback"]["statuses"]) == [
        "NEW",
        "REVIEWING",
        "AWAITING_USER",
        "NEEDS_REVIEW",
        "RESOLVED",
        "ARCHIVED",
    ]
    assert data["feedback"]["categories"] == ["BUG", "SUGGESTION", "DOCS", "CHAT", "BOTS", "OTHER"]


def test_200_capabilities_are_the_same_whatever_the_scopes(world: World) -> None:
    narrow = world.issue("management", world.admin.account, scopes=["vibe:mgmt:portals"]).raw_key

    assert (
        world.call("GET", "/v1/me", narrow).data["capabilities"]
        == world.call("GET", "/v1/me").data["capabilities"]
    )


@pytest.mark.parametrize("key_type", ["api", "authorization"])
def test_200_portal_key(world: World, key_type: str) -> None:
    issued = world.portal_key(key_type=key_type, name="till", scopes=["crm", "task"])

    data = world.call("GET", "/v1/me", issued.raw_key).data

    assert set(data) == COMMON
    assert (data["type"], data["name"], data["scopes"]) == (key_type, "till", ["crm", "task"])
    assert data["integrations"] == []


def test_200_personal_key(world: World) -> None:
    data = world.call("GET", "/v1/me", world.personal_key().raw_key).data

    assert set(data) == COMMON
    assert (data["type"], data["scopes"], data["integrations"]) == ("personal", [], ["cli"])


def test_200_limits_tell_each_window_as_this_request_left_it(world: World) -> None:
    expires_at = int((world.service.clock.now + 86_400) * 1000)
    key = world.portal_key(rate_limit=7, hourly_limit=30, expires_at=expires_at).raw_key
    world.call("GET", "/v1/me", key)

    data = world.call("GET", "/v1/me", key).data

    now = int(world.service.clock.now)
    hour_ends = datetime.fromtimestamp(now // 3600 * 3600 + 3600, UTC)
    tier = data["limits"].pop("tier")
    assert data["limits"] == {
        "second": {"limit": 7, "remaining": 5, "resetsAt": iso(datetime.fromtimestamp(now + 1, UTC))},
        "key": {"limit": 30, "remaining": 28, "resetsAt": iso(hour_ends)},
    }
    assert (tier["limit"], tier["remaining"], tier["resetsAt"]) == (10_000, 9_998, iso(hour_ends))
    assert data["expiresAt"] == iso(datetime.fromtimestamp(expires_at // 1000, UTC), expires_at % 1000)


def test_200_windows_without_a_limit_are_null(world: World) -> None:
    unlimited = world.new_tenant(tier="enterprise", hourly_limit=None)

    data = world.call("GET", "/v1/me", unlimited.management_key).data

    assert data["limits"] == {"second": None, "key": None, "tier": None}
    assert (data["portals"], data["totalAppKeys"]) == ([], 0)


def test_200_rotated_key_tells_its_successor_and_its_end(world: World) -> None:
    old = world.portal_key()
    new = world.rotate(old.key, grace_hours=1)

    answer = world.call("GET", "/v1/me", old.raw_key)

    rotation = answer.data["rotation"]
    assert (rotation["predecessorId"], rotation["successorId"]) == (None, new.key.id)
    assert rotation["graceEndsAt"] == answer.headers["X-Key-Grace-Ends-At"]
    assert world.call("GET", "/v1/me", new.raw_key).data["rotation"] == {
        "predecessorId": old.key.id,
        "successorId": None,
        "graceEndsAt": rotation["graceEndsAt"],
        "lastUsedAt": None,
    }


def test_200_head(still_world: World) -> None:
    answer = still_world.call("HEAD", "/v1/me")

    assert (answer.status, answer.body) == (200, b"")


def test_400_unknown_query(still_world: World) -> None:
    answer = still_world.call("GET", "/v1/me?verbose=1")

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == ["verbose"]


def iso(moment: datetime, milliseconds: int = 0) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds:03d}Z"
