"""What one click would change about a key."""

from __future__ import annotations

import pytest

from app.attention import Kind
from app.usage.windows import DAY_MS
from tests.attention.conftest import Desk


@pytest.mark.parametrize("kind", [Kind.NEVER_USED, Kind.IDLE])
def test_a_key_that_nobody_needs_is_revoked(desk: Desk, kind: Kind) -> None:
    key = desk.key()
    assert desk.mends(kind, key) == {key.id: {"status": "REVOKED"}}


def test_an_expiry_is_set_90_days_ahead_at_the_end_of_a_day(desk: Desk) -> None:
    key, now_ms = desk.key(expires_at=None), desk.installation.clock.ms
    expires_at = desk.mends(Kind.NO_EXPIRY, key)[key.id]["expires_at"]
    assert 90 * DAY_MS <= expires_at - now_ms < 91 * DAY_MS
    assert expires_at % DAY_MS == 0


def test_a_key_is_restricted_to_where_its_lineage_was_used_in_a_month(desk: Desk) -> None:
    key = desk.key(age=40, ip_whitelist=[])
    for days_ago, network in ((1, "2001:db8:1::/48"), (29, "192.0.2.0/24"), (31, "198.51.100.0/24")):
        desk.use(key, days_ago=days_ago, network=network)
    successor = desk.installation.rotate(key).key
    desk.use(successor, network="203.0.113.0/24")

    networks = ["192.0.2.0/24", "2001:db8:1::/48", "203.0.113.0/24"]
    assert desk.mends(Kind.NO_WHITELIST, successor) == {successor.id: {"ip_whitelist": networks}}


@pytest.mark.parametrize(
    "networks",
    [[], ["192.0.2.0/24", "other"], [f"192.0.{number}.0/24" for number in range(6)]],
    ids=["none", "one that is not known", "too many"],
)
def test_a_key_is_not_restricted_to_networks_that_are_not_few_and_known(
    desk: Desk, networks: list[str]
) -> None:
    key = desk.key(ip_whitelist=[])
    for network in networks:
        desk.use(key, network=network)
    assert desk.mends(Kind.NO_WHITELIST, key) == {}


def test_what_was_not_used_is_taken_away(desk: Desk) -> None:
    personal = desk.key(integrations=["ai_tools", "cli"])
    of_portal = desk.key(
        type="api",
        portal=desk.installation.portal(desk.owner),
        integrations=[],
        scopes=["im", "crm", "disk", "task"],
    )
    desk.use(personal, action="GET /api/v1/activity")
    for action in ("GET /v1/deals", "PATCH /v1/tasks/{id}"):
        desk.use(of_portal, action=action)

    assert desk.mends(Kind.UNUSED_GRANTS, personal, of_portal) == {
        personal.id: {"integrations": ["cli"]},
        of_portal.id: {"scopes": ["crm", "task"]},
    }


def test_the_last_grant_is_not_taken_away(desk: Desk) -> None:
    key = desk.key(integrations=["ai_tools"])
    desk.use(key, action="GET /v1/me")
    assert desk.mends(Kind.UNUSED_GRANTS, key) == {}


def test_rotating_is_left_to_a_person(desk: Desk) -> None:
    assert desk.mends(Kind.ROTATION_DUE, desk.key(age=100)) == {}
