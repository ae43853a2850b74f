"""GET /api/v1/alerts: what the account should look at, or has looked at."""

from __future__ import annotations

import pytest

from app.schemas.fields import iso
from tests.api.alerts import close, new_alert
from tests.api.world import World

PATH = "/api/v1/alerts"
SHAPE = ["id", "type", "status", "keyId", "message", "facts", "createdAt", "dismissedAt", "closedAt"]


def ids(world: World, key: str, **query: str) -> list[str]:
    return [alert["id"] for alert in world.call("GET", PATH, key, query_string=query).data]


def test_200_open_and_past_ones_newest_first(world: World) -> None:
    own = world.personal_key().raw_key
    first, second = new_alert(world, world.admin), new_alert(world, world.admin, "ROTATION_DUE")
    new_alert(world, world.stranger)
    close(world, first)

    answer = world.call("GET", PATH, own)

    assert [alert["id"] for alert in answer.data] == [second.id, first.id]
    assert answer.json["meta"] == {"page": 1, "limit": 50, "total": 2, "hasMore": False}
    newest, oldest = answer.data
    assert list(newest) == SHAPE
    assert (newest["type"], newest["status"], newest["keyId"]) == ("ROTATION_DUE", "OPEN", second.key_id)
    assert newest["message"].startswith("The key “a key of type personal” (vxk_")
    assert newest["facts"]["createdAt"] == iso(second.facts["created_at"])
    assert (newest["dismissedAt"], newest["closedAt"]) == (None, None)
    assert (oldest["status"], oldest["closedAt"]) == ("CLOSED", iso(int(world.service.clock.now * 1000)))


def test_200_filters(world: World) -> None:
    own = world.personal_key().raw_key
    due, expiring, other = (
        new_alert(world, world.admin, type) for type in ("ROTATION_DUE", "EXPIRING", "SPIKE")
    )
    world.call("PATCH", f"{PATH}/{due.id}", own, json={"status": "DISMISSED"})
    close(world, expiring)
    about = new_alert(world, world.admin)

    assert ids(world, own, status="OPEN") == [about.id, other.id]
    assert ids(world, own, status="DISMISSED") == [due.id]
    assert ids(world, own, status="CLOSED") == [expiring.id]
    assert ids(world, own, type="SPIKE") == [other.id]
    assert ids(world, own, keyId=str(about.key_id).upper()) == [about.id]
    assert ids(world, own, type="EXPIRING", status="CLOSED", keyId=str(expiring.key_id)) == [expiring.id]
    assert ids(world, own, type="AFTER_HOURS") == []


@pytest.mark.parametrize("query", [{"status": "open"}, {"type": "x"}, {"keyId": "x"}, {"since": "x"}])
def test_400_what_is_no_filter(still_world: World, query: dict[str, str]) -> None:
    answer = still_world.call("GET", PATH, still_world.personal_key().raw_key, query_string=query)
    assert (answer.status, list(answer.error["details"])) == (400, list(query))
