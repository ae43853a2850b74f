"""How long a page of a long list takes: 200,000 feedback tickets, over HTTP, the first page and the last.

One portal has 150,000 of them, all of one author, whose portal key asks for them too. The yardstick is the
same page by the plain statement, in this process: count the rows, skip to the page.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

import apsw

from app.config import Config
from app.db import driver
from app.feedback import CATEGORIES, STATUSES
from app.ledger import Actor
from app.models import Account, Portal, new_id
from app.services import Services
from app.wiring import open_services
from bench.children import child, python, wait_until
from bench.http_client import Client
from bench.installation import Installation
from bench.rounds import in_turns
from bench.startup import is_ready
from bench.table import print_aims, print_table, shown

TICKETS = 200_000
IN_ONE_PORTAL = 150_000
ROUNDS = 9
_OTHER_PORTALS, _LIMIT = 19, 50
_REQUESTS = 5
_AIM_MS = 50.0

Contenders = dict[str, Callable[[], float]]


@dataclass(frozen=True)
class List:
    """A list as somebody with `raw_key` asks for it, and the columns by which that is found."""

    name: str
    raw_key: str
    query: dict[str, str]
    columns: dict[str, str]


def run(installation: Installation) -> None:
    """Fill the installation's database with tickets, measure and print. Nothing may be serving from it."""
    services = open_services(installation.config, redis="none")
    try:
        lists = _fill(services)
        connection = driver(services.db)
        with child(python("-m", "app.cli", "run", "--no-worker"), installation.log) as process:
            wait_until(lambda: is_ready(installation.config), process, installation.log)
            _measure(installation.config, connection, lists)
    finally:
        services.close()


def _measure(config: Config, connection: apsw.Connection, lists: list[List]) -> None:
    contenders: Contenders = {}
    for asked in lists:
        last = _last_page(connection, asked.columns)
        for page, number in (("first", 1), ("last", last)):
            path = f"/v1/feedback?{urlencode({**asked.query, 'page': number, 'limit': _LIMIT})}"
            client = Client((config.host, config.port), path, asked.raw_key)
            contenders[f"{asked.name}, {page} page"] = over_http(client)
            contenders[f"{asked.name}, {page} page, plain"] = _plainly(connection, asked.columns, number)
    rounds = in_turns(contenders, ROUNDS)
    names = [name for name in contenders if not name.endswith(", plain")]
    print_table(
        f"A page of {_LIMIT} of {TICKETS:,} tickets, {IN_ONE_PORTAL:,} of one portal, milliseconds",
        ("", "median", "min – max", "plain SQL", "× plain SQL"),
        [
            [
                name,
                *shown(rounds.of(name), 1),
                f"{rounds.of(f'{name}, plain').median:.1f}",
                f"{rounds.ratio(name, f'{name}, plain').median:.2f}",
            ]
            for name in names
        ],
    )
    slowest = max(rounds.of(name).median for name in names)
    print_aims([(f"the slowest page within {_AIM_MS:g} ms", slowest, slowest < _AIM_MS)])


def over_http(client: Client) -> Callable[[], float]:
    """Return what measures a request of the client, in milliseconds."""

    def measure() -> float:
        began = time.perf_counter()
        client.send(_REQUESTS)
        return (time.perf_counter() - began) / _REQUESTS * 1000

    return measure


def _plainly(connection: apsw.Connection, columns: dict[str, str], page: int) -> Callable[[], float]:
    where, values = _where(columns)
    skipped = (page - 1) * _LIMIT

    def measure() -> float:
        began = time.perf_counter()
        connection.execute(f"SELECT count(*) FROM ticket{where}", values).fetchall()
        order = f"ORDER BY created_at DESC, id DESC LIMIT {_LIMIT} OFFSET {skipped}"
        connection.execute(f"SELECT * FROM ticket{where} {order}", values).fetchall()
        return (time.perf_counter() - began) * 1000

    return measure


def _last_page(connection: apsw.Connection, columns: dict[str, str]) -> int:
    where, values = _where(columns)
    ((count,),) = connection.execute(f"SELECT count(*) FROM ticket{where}", values).fetchall()
    return -(-int(count) // _LIMIT)


def _where(columns: dict[str, str]) -> tuple[str, list[str]]:
    conditions = [f"{name} = ?" for name in columns]
    return (f" WHERE {' AND '.join(conditions)}" if conditions else ""), list(columns.values())


def _fill(services: Services) -> list[List]:
    """Make the tickets, and the keys that see them; return the lists to ask for."""
    actor = Actor("system")
    team = services.accounts.create(actor, "support@example.com", tier="pro")
    author = services.accounts.create(actor, "author@example.com", tier="pro")
    portals = [
        services.portals.create(actor, f"portal-{number}.example.com") for number in range(_OTHER_PORTALS + 1)
    ]
    largest = portals[0]
    services.portals.set_member(actor, largest.id, author.id, "MEMBER")
    issue = services.keyring.issue
    of_team = issue(actor, type="management", owner=team, name="support", scopes=["vibe:mgmt:feedback"])
    of_author = issue(actor, type="api", owner=author, portal=largest, name="author", scopes=["crm"])
    with services.db.atomic("IMMEDIATE"):
        driver(services.db).executemany(
            """INSERT INTO ticket (id, portal_id, author_id, category, status, title, description, context,
                                   resolution, created_at, updated_at)
               VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?, ?)""",
            _rows(author, portals, int(services.clock() * 1000)),
        )
    return _lists(of_team.raw_key, of_author.raw_key, largest, author)


def _lists(team: str, author: str, largest: Portal, owner: Account) -> list[List]:
    filters = ({}, {"status": "NEW"}, {"category": "BUG"}, {"status": "NEW", "category": "BUG"})
    of_portal = {"portal_id": largest.id}
    return [
        List(", ".join((whose, *(f"{name}={value}" for name, value in asked.items()))), key, query, columns)
        for asked in filters
        for whose, key, query, columns in (
            ("all", team, asked, asked),
            ("largest portal", team, {**asked, "portalId": largest.id}, {**of_portal, **asked}),
            ("the author's own", author, asked, {**of_portal, "author_id": owner.id, **asked}),
        )
    ]


def _rows(author: Account, portals: list[Portal], now_ms: int) -> list[tuple[str | int, ...]]:
    draw = random.Random(1)
    statuses, categories = list(STATUSES), list(CATEGORIES)
    begins = now_ms - TICKETS * 60_000
    largest, *others = portals
    return [
        (
            new_id(at),
            (largest if draw.random() < IN_ONE_PORTAL / TICKETS else draw.choice(others)).id,
            author.id,
            draw.choice(categories),
            draw.choice(statuses),
            f"Ticket {number}",
            "What happened, told in a few lines. " * 8,
            at,
            at,
        )
        for number in range(TICKETS)
        for at in (begins + number * 60_000,)
    ]
