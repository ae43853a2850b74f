"""DELETE /api/v1/api-keys/{id}: a personal key is gone for good."""

from __future__ import annotations

from tests.api.personal import Holder, lacks


def test_200_stops_working_at_once(holder: Holder) -> None:
    issued = holder.key()
    assert holder.works(issued.raw_key)

    answer = holder.call("DELETE", f"/{issued.key.id}")

    assert answer.data == {"id": issued.key.id, "deleted": True}
    assert holder.world.call("GET", "/v1/me", issued.raw_key).code == "INVALID_API_KEY"
    assert holder.call("DELETE", f"/{issued.key.id}").code == "ENTITY_NOT_FOUND"


def test_200_itself(holder: Holder) -> None:
    assert holder.call("DELETE", f"/{holder.own.key.id}").status == 200
    assert holder.call("GET").code == "INVALID_API_KEY"


def test_403_a_key_that_holds_more(holder: Holder) -> None:
    narrow, target = holder.key(integrations=["cli"]).raw_key, holder.key()
    lacks(holder.call("DELETE", f"/{target.key.id}", narrow), "ai_tools")
    assert holder.works(target.raw_key)


def test_404_of_another_account_or_type(holder: Holder) -> None:
    world = holder.world
    for key in (world.personal_key(world.stranger).key, world.portal_key().key):
        assert holder.call("DELETE", f"/{key.id}").code == "ENTITY_NOT_FOUND"
