"""POST /v1/infra/servers: a portal key registers a server of its lineage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.models import Audit, Server
from gateway.keys import mint
from tests.api.world import Answer, World


def create(world: World, key: str, **fields: Any) -> Answer:
    return world.call("POST", "/v1/infra/servers", key, json=fields)


@pytest.fixture(scope="module")
def still_key(still_world: World) -> str:
    return still_world.portal_key(scopes=["vibe:infra"]).raw_key


@pytest.mark.parametrize("key_type", ["api", "authorization"])
def test_201_answers_with_the_new_server(world: World, key_type: str) -> None:
    issued = world.portal_key(key_type=key_type, scopes=["vibe:infra"])

    answer = create(world, issued.raw_key, name="report-runner")

    assert answer.status == 201
    assert list(answer.data) == ["id", "name", "status", "keyId", "createdAt"]
    assert (answer.data["name"], answer.data["status"]) == ("report-runner", "ACTIVE")
    assert answer.data["keyId"] == issued.key.id
    path = f"/v1/infra/servers/{answer.data['id']}"
    assert world.call("GET", path, issued.raw_key).data == answer.data


def test_201_a_name_may_come_twice(world: World) -> None:
    key = world.portal_key(scopes=["vibe:infra"]).raw_key

    assert create(world, key, name="a").data["id"] != create(world, key, name="a").data["id"]


def test_201_by_a_key_in_its_grace_names_its_successor(world: World) -> None:
    issued = world.portal_key(scopes=["vibe:infra"])
    successor = world.rotate(issued.key)

    assert create(world, issued.raw_key, name="a").data["keyId"] == successor.key.id


def test_201_is_audited(world: World) -> None:
    issued = world.portal_key(scopes=["vibe:infra"])
    server_id = create(world, issued.raw_key, name="a").data["id"]

    row = Audit.get(Audit.target_id == server_id)
    assert (row.action, row.before, row.actor_key_id) == ("server.created", None, issued.key.id)
    place = {"portal_id": world.portal.id, "lineage_id": issued.key.lineage_id}
    assert json.loads(row.after) == {**place, "name": "a"}


@pytest.mark.parametrize("name", ["n", "n" * 254, "n" * 255, "🙂" * 255, "vibe_app_backgroundworker1"])
def test_201_name_comes_back_as_it_was_sent(still_world: World, still_key: str, name: str) -> None:
    assert create(still_world, still_key, name=name).data["name"] == name


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "name"),
        *(
            ({"name": name}, "name")
            for name in ("", " ", "n" * 256, "a\nb", "a\0b", "a\ud800", None, 5, ["a"])
        ),
        ({"name": f"for {mint('api')}"}, "name"),
        ({"name": mint("api").removeprefix("vibe_api_")}, "name"),
        ({"name": "a", "status": "ACTIVE"}, "status"),
        ({"name": "a", "keyId": "b"}, "keyId"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_400_names_the_field_and_keeps_nothing(
    still_world: World, still_key: str, fields: dict[str, Any], named: str
) -> None:
    before = Server.select().count()

    answer = create(still_world, still_key, **fields)

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == [named]
    assert Server.select().count() == before


def test_403_without_the_scope(world: World) -> None:
    answer = create(world, world.portal_key(scopes=["crm"]).raw_key, name="a")

    assert (answer.status, answer.code) == (403, "SCOPE_DENIED")
    assert answer.error["details"] == {"requiredScope": "vibe:infra", "scopes": ["crm"]}
