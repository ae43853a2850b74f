"""Every route that changes something leaves its audit rows: who, by which key, from where, to what."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app import audit
from app.models import Audit, Key
from app.registry import ROUTES, entities
from gateway.keys import digest
from tests.api.changes import CHANGES, ONLY_TELL, TEXT, Call, every_change, update_key, update_ticket
from tests.api.world import World

ADDRESS = "192.0.2.77"


def test_every_route_that_changes_something_here_is_tested_here() -> None:
    here = [route for route in ROUTES if route not in entities.ROUTES]
    changing = {(route.method, route.path) for route in here if route.changes}
    assert changing - ONLY_TELL == CHANGES.keys()


@every_change
def test_a_change_says_who_made_it_by_which_key_and_from_where(
    world: World, method: str, call: Callable[[World], Call]
) -> None:
    asked = call(world)
    caller = Key.get(Key.digest == digest(asked.raw_key))
    newest = _newest()

    from_there = {"REMOTE_ADDR": ADDRESS}
    answer = world.call(method, asked.path, asked.raw_key, json=asked.body, environ_base=from_there)

    assert answer.status in (200, 201), answer.body
    rows = list(Audit.select().where(Audit.seq > newest).order_by(Audit.seq))
    assert tuple(row.action for row in rows) == asked.actions
    for row in rows:
        assert (row.actor_kind, row.actor_account_id) == ("key", caller.owner_id)
        assert (row.actor_key_id, row.address) == (caller.id, ADDRESS)
        assert row.action.startswith(f"{row.target_kind}.")
        assert TEXT not in f"{row.before}{row.after}"
    assert rows[-1].target_id in (asked.path + f"/{answer.data['id']}").split("/")
    assert audit.verify(world.services.secrets).broken is None


@pytest.mark.parametrize("call", [update_key, update_ticket], ids=lambda value: value.__name__)
def test_what_is_so_already_leaves_no_row(world: World, call: Callable[[World], Call]) -> None:
    asked = call(world)
    world.call("PATCH", asked.path, asked.raw_key, json=asked.body)
    newest = _newest()

    assert world.call("PATCH", asked.path, asked.raw_key, json=asked.body).status == 200

    assert _newest() == newest


@every_change
def test_what_is_refused_leaves_no_row(world: World, method: str, call: Callable[[World], Call]) -> None:
    asked = call(world)
    newest = _newest()

    stranger = world.call(method, asked.path, world.stranger.management_key, json=asked.body)
    assert stranger.status in (403, 404)
    if asked.body is not None:
        answer = world.call(method, asked.path, asked.raw_key, json={**asked.body, "unknown": True})
        assert answer.code == "VALIDATION_ERROR"

    assert _newest() == newest


def _newest() -> int:
    seq: int = Audit.select(Audit.seq).order_by(Audit.seq.desc()).get().seq
    return seq
