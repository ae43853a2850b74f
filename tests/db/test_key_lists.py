"""Keys narrowed and sorted: what is found, in which order, and what it costs where there are many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from peewee import chunked

from app.key_lists import SORTS, narrow, sorted_page
from app.models import Key, UsageKey, new_id
from app.visible_keys import managed_keys, personal_keys
from tests.api.world import Service, Tenant, World, serving
from tests.db.statements import plan, statements_of, steps_of

MANY = 10_000
DAY = 86_400


@dataclass
class Shelf:
    """The keys of one account."""

    service: Service
    tenant: Tenant

    def found(
        self, sort: str = "name", *, descending: bool = False, page: int = 1, **wanted: Any
    ) -> list[str]:
        return self.page(sort, descending, page, **wanted)[0]

    def page(self, sort: str, descending: bool, page: int, **wanted: Any) -> tuple[list[str], int]:
        with self.service.flask.app_context():
            now_ms = int(self.service.clock.now * 1000)
            keys = narrow(personal_keys(self.tenant.account.id), now_ms, **wanted)
            rows, total = sorted_page(keys, now_ms, sort=sort, descending=descending, page=page, limit=50)
        return [key.name for key in rows], total


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("keys")) as service:
        yield service


@pytest.fixture(scope="module")
def few(service: Service) -> Shelf:
    """One key of each kind, named for it, of an account that shares a service with others."""
    world = World(service)
    now_ms = int(service.clock.now * 1000)
    tenant = world.admin
    world.personal_key(world.stranger, name="Of somebody else")
    world.personal_key(tenant, name="b plain")
    world.personal_key(tenant, name="A both", integrations=["ai_tools", "cli"])
    world.personal_key(tenant, name="100% AI_tools", integrations=["ai_tools"])
    world.personal_key(tenant, name="expires first", expires_at=now_ms + 2 * DAY * 1000)
    expired = world.personal_key(tenant, name="expired", expires_at=now_ms + 1000).key
    world.change_key(world.personal_key(tenant, name="revoked").key, status="REVOKED")
    rotated = world.personal_key(tenant, name="rotated").key
    world.change_key(world.rotate(rotated, grace_hours=0).key, name="successor")
    legacy = world.personal_key(tenant, name="legacy", integrations=["mcp_server"]).key
    Key.update(is_legacy=True, key_prefix="old_987654", key_suffix="wxyz").where(
        Key.id == legacy.id
    ).execute()
    for key, minute in ((expired, 1), (rotated, 2)):
        UsageKey.create(key_id=key.id, lineage_id=key.lineage_id, requests=1, last_used_at=now_ms + minute)
    service.clock.now += 2
    return Shelf(service, tenant)


@pytest.fixture(scope="module")
def many(service: Service) -> Shelf:
    """So many keys that looking at all of them would be felt; every second one was used."""
    world = World(service)
    like = world.personal_key(world.member).key
    times = range(int(service.clock.now * 1000), int(service.clock.now * 1000) + MANY)
    ids = [new_id(at) for at in times]
    keys = (
        {
            **like.__data__,
            "id": ids[place],
            "digest": f"{place:064}",
            "created_at": at,
            "name": f"key {place}",
        }
        for place, at in enumerate(times)
    )
    used = (
        {"key_id": key_id, "lineage_id": key_id, "requests": 1, "last_used_at": at, "last_used_ip": None}
        for key_id, at in list(zip(ids, times, strict=True))[::2]
    )
    with world.services.db.atomic():
        for some in chunked(keys, 500):
            Key.insert_many(some).execute()
        for some in chunked(used, 500):
            UsageKey.insert_many(some).execute()
    return Shelf(service, world.member)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({"search": "PLAIN"}, ["b plain"]),
        ({"search": "100%"}, ["100% AI_tools"]),
        ({"search": "i_t"}, ["100% AI_tools"]),
        ({"search": "old_98"}, ["legacy"]),
        ({"search": "wxyz"}, ["legacy"]),
        ({"search": "old_987654…wxyz"}, ["legacy"]),
        ({"search": "old_987654...wxyz"}, ["legacy"]),
        ({"search": "nothing of it"}, []),
        ({"search": "somebody"}, []),
        ({"status": "REVOKED"}, ["revoked"]),
        ({"status": "EXPIRED"}, ["expired"]),
        ({"status": "ROTATED"}, ["rotated"]),
        ({"opens": "ai_tools"}, ["100% AI_tools", "A both"]),
        ({"opens": "mcp_server"}, ["legacy"]),
        ({"opens": "tools"}, []),
        ({"legacy": True}, ["legacy"]),
        ({"type": "management"}, []),
        (
            {"search": "s", "status": "ACTIVE", "opens": "cli", "legacy": False},
            ["expires first", "successor"],
        ),
    ],
)
def test_what_is_asked_for_is_found(few: Shelf, wanted: dict[str, Any], names: list[str]) -> None:
    assert few.found(**wanted) == names


@pytest.mark.parametrize(
    ("sort", "first", "last"),
    [
        ("name", ["100% AI_tools", "A both", "b plain"], ["successor"]),
        ("created", ["b plain", "A both"], ["legacy"]),
        ("used", ["legacy", "successor"], ["expired", "rotated"]),
        ("expires", ["expired", "expires first"], ["b plain"]),
        ("status", ["legacy"], ["rotated"]),
    ],
)
def test_every_order_goes_both_ways(few: Shelf, sort: str, first: list[str], last: list[str]) -> None:
    names = few.found(sort)
    assert (names[: len(first)], names[-len(last) :]) == (first, last)
    turned = few.found(sort, descending=True)
    assert sorted(turned) == sorted(names)
    assert turned[0] == last[-1] if sort in ("name", "created", "used", "status") else turned[-1] == first[0]


def test_pages_hold_every_key_once(many: Shelf) -> None:
    for sort in SORTS:
        names, total = many.page(sort, False, 1)
        last, _ = many.page(sort, False, total // 50)
        assert total >= MANY
        assert len(set(names + last)) == 100
    assert many.page("name", False, total)[0] == []


def test_portal_keys_are_sorted_too(service: Service) -> None:
    world = World(service)
    for name in ("two", "one"):
        world.portal_key(world.member, name=name)
    with service.flask.app_context():
        keys = managed_keys(world.admin.account.id).where(Key.portal == world.portal.id)
        for sort in SORTS:
            rows, total = sorted_page(keys, 0, sort=sort, descending=True, page=1, limit=50)
            assert ({key.name for key in rows}, total) == ({"one", "two"}, 2)


@pytest.mark.parametrize("wanted", [{}, {"search": "77"}, {"status": "ACTIVE"}, {"opens": "cli"}], ids=str)
@pytest.mark.parametrize("sort", SORTS)
def test_only_the_account_s_own_keys_are_looked_at(many: Shelf, sort: str, wanted: dict[str, Any]) -> None:
    db = many.service.services.db
    statements = statements_of(db, lambda: many.found(sort, **wanted))
    steps = [step for statement in statements if "SELECT" in statement[0] for step in plan(db, *statement)]
    looked_at = [step for step in steps if step.startswith(("SCAN", "SEARCH"))]
    by = {" ".join(step.partition(" USING ")[2].split()[:3]) for step in looked_at}
    assert by <= {
        "INDEX key_owner_id_type_created_at_id (owner_id=?",
        "COVERING INDEX key_owner_id_type_created_at_id",
        "INDEX sqlite_autoindex_key_1 (id=?)",
        "PRIMARY KEY (key_id=?)",
    }, looked_at


def test_the_newest_are_found_without_looking_at_the_others(many: Shelf) -> None:
    db = many.service.services.db
    newest, by_name = (steps_of(db, lambda sort=sort: many.found(sort)) for sort in ("created", "name"))
    assert newest < by_name / 3  # and what is left is their number


def test_a_search_ignores_case_in_every_script(service: Service) -> None:
    world = World(service)
    world.personal_key(world.admin, name="Ключ от Straße")

    found = [Shelf(service, world.admin).found(search=search) for search in ("кЛЮЧ", "STRASSE", "ключи")]

    assert found == [["Ключ от Straße"], ["Ключ от Straße"], []]
