"""POST /api/v1/api-keys/{id}/rotate: a new personal key with the same settings."""

from __future__ import annotations

from tests.api.personal import BOTH, Holder, lacks


def test_201_same_settings_and_both_work_until_the_grace_is_over(holder: Holder) -> None:
    old = holder.key(name="laptop", rate_limit=9, integrations=BOTH)

    answer = holder.call("POST", f"/{old.key.id}/rotate")

    assert (answer.status, answer.headers["Cache-Control"]) == (201, "no-store")
    new = answer.data
    assert (new["name"], new["rateLimit"], new["integrations"]) == ("laptop", 9, list(BOTH))
    assert new["rotation"]["predecessorId"] == old.key.id
    assert holder.works(old.raw_key)
    assert holder.works(new["rawKey"])
    holder.world.service.clock.now += 24 * 3600
    assert not holder.works(old.raw_key)
    assert holder.works(new["rawKey"])


def test_201_a_key_replaces_itself_and_can_have_a_lost_answer_again(holder: Holder) -> None:
    call = {"headers": {"Idempotency-Key": "one"}}
    first, again = (holder.call("POST", f"/{holder.own.key.id}/rotate", **call) for _ in range(2))
    assert again.body == first.body
    assert holder.works(again.data["rawKey"])


def test_201_a_legacy_keys_successor_is_of_our_form_and_keeps_what_it_opened(holder: Holder) -> None:
    old = holder.key(integrations=[*BOTH, "mcp_server"]).key
    new = holder.call("POST", f"/{old.id}/rotate", json={"graceHours": 0}).data
    assert new["integrations"] == [*BOTH, "mcp_server"]
    assert (new["isLegacy"], new["keyPrefix"][:4]) == (False, "vxk_")


def test_400_grace_longer_than_the_setting(holder: Holder) -> None:
    answer = holder.call("POST", f"/{holder.key().key.id}/rotate", json={"graceHours": 24.001})
    assert answer.error["details"] == {"graceHours": ["Must be at most 24."]}


def test_403_a_key_that_holds_more(holder: Holder) -> None:
    narrow, target = holder.key(integrations=["cli"]).raw_key, holder.key()
    before = holder.world.service.rows()
    lacks(holder.call("POST", f"/{target.key.id}/rotate", narrow), "ai_tools")
    assert holder.world.service.rows() == before


def test_404_of_another_account(holder: Holder) -> None:
    other = holder.world.personal_key(holder.world.stranger).key.id
    assert holder.call("POST", f"/{other}/rotate").code == "ENTITY_NOT_FOUND"


def test_409_as_every_rotation(holder: Holder) -> None:
    first = holder.key().key
    second = holder.call("POST", f"/{first.id}/rotate").data["id"]
    revoked = holder.key(status="REVOKED").key.id
    codes = [holder.call("POST", f"/{id}/rotate").code for id in (first.id, second, revoked)]
    assert codes == ["KEY_ALREADY_ROTATED", "PREDECESSOR_IN_GRACE", "KEY_NOT_ACTIVE"]
