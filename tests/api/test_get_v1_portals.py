"""GET /v1/portals: the portals of the management key's owner."""

from __future__ import annotations

from tests.api.world import World


def test_200_portals_with_role_and_count_of_active_api_keys(world: World) -> None:
    world.join(world.other_portal, world.admin, "MEMBER")
    world.change_portal(world.other_portal, status="INACTIVE", linked=False)
    world.portal_key(world.member)
    world.portal_key(expires_at=int((world.service.clock.now + 60) * 1000))
    world.rotate(world.portal_key().key, grace_hours=0)
    world.service.clock.now += 60

    answer = world.call("GET", "/v1/portals")

    assert answer.data == [
        {
            "id": world.portal.id,
            "domain": world.portal.domain,
            "status": "ACTIVE",
            "linked": True,
            "role": "ADMIN",
            "appKeyCount": 2,
        },
        {
            "id": world.other_portal.id,
            "domain": world.other_portal.domain,
            "status": "INACTIVE",
            "linked": False,
            "role": "MEMBER",
            "appKeyCount": 0,
        },
    ]
    assert answer.json["meta"] == {"page": 1, "limit": 50, "total": 2, "hasMore": False}


def test_200_another_tenants_portals_are_not_listed(world: World) -> None:
    answer = world.call("GET", "/v1/portals", world.stranger.management_key)

    assert [portal["id"] for portal in answer.data] == [world.other_portal.id]


def test_200_page_by_page(world: World) -> None:
    world.join(world.other_portal, world.admin, "MEMBER")

    first = world.call("GET", "/v1/portals?limit=1")
    second = world.call("GET", "/v1/portals?limit=1&page=2")

    assert [portal["id"] for portal in first.data + second.data] == [world.portal.id, world.other_portal.id]
    assert first.json["meta"] == {"page": 1, "limit": 1, "total": 2, "hasMore": True}
    assert second.json["meta"] == {"page": 2, "limit": 1, "total": 2, "hasMore": False}


def test_400_bad_query(still_world: World) -> None:
    for query, field in (("page=0", "page"), ("limit=0", "limit"), ("status=ACTIVE", "status")):
        answer = still_world.call("GET", f"/v1/portals?{query}")
        assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
        assert list(answer.error["details"]) == [field]


def test_403_without_the_scope(world: World) -> None:
    key = world.issue("management", world.admin.account, scopes=["vibe:mgmt:keys"]).raw_key

    answer = world.call("GET", "/v1/portals", key)

    assert (answer.status, answer.code) == (403, "MANAGEMENT_SCOPE_REQUIRED")
    assert answer.error["details"] == {"requiredScope": "vibe:mgmt:portals", "scopes": ["vibe:mgmt:keys"]}
