"""POST /v1/keys: a new key of a portal."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.models import Key
from tests.api.test_get_v1_keys import SHAPE
from tests.api.upstream import webhook
from tests.api.world import UNKNOWN_ID, Answer, World


def create(
    world: World, key: str | None = None, headers: Mapping[str, str] | None = None, **fields: Any
) -> Answer:
    body = {"portalId": world.portal.id, "name": "till", "scopes": ["crm"], **fields}
    return world.call("POST", "/v1/keys", key, json=body, headers=headers or {})


def test_201_works_at_once(world: World) -> None:
    answer = create(world, scopes=["crm", "tasks", "task"])

    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(answer.data) == SHAPE | {"rawKey"}
    assert (answer.data["type"], answer.data["status"], answer.data["name"]) == ("api", "ACTIVE", "till")
    assert answer.data["scopes"] == ["crm", "task"]
    assert answer.data["ownerId"] == world.admin.account.id
    me = world.call("GET", "/v1/me", answer.data["rawKey"])
    assert (me.status, me.data["type"], me.data["scopes"]) == (200, "api", ["crm", "task"])


def test_201_revoked_until_it_is_activated(world: World) -> None:
    data = create(world, status="REVOKED").data

    assert data["status"] == "REVOKED"
    assert world.call("GET", "/v1/me", data["rawKey"]).code == "KEY_REVOKED"


def test_201_every_settable_field(world: World) -> None:
    settings = {
        "name": "Kasse 3 — Süd ✓",
        "scopes": ["vibe:infra", "user.userfield"],
        "rateLimit": 10**9,
        "hourlyLimit": 1,
        "expiresAt": "2051-01-01T02:00:00.250+02:00",
        "metadata": {"deep": {"list": [1, 2.5, None, True]}, "text": "é"},
        "status": "ACTIVE",
    }

    data = create(
        world,
        **settings,
        ipWhitelist=["10.0.0.5/8", "::ffff:192.0.2.7", "2001:DB8:0::1", "10.1.2.3/8", "192.0.2.7/32"],
    ).data

    assert {name: data[name] for name in settings} == {**settings, "expiresAt": "2051-01-01T00:00:00.250Z"}
    assert data["ipWhitelist"] == ["10.0.0.0/8", "192.0.2.7", "2001:db8::1"]
    assert world.call("GET", f"/v1/keys/{data['id']}").data == {
        name: value for name, value in data.items() if name != "rawKey"
    }


def test_201_nulls_mean_none(world: World) -> None:
    data = create(world, rateLimit=None, hourlyLimit=None, expiresAt=None, ipWhitelist=[], metadata={}).data

    assert (data["rateLimit"], data["hourlyLimit"], data["expiresAt"]) == (None, None, None)


def test_201_member_owns_what_it_makes(world: World) -> None:
    data = create(world, world.member.management_key).data

    assert data["ownerId"] == world.member.account.id


def test_201_webhook_is_probed(world: World) -> None:
    with webhook() as upstream:
        world.change_portal(world.portal, webhook_url=upstream.url)
        answer = create(world)

    assert answer.status == 201
    questions = ("profile", "scope")
    assert upstream.calls == [f"/rest/1/planted-webhook-secret/{name}.json" for name in questions]


@pytest.mark.parametrize("absent", [{}, {"portalId": None}, {"portalId": ""}])
def test_400_missing_portal_id_comes_before_other_fields(still_world: World, absent: dict[str, Any]) -> None:
    answer = still_world.call("POST", "/v1/keys", json={"name": 5, "unknown": 1, **absent})

    assert (answer.status, answer.code) == (400, "MISSING_PORTAL_ID")


@pytest.mark.parametrize("fields", [{"linked": False}, {"status": "INACTIVE"}])
def test_400_portal_not_linked_comes_before_other_fields(world: World, fields: dict[str, Any]) -> None:
    world.change_portal(world.portal, **fields)

    answer = create(world, name=5)

    assert (answer.status, answer.code) == (400, "PORTAL_NOT_LINKED")


@pytest.mark.parametrize("missing", ["name", "scopes"])
def test_400_required_field(still_world: World, missing: str) -> None:
    body = {"portalId": still_world.portal.id, "name": "till", "scopes": ["crm"]}
    del body[missing]

    answer = still_world.call("POST", "/v1/keys", json=body)

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == [missing]


def test_400_names_every_bad_field(still_world: World) -> None:
    answer = create(still_world, name="", rateLimit=0, expiresAt="soon", colour="red")

    assert answer.error["details"] == {
        "name": ["Must be 1 to 255 characters."],
        "rateLimit": ["Must be 1 to 1000000000."],
        "expiresAt": ["Not an ISO-8601 time."],
        "colour": ["Unknown field."],
    }


@pytest.mark.parametrize("portal_id", [UNKNOWN_ID, "nonsense", "x" * 1000])
def test_403_not_a_member_comes_before_other_fields(still_world: World, portal_id: str) -> None:
    theirs = create(still_world, portalId=still_world.other_portal.id, name=5)
    unknown = create(still_world, portalId=portal_id, name=5)

    assert (theirs.status, theirs.code) == (403, "NOT_PORTAL_MEMBER")
    assert unknown.bytes_but_request_id == theirs.bytes_but_request_id


def test_502_webhook_refuses_and_nothing_is_kept(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    with webhook(status=401) as upstream:
        world.change_portal(world.portal, webhook_url=upstream.url)
        before = world.service.rows()
        answer = create(world)

    assert (answer.status, answer.code) == (502, "BITRIX_UNAVAILABLE")
    assert world.service.rows() == before
    assert b"planted-webhook-secret" not in answer.body
    assert "planted-webhook-secret" not in "".join(capfd.readouterr())


def test_502_webhook_does_not_listen(world: World) -> None:
    with webhook() as upstream:
        url = upstream.url
    world.change_portal(world.portal, webhook_url=url)
    before = world.service.rows()

    answer = create(world)

    assert (answer.status, answer.code) == (502, "BITRIX_UNAVAILABLE")
    assert world.service.rows() == before


def test_502_slow_webhooks_leave_threads_for_others(world: World) -> None:
    at_once = world.services.config.threads // 2
    called, answering = threading.Semaphore(0), threading.Event()

    def be_slow() -> None:
        called.release()
        answering.wait()

    with webhook() as upstream, ThreadPoolExecutor(at_once) as pool:
        world.change_portal(world.portal, webhook_url=upstream.url)
        upstream.while_called = be_slow
        waiting = [pool.submit(create, world) for _ in range(at_once)]
        try:
            assert all(called.acquire(timeout=5) for _ in waiting)
            refused = create(world, headers={"Idempotency-Key": "one"})
            elsewhere = create(world, world.stranger.management_key, portalId=world.other_portal.id)
        finally:
            answering.set()
        assert [made.result().status for made in waiting] == [201] * at_once
        repeated = create(world, headers={"Idempotency-Key": "one"})

    assert (refused.status, refused.code) == (502, "BITRIX_UNAVAILABLE")
    assert (refused.headers["Retry-After"], refused.error["retryAfter"]) == ("1", 1)
    assert "Too many webhooks" in refused.error["message"]
    assert (elsewhere.status, repeated.status) == (201, 201)
    assert len(upstream.calls) == 2 * (at_once + 1)


def test_fields_are_checked_before_the_webhook_is_called(world: World) -> None:
    with webhook() as upstream:
        world.change_portal(world.portal, webhook_url=upstream.url)
        answer = create(world, rateLimit="many")

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert upstream.calls == []


@pytest.mark.parametrize("fields", [{"linked": False}, {"status": "INACTIVE"}])
def test_400_portal_ended_while_the_webhook_was_asked(world: World, fields: dict[str, Any]) -> None:
    with webhook() as upstream:
        world.change_portal(world.portal, webhook_url=upstream.url)
        upstream.while_called = lambda: world.change_portal(world.portal, **fields)
        answer = create(world)

    assert (answer.status, answer.code) == (400, "PORTAL_NOT_LINKED")
    assert answer.error["details"] == {"linked": True, "status": "ACTIVE", **fields}
    assert not Key.select().where(Key.portal == world.portal).exists()


def test_401_revoked_while_the_webhook_was_asked(world: World) -> None:
    with webhook() as upstream:
        world.change_portal(world.portal, webhook_url=upstream.url)
        upstream.while_called = lambda: world.revoke_all(world.admin)
        answer = create(world)

    assert (answer.status, answer.code) == (401, "KEY_REVOKED")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="vibekeys", error="invalid_token"'
    assert {key.type for key in Key.select().where(Key.owner == world.admin.account)} == {"management"}


def test_403_scope_taken_while_the_webhook_was_asked(world: World) -> None:
    acting = world.issue("management", world.admin.account, scopes=["vibe:mgmt:keys"])
    with webhook() as upstream:
        world.change_portal(world.portal, webhook_url=upstream.url)
        upstream.while_called = lambda: world.change_key(acting.key, scopes=["vibe:mgmt:portals"])
        answer = create(world, acting.raw_key)

    assert (answer.status, answer.code) == (403, "MANAGEMENT_SCOPE_REQUIRED")
    assert answer.error["details"] == {"requiredScope": "vibe:mgmt:keys", "scopes": ["vibe:mgmt:portals"]}
