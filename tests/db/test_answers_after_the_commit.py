"""What was committed is answered as done, whatever fails afterwards.

"Nothing was changed, repeat" to a change that was made would have it made twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import apsw
import pytest
from peewee import OperationalError

from app.db import driver
from app.models import Key
from tests.api.changes import Call, every_change
from tests.api.world import Answer, Service, World, serving
from tests.serve.processes import eventually


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    # Of its own, and so not among the tests of the API: it loses the belief in Redis again and again.
    with serving(tmp_path_factory.mktemp("commits")) as service:
        yield service


@pytest.fixture
def world(service: Service) -> Iterator[World]:
    yield World(service)
    trust = service.services.trust
    assert trust is not None
    eventually(trust.believed, "Redis decides again")


@contextmanager
def nothing_is_read_after_a_commit(world: World, commits: int = 1) -> Iterator[None]:
    """Have every statement of this thread fail once it has committed so many times."""
    connection = driver(world.services.db)
    left = commits

    def trace(_: apsw.Cursor, sql: str, __: object) -> bool:
        nonlocal left
        if left == 0:
            raise apsw.IOError("disk I/O error")
        left -= sql.startswith("commit")
        return True

    connection.exec_trace = trace
    try:
        yield
    finally:
        connection.exec_trace = None
    assert left == 0


def rotated(world: World) -> Key:
    """A key whose predecessor is in its grace, as its card tells."""
    return world.rotate(world.portal_key().key).key


def change(world: World, key: Key) -> Answer:
    return world.call("PATCH", f"/v1/keys/{key.id}", json={"name": "renamed"})


@every_change
def test_a_change_is_answered_without_reading_again(
    world: World, method: str, call: Callable[[World], Call]
) -> None:
    asked = call(world)

    with nothing_is_read_after_a_commit(world):
        answer = world.call(method, asked.path, asked.raw_key, json=asked.body)

    assert answer.status in (200, 201), answer.body


def test_so_is_the_change_of_a_key_with_a_predecessor(world: World) -> None:
    key = rotated(world)

    with nothing_is_read_after_a_commit(world):
        answer = change(world, key)

    assert (answer.status, answer.data["rotation"]["predecessorId"]) == (200, key.predecessor_id)


def test_so_is_a_rotation_with_an_idempotency_key(world: World) -> None:
    path = f"/v1/keys/{world.portal_key().key.id}/rotate"
    headers = {"Idempotency-Key": "once"}

    with nothing_is_read_after_a_commit(world, commits=2):  # the run's begin, and the change
        answer = world.call("POST", path, json={}, headers=headers)

    assert answer.status == 201
    assert world.call("POST", path, json={}, headers=headers).data == answer.data


def test_what_the_answer_needs_and_cannot_be_read_undoes_the_change(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = rotated(world)

    def fail(*_: object) -> None:
        raise OperationalError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr("app.schemas.key._predecessors_graces", fail)
        answer = change(world, key)

    assert (answer.code, answer.headers["Retry-After"]) == ("DATABASE_UNAVAILABLE", "1")
    assert Key.get_by_id(key.id).name != "renamed"
