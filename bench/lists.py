"""How long a page of a long list takes: 200,000 feedback tickets, over HTTP, the first page and the last.

The yardstick is the same page by the plain statement, in this process: count the rows, skip to the page.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
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
ROUNDS = 9
_PORTALS, _LIMIT = 20, 50
_REQUESTS = 5
_AIM_MS = 50.0
_FILTERS: dict[str, dict[str, str]] = {
    "all": {},
    "status=NEW": {"status": "NEW"},
    "category=BUG": {"category": "BUG"},
    "status=NEW, category=BUG": {"status": "NEW", "category": "BUG"},
    "one portal": {"portalId": ""},
}
_COLUMNS = {"status": "status", "category": "category", "portalId": "portal_id"}

Contenders = dict[str, Callable[[], float]]


def run(installation: Installation) -> None:
    """Fill the installation's database with tickets, measure and print. Nothing may be serving from it."""
    services = open_services(installation.config, redis="none")
    try:
        raw_key, portal_id = _fill(services)
        connection = driver(services.db)
        with child(python("-m", "app.cli", "run", "--no-worker"), installation.log) as process:
            wait_until(lambda: is_ready(installation.config), process, installation.log)
            _measure(installation.config, connection, raw_key, portal_id)
    finally:
        services.close()


def _measure(config: Config, connection: apsw.Connection, raw_key: str, portal_id: str) -> None:
    contenders: Contenders = {}
    for name, filters in _FILTERS.items():
        query = {**filters, "portalId": portal_id} if "portalId" in filters else filters
        last = _last_page(connection, query)
        for page, number in (("first", 1), ("last", last)):
            path = f"/v1/feedback?{urlencode({**query, 'page': number, 'limit': _LIMIT})}"
            client = Client((config.host, config.port), path, raw_key)
            contenders[f"{name}, {page} page"] = _over_http(client)
            contenders[f"{name}, {page} page, plain"] = _plainly(connection, query, number)
    rounds = in_turns(contenders, ROUNDS)
    names = [name for name in contenders if not name.endswith(", plain")]
    print_table(
        f"A page of {_LIMIT} of {TICKETS:,} tickets, milliseconds",
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


def _over_http(client: Client) -> Callable[[], float]:
    def measure() -> float:
        began = time.perf_counter()
        client.send(_REQUESTS)
        return (time.perf_counter() - began) / _REQUESTS * 1000

    return measure


def _plainly(connection: apsw.Connection, query: dict[str, str], page: int) -> Callable[[], float]:
    where, values = _where(query)
    skipped = (page - 1) * _LIMIT

    def measure() -> float:
        began = time.perf_counter()
        connection.execute(f"SELECT count(*) FROM ticket{where}", values).fetchall()
        order = f"ORDER BY created_at DESC, id DESC LIMIT {_LIMIT} OFFSET {skipped}"
        connection.execute(f"SELECT * FROM ticket{where} {order}", values).fetchall()
        return (time.perf_counter() - began) * 1000

    return measure


def _last_page(connection: apsw.Connection, query: dict[str, str]) -> int:
    where, values = _where(query)
    ((count,),) = connection.execute(f"SELECT count(*) FROM ticket{where}", values).fetchall()
    return -(-int(count) // _LIMIT)


def _where(query: dict[str, str]) -> tuple[str, list[str]]:
    conditions = [f"{_COLUMNS[name]} = ?" for name in query]
    return (f" WHERE {' AND '.join(conditions)}" if conditions else ""), list(query.values())


def _fill(services: Services) -> tuple[str, str]:
    """Make the tickets; return a key that sees them all, and the id of a portal that has its share."""
    actor = Actor("system")
    owner = services.accounts.create(actor, "support@example.com", tier="pro")
    issued = services.keyring.issue(
        actor, type="management", owner=owner, name="support", scopes=["vibe:mgmt:feedback"]
    )
    portals = [services.portals.create(actor, f"portal-{number}.example.com") for number in range(_PORTALS)]
    with services.db.atomic("IMMEDIATE"):
        driver(services.db).executemany(
            """INSERT INTO ticket (id, portal_id, author_id, category, status, title, description, context,
                                   resolution, created_at, updated_at)
               VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?, ?)""",
            _rows(owner, portals, int(services.clock() * 1000)),
        )
    return issued.raw_key, portals[0].id


def _rows(author: Account, portals: list[Portal], now_ms: int) -> list[tuple[str | int, ...]]:
    draw = random.Random(1)
    statuses, categories = list(STATUSES), list(CATEGORIES)
    begins = now_ms - TICKETS * 60_000
    return [
        (
            new_id(at),
            draw.choice(portals).id,
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
