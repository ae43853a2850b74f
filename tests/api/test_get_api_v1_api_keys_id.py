"""GET /api/v1/api-keys/{id}: one personal key."""

from __future__ import annotations

from tests.api.personal import Holder
from tests.api.world import UNKNOWN_ID
from tests.key_fields import KEY_FIELDS


def test_200_the_key_as_the_list_has_it(holder: Holder) -> None:
    listed = holder.call("GET").data[0]
    shown = holder.call("GET", f"/{listed['id'].upper()}").data
    assert shown == listed
    assert list(shown) == KEY_FIELDS


def test_404_what_is_no_personal_key_of_the_account(holder: Holder) -> None:
    world = holder.world
    others = [
        world.personal_key(world.stranger).key.id,
        world.portal_key().key.id,
        world.issue("management", world.admin.account, scopes=["vibe:mgmt:keys"]).key.id,
        UNKNOWN_ID,
        "x",
    ]
    answers = [holder.call("GET", f"/{other}") for other in others]
    assert {(answer.status, answer.code) for answer in answers} == {(404, "ENTITY_NOT_FOUND")}
    assert len({answer.bytes_but_request_id for answer in answers}) == 1
