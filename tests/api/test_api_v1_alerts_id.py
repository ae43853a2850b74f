"""GET and PATCH /api/v1/alerts/{id}: one alert, and that it was looked at."""

from __future__ import annotations

from typing import Any

import pytest

from app.schemas.fields import iso
from tests.api.alerts import close, new_alert
from tests.api.world import UNKNOWN_ID, World

PATH = "/api/v1/alerts"


def test_200_as_the_list_has_it(world: World) -> None:
    own = world.personal_key().raw_key
    alert = new_alert(world, world.admin)
    (listed,) = world.call("GET", PATH, own).data
    assert world.call("GET", f"{PATH}/{alert.id.upper()}", own).data == listed


def test_200_dismissed_and_told_in_the_activity(world: World) -> None:
    own = world.personal_key()
    alert = new_alert(world, world.admin)
    world.service.clock.now += 60

    dismissed = world.call("PATCH", f"{PATH}/{alert.id}", own.raw_key, json={"status": "DISMISSED"}).data

    assert (dismissed["status"], dismissed["closedAt"]) == ("DISMISSED", None)
    assert dismissed["dismissedAt"] == iso(int(world.service.clock.now * 1000))
    newest, opened = world.call("GET", "/api/v1/activity", own.raw_key, query_string={"limit": 2}).data
    assert (newest["type"], newest["targetId"], newest["by"]) == ("alert.dismissed", alert.id, "account")
    assert (newest["before"], newest["after"]) == ({"status": "OPEN"}, {"status": "DISMISSED"})
    assert (opened["type"], opened["keyId"], opened["by"]) == ("alert.opened", alert.key_id, "system")


def test_200_twice_changes_nothing(world: World) -> None:
    own = world.personal_key().raw_key
    path = f"{PATH}/{new_alert(world, world.admin).id}"
    first = world.call("PATCH", path, own, json={"status": "DISMISSED"}).data
    world.service.clock.now += 60
    before = world.service.rows()
    assert world.call("PATCH", path, own, json={"status": "DISMISSED"}).data == first
    assert world.service.rows() == before


def test_200_one_that_is_over_can_be_dismissed_too(world: World) -> None:
    own = world.personal_key().raw_key
    alert = new_alert(world, world.admin)
    close(world, alert)
    dismissed = world.call("PATCH", f"{PATH}/{alert.id}", own, json={"status": "DISMISSED"}).data
    assert dismissed["status"] == "DISMISSED"
    assert dismissed["closedAt"] is not None


@pytest.mark.parametrize(
    "body",
    [{}, {"status": "OPEN"}, {"status": "CLOSED"}, {"status": None}, {"status": "DISMISSED", "facts": {}}],
)
def test_400_nothing_else_can_be_set(world: World, body: dict[str, Any]) -> None:
    path = f"{PATH}/{new_alert(world, world.admin).id}"
    answer = world.call("PATCH", path, world.personal_key().raw_key, json=body)
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")


def test_404_of_another_account(world: World) -> None:
    own, other = world.personal_key().raw_key, new_alert(world, world.stranger).id
    for id in (other, UNKNOWN_ID, "x"):
        assert world.call("GET", f"{PATH}/{id}", own).code == "ENTITY_NOT_FOUND"
        answer = world.call("PATCH", f"{PATH}/{id}", own, json={"status": "DISMISSED"})
        assert (answer.status, answer.code) == (404, "ENTITY_NOT_FOUND")
