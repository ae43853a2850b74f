"""`Idempotency-Key`: who repeats a call that makes a raw key gets the same answer."""

from __future__ import annotations

from typing import Any

import pytest

from app.models import Idempotency, Key
from tests.api.upstream import webhook
from tests.api.world import Answer, World

DAY = 86_400


def create(world: World, idempotency_key: str, key: str | None = None, **fields: Any) -> Answer:
    body = {"portalId": world.portal.id, "name": "till", "scopes": ["crm"], **fields}
    return world.call("POST", "/v1/keys", key, json=body, headers={"Idempotency-Key": idempotency_key})


def test_same_bytes_and_one_key(world: World) -> None:
    first = create(world, "one")
    repeat = create(world, "one")

    assert (repeat.status, repeat.body) == (201, first.body)
    assert repeat.headers["Idempotency-Replayed"] == "true"
    assert repeat.headers["Cache-Control"] == "no-store"
    assert "Idempotency-Replayed" not in first.headers
    assert Key.select().where(Key.portal == world.portal).count() == 1


def test_order_and_spacing_of_the_body_do_not_matter(world: World) -> None:
    first = create(world, "one")
    text = f'{{"scopes" : ["crm"], "name":"till",\n"portalId":"{world.portal.id}"}}'

    repeat = world.call(
        "POST",
        "/v1/keys",
        data=text,
        content_type="application/json",
        headers={"Idempotency-Key": "one"},
    )

    assert repeat.body == first.body


def test_rotate_is_repeated_too(world: World) -> None:
    key_id = world.portal_key().key.id

    answers = [
        world.call("POST", f"/v1/keys/{key_id}/rotate", headers={"Idempotency-Key": "one"}) for _ in range(3)
    ]

    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    assert world.call("GET", "/v1/me", answers[2].data["rawKey"]).status == 200


def test_repeat_is_answered_when_the_call_itself_would_be_refused_by_now(world: World) -> None:
    expires_at = "2059-01-01T00:00:00Z"
    first = create(world, "one", expiresAt=expires_at)
    world.change_portal(world.portal, linked=False)

    assert create(world, "one", expiresAt=expires_at).body == first.body


def test_422_another_body_or_path(world: World) -> None:
    create(world, "one")
    key_id = world.portal_key().key.id

    other_body = create(world, "one", name="other")
    other_path = world.call("POST", f"/v1/keys/{key_id}/rotate", headers={"Idempotency-Key": "one"})

    for answer in (other_body, other_path):
        assert (answer.status, answer.code) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_another_callers_same_word_is_another(world: World) -> None:
    first = create(world, "one")
    other_key_of_the_account = world.issue(
        "management", world.admin.account, scopes=["vibe:mgmt:keys"]
    ).raw_key

    second = create(world, "one", other_key_of_the_account)

    assert second.status == 201
    assert second.data["id"] != first.data["id"]


def test_a_key_that_ended_since_has_the_answer_again(world: World) -> None:
    caller = world.issue("management", world.admin.account, scopes=["vibe:mgmt:keys"])
    first = create(world, "one", caller.raw_key)
    world.rotate(caller.key, grace_hours=0)
    assert world.call("GET", "/v1/me", caller.raw_key).code == "KEY_ROTATED"

    assert create(world, "one", caller.raw_key).body == first.body
    assert create(world, "two", caller.raw_key).code == "KEY_ROTATED"


def test_forgotten_after_24_hours(world: World) -> None:
    first = create(world, "one")
    world.service.clock.now += DAY

    assert create(world, "one").data["id"] != first.data["id"]


def test_refusals_are_not_kept(world: World) -> None:
    with webhook(status=500) as upstream:
        world.change_portal(world.portal, webhook_url=upstream.url)
        assert create(world, "one").code == "BITRIX_UNAVAILABLE"
        assert create(world, "one", name=5).code == "VALIDATION_ERROR"
        upstream.status = 200
        answer = create(world, "one")

    assert answer.status == 201


def test_409_while_the_first_runs(world: World) -> None:
    with webhook() as upstream:
        world.change_portal(world.portal, webhook_url=upstream.url)
        answers: list[Answer] = []
        upstream.while_called = lambda: answers.append(create(world, "one"))
        first = create(world, "one")

    second, third = answers  # the webhook is called twice
    assert first.status == 201
    assert third.code == second.code
    assert (second.status, second.code) == (409, "IDEMPOTENCY_IN_PROGRESS")
    assert 1 <= int(second.headers["Retry-After"]) <= 30
    assert second.error["retryAfter"] == int(second.headers["Retry-After"])
    assert create(world, "one").body == first.body


@pytest.mark.parametrize("value", ["", " ", "a b", "é", "x" * 256, "tab\tbed", "\x7f"])
def test_400_malformed(still_world: World, value: str) -> None:
    before = still_world.service.rows()

    answer = create(still_world, value)

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == ["Idempotency-Key"]
    assert still_world.service.rows() == before


def test_kept_sealed(world: World) -> None:
    raw_key = create(world, "a-word-that-only-the-caller-knows").data["rawKey"]

    kept = repr(list(Idempotency.select().tuples()))

    assert raw_key not in kept
    assert raw_key[-20:] not in kept
    assert "a-word-that-only-the-caller-knows" not in kept
