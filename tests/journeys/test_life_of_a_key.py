"""A key from its issue to its end, as the person who uses it sees it."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from tests.api.world import Answer, World

DAY = 24 * 3600


def _issue(world: World, name: str = "mine", **fields: Any) -> dict[str, Any]:
    body = {"portalId": world.portal.id, "name": name, "scopes": ["crm"], **fields}
    answer = world.call("POST", "/v1/keys", json=body)
    assert answer.status == 201, answer.body
    assert answer.headers["Cache-Control"] == "no-store"
    issued: dict[str, Any] = answer.data
    return issued


def _rotate(world: World, key: dict[str, Any], **body: Any) -> dict[str, Any]:
    answer = world.call("POST", f"/v1/keys/{key['id']}/rotate", json=body)
    assert answer.status == 201, answer.body
    issued: dict[str, Any] = answer.data
    return issued


def _use(world: World, key: dict[str, Any]) -> Answer:
    return world.call("GET", "/v1/me", key["rawKey"])


def _code(answer: Answer) -> str:
    return "ok" if answer.status == 200 else answer.code


def test_issued_used_rotated_and_a_day_later_the_old_one_is_dead(world: World) -> None:
    old = _issue(world)
    assert _use(world, old).data["keySuffix"] == old["rawKey"][-4:]

    rotated_at = world.service.clock.now
    new = _rotate(world, old)
    in_grace = _use(world, old)
    assert (_code(in_grace), _code(_use(world, new))) == ("ok", "ok")
    assert in_grace.headers["Deprecation"] == f"@{int(rotated_at)}"
    assert parsedate_to_datetime(in_grace.headers["Sunset"]).timestamp() == rotated_at + DAY
    assert datetime.fromisoformat(in_grace.headers["X-Key-Grace-Ends-At"]) == datetime.fromtimestamp(
        rotated_at + DAY, UTC
    )
    assert "Sunset" not in _use(world, new).headers

    world.service.clock.now = rotated_at + DAY - 0.001
    assert _code(_use(world, old)) == "ok"
    world.service.clock.now = rotated_at + DAY
    assert (_code(_use(world, old)), _code(_use(world, new))) == ("KEY_ROTATED", "ok")
    assert world.call("GET", f"/v1/keys/{old['id']}").data["status"] == "ROTATED"

    # Only now, with the old one gone, may the new one be rotated in its turn.
    newest = _rotate(world, new)
    assert _code(_use(world, newest)) == "ok"


def test_a_grace_of_no_hours_ends_the_old_key_at_once(world: World) -> None:
    old = _issue(world)
    new = _rotate(world, old, graceHours=0)
    assert (_code(_use(world, old)), _code(_use(world, new))) == ("KEY_ROTATED", "ok")


def test_revoking_the_old_key_ends_its_grace_for_good(world: World) -> None:
    old = _issue(world)
    new = _rotate(world, old)
    assert world.call("PATCH", f"/v1/keys/{old['id']}", json={"status": "REVOKED"}).status == 200
    assert _code(_use(world, old)) == "KEY_REVOKED"
    back = world.call("PATCH", f"/v1/keys/{old['id']}", json={"status": "ACTIVE"})
    assert (back.status, back.code) == (409, "KEY_ALREADY_ROTATED")
    assert (_code(_use(world, old)), _code(_use(world, new))) == ("KEY_REVOKED", "ok")


def test_a_key_expires_at_its_very_moment(world: World) -> None:
    ends_at = world.service.clock.now + DAY
    key = _issue(world, expiresAt=datetime.fromtimestamp(ends_at, UTC).isoformat())
    world.service.clock.now = ends_at - 0.001
    assert _code(_use(world, key)) == "ok"
    world.service.clock.now = ends_at
    assert _code(_use(world, key)) == "KEY_EXPIRED"


def test_a_deleted_key_is_unknown(world: World) -> None:
    key = _issue(world)
    assert _code(_use(world, key)) == "ok"
    assert world.call("DELETE", f"/v1/keys/{key['id']}").data == {"id": key["id"], "deleted": True}
    assert _code(_use(world, key)) == "INVALID_API_KEY"


def test_who_asks_twice_under_one_idempotency_key_has_one_key(world: World) -> None:
    body = {"portalId": world.portal.id, "name": "once", "scopes": ["crm"]}
    headers = {"Idempotency-Key": "the-first"}
    first, second = (world.call("POST", "/v1/keys", json=body, headers=headers) for _ in range(2))
    assert first.status == second.status == 201
    assert first.body == second.body
    listed = world.call("GET", f"/v1/keys?portalId={world.portal.id}&name=once")
    assert [key["id"] for key in listed.data] == [first.data["id"]]
    assert _code(_use(world, second.data)) == "ok"

    other = world.call("POST", "/v1/keys", json={**body, "name": "twice"}, headers=headers)
    assert (other.status, other.code) == (422, "IDEMPOTENCY_KEY_REUSED")

    world.service.clock.now += DAY
    later = world.call("POST", "/v1/keys", json=body, headers=headers)
    assert later.status == 201
    assert later.data["id"] != first.data["id"]


def test_a_repeated_rotate_gives_the_same_new_key(world: World) -> None:
    old = _issue(world)
    headers = {"Idempotency-Key": "rotate"}
    first, second = (world.call("POST", f"/v1/keys/{old['id']}/rotate", headers=headers) for _ in range(2))
    assert first.body == second.body
    without = world.call("POST", f"/v1/keys/{old['id']}/rotate")
    assert (without.status, without.code) == (409, "KEY_ALREADY_ROTATED")
