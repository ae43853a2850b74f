"""Long lists: the last page costs what the first does, and a page is found in an index alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import apsw
import pytest
from peewee import chunked

from app.models import Alert, Event, Key, Server, Ticket, new_id
from tests.api.world import Service, World, serving
from tests.db.statements import plan, statements_of, steps_of, told_of_statements

ROWS = 2_000
RARE = 100
PER_PAGE = 50
FACTS = {"key_name": "a", "key_prefix": "vxk_123456", "expires_at": 1}


@dataclass
class Desk:
    """A service with much of everything that belongs to one account, and keys of it that see it.

    All tickets are of one portal and author. Most are new bugs, `RARE` of them archived and of bots.
    """

    world: World
    portal_key: str
    management_key: str
    personal_key: str
    of_events: str
    """The key that the events of the account are about."""

    def read(self, path: str, key: str, **query: Any) -> list[str]:
        return [item["id"] for item in self._page(path, key, query)["data"]]

    def pages(self, path: str, key: str, **query: Any) -> int:
        """How many pages of a list are full."""
        return int(self._page(path, key, query)["meta"]["total"]) // PER_PAGE

    def _page(self, path: str, key: str, query: dict[str, Any]) -> Any:
        here = {"portalId": self.world.portal.id, "keyId": self.of_events}
        query = query | {name: value for name, value in here.items() if name in query}
        answer = self.world.call("GET", path, getattr(self, key), query_string=query)
        assert answer.status == 200, answer.body
        return answer.json

    def steps(self, path: str, key: str, **query: Any) -> int:
        """What reading a page costs."""
        return steps_of(self.world.services.db, partial(self.read, path, key, **query))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    # Of its own, and so not among the tests of the API: a process has one database at a time.
    with serving(tmp_path_factory.mktemp("lists")) as service:
        yield _filled(service)


def _filled(service: Service) -> Desk:
    world = World(service)
    issued = world.portal_key(scopes=["vibe:infra"])
    manager = world.issue("management", world.admin.account, scopes=["vibe:mgmt:feedback"])
    times = range(int(service.clock.now * 1000), int(service.clock.now * 1000) + ROWS)
    shared = {"portal": world.portal, "author": world.admin.account}
    usual, rare = {"category": "BUG", "status": "NEW"}, {"category": "BOTS", "status": "ARCHIVED"}
    texts = {"title": "a", "description": "b", "context": None, "resolution": None}
    tickets = [
        {**shared, **texts, **(usual if at % (ROWS // RARE) else rare)}
        | {"id": new_id(at), "created_at": at, "updated_at": at}
        for at in times
    ]
    place = {"portal": world.portal, "lineage_id": issued.key.lineage_id, "name": "a server"}
    servers = [{**place, "id": new_id(at), "created_at": at} for at in times]
    personal = world.personal_key(world.stranger)
    whose = {"account": world.stranger.account, "key_id": issued.key.id}
    done = {"type": "key.changed", "by": "system", "target_kind": "key", "target_id": issued.key.id}
    events = [{**whose, **done, "id": new_id(at), "created_at": at} for at in times]
    told = {"type": "EXPIRING", "status": "OPEN", "facts": FACTS}
    alerts = [{**whose, **told, "id": new_id(at), "subject": str(at), "created_at": at} for at in times]
    with world.services.db.atomic():
        Ticket.insert_many(tickets).execute()
        Server.insert_many(servers).execute()
        Event.insert_many(events).execute()
        Alert.insert_many(alerts).execute()
        for few in chunked(_keys(personal.key, times), 500):
            Key.insert_many(few).execute()
    return Desk(world, issued.raw_key, manager.raw_key, personal.raw_key, issued.key.id)


def _keys(like: Key, times: range) -> Iterator[dict[str, Any]]:
    """Many personal keys of the same account."""
    for number, at in enumerate(times):
        own = {"id": new_id(at), "digest": f"{number:064}", "created_at": at}
        yield {**like.__data__, **own}


HERE = "the one portal, or the one key"
FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"status": "NEW"},
    {"category": "BUG"},
    {"status": "NEW", "category": "BUG"},
    {"portalId": HERE},
    {"portalId": HERE, "status": "NEW"},
    {"portalId": HERE, "category": "BUG"},
    {"portalId": HERE, "status": "NEW", "category": "BUG"},
)
RARE_ONES: tuple[dict[str, str], ...] = (
    {"status": "ARCHIVED"},
    {"category": "BOTS"},
    {"status": "ARCHIVED", "category": "BOTS"},
)
LISTS = [
    *(("/v1/feedback", key, query) for key in ("management_key", "portal_key") for query in FILTERS),
    ("/v1/infra/servers", "portal_key", {}),
    ("/api/v1/api-keys", "personal_key", {}),
    *(
        ("/api/v1/activity", "personal_key", query)
        for query in ({}, {"type": "key.changed"}, {"keyId": HERE}, {"keyId": HERE, "type": "key.changed"})
    ),
    *(
        ("/api/v1/alerts", "personal_key", query)
        for query in (
            *({}, {"status": "OPEN"}, {"type": "EXPIRING"}, {"status": "OPEN", "type": "EXPIRING"}),
            *({"keyId": HERE}, {"keyId": HERE, "status": "OPEN", "type": "EXPIRING"}),
        )
    ),
]
TABLES = {
    "/v1/feedback": "ticket",
    "/v1/infra/servers": "server",
    "/api/v1/api-keys": "key",
    "/api/v1/activity": "event",
    "/api/v1/alerts": "alert",
}


@pytest.mark.parametrize(("path", "key", "query"), LISTS)
def test_a_page_is_found_in_an_index_and_only_its_rows_are_read(
    desk: Desk, path: str, key: str, query: dict[str, str]
) -> None:
    table = TABLES[path]
    for page in (1, desk.pages(path, key, **query)):
        db = desk.world.services.db
        statements = statements_of(db, partial(desk.read, path, key, page=page, **query))
        of_list = f'FROM "{table}" AS "t1"'  # and not of the gateway's look-up of a key
        plans = [plan(db, *statement) for statement in statements if of_list in statement[0]]
        counted, (rows, *found) = plans
        assert rows == f"SEARCH t1 USING INDEX sqlite_autoindex_{table}_1 (id=?)"
        assert found.pop() == "USE TEMP B-TREE FOR ORDER BY"  # of the page's rows
        reads = [step for step in counted + found if step != "LIST SUBQUERY 1"]
        assert len(reads) == 2
        assert all(f"USING COVERING INDEX {table}_" in step for step in reads), reads


@pytest.mark.parametrize(("path", "key", "query"), LISTS)
def test_the_last_page_costs_what_the_first_does_and_the_middle_no_more_than_both(
    desk: Desk, path: str, key: str, query: dict[str, str]
) -> None:
    pages = desk.pages(path, key, **query)
    first, last, middle = (desk.steps(path, key, page=page, **query) for page in (1, pages, pages // 2))
    assert abs(last - first) < first / 50
    assert middle < first + last


@pytest.mark.parametrize("query", RARE_ONES, ids=" and ".join)
@pytest.mark.parametrize("where", [{}, {"portalId": HERE}], ids=["everywhere", "one portal"])
@pytest.mark.parametrize("key", ["management_key", "portal_key"])
def test_few_tickets_cost_little_however_many_others_their_portal_has(
    desk: Desk, key: str, where: dict[str, str], query: dict[str, str]
) -> None:
    assert len(desk.read("/v1/feedback", key, limit=RARE, **where, **query)) == RARE
    few, all_of_them = (desk.steps("/v1/feedback", key, **where, **filters) for filters in (query, {}))
    assert few < all_of_them / 2


@pytest.mark.parametrize("limit", [1, 7, 50, 99])
def test_pages_hold_every_row_once_in_one_order(desk: Desk, limit: int) -> None:
    whole = [row.id for row in Ticket.select(Ticket.id).order_by(Ticket.created_at.desc(), Ticket.id.desc())]
    for page in {1, 2, ROWS // limit // 2, ROWS // limit // 2 + 1, ROWS // limit, ROWS // limit + 1}:
        start = (page - 1) * limit
        found = desk.read("/v1/feedback", "management_key", page=page, limit=limit)
        assert found == whole[start : start + limit]


def test_a_page_is_of_the_moment_at_which_its_list_was_counted(desk: Desk) -> None:
    path, key = "/v1/infra/servers", "portal_key"
    last = desk.pages(path, key)
    page = desk.read(path, key, page=last)
    oldest = Server.get_by_id(page[-1])
    elsewhere = apsw.Connection(str(desk.world.service.config.database_path))

    def delete_before_the_page_is_read(sql: str, _: object) -> None:
        if '"server"' in sql and "ORDER BY" in sql:
            elsewhere.execute("DELETE FROM server WHERE id = ?", (oldest.id,))

    with told_of_statements(desk.world.services.db, delete_before_the_page_is_read):
        assert desk.read(path, key, page=last) == page
    assert desk.read(path, key, page=last) == page[:-1]

    oldest.save(force_insert=True)
    elsewhere.close()
