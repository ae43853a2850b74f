"""What it costs to count the uses of keys, and to tell a year of them.

The yardsticks are what is commonly written: a statement that raises the key's row in each request, and a row
a request, from which an answer is summed up when it is asked for.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import urlencode

from app.config import Config
from app.db import driver
from app.keyring import Issued
from app.ledger import Actor
from app.models import Key
from app.schemas.fields import iso
from app.services import Services
from app.usage.windows import DAY_MS, HOUR_MS, begin
from app.wiring import open_services
from bench.children import child, python, wait_until
from bench.http_client import Client
from bench.installation import Installation
from bench.rounds import Rounds, in_turns
from bench.startup import is_ready
from bench.table import print_aims, print_table, shown
from gateway.usage_table import UsageTable

ROUNDS = 9
_DAYS = 365
_HOURS_WITH_SPLITS = 90 * 24
_REQUESTS_A_YEAR = 500_000
_REQUESTS = 3
_COUNTS = 2_000
_AIM_MS = 50.0

_TOOLS = [f"tool {number}" for number in range(6)]
_ACTIONS = [f"GET /v1/things-{number}" for number in range(15)]
_STATUSES = ["2xx", "4xx", "5xx"]
_REFUSALS = ["RATE_LIMITED", "ENTITY_NOT_FOUND", "VALIDATION_ERROR"]
_NETWORKS = [f"10.{number // 256}.{number % 256}.0/24" for number in range(300)]
_NETWORKS_A_DAY, _NETWORKS_AN_HOUR = 60, 20

_COUNT, _UPDATE = "a count in the shared table", "UPDATE of the key's row, SQLite, not waiting for the disk"
_OF_A_YEAR = "SELECT {} AS name, count(*) FROM request WHERE key_id = ? AND at >= ? AND at < ? GROUP BY name"


def run(installation: Installation) -> None:
    """Fill the installation's database with a year of usage, measure and print. Nothing may be serving."""
    services = open_services(installation.config, redis="none")
    try:
        management_key, key, lineage = _keys(services)
        begins = begin(int(services.clock() * 1000), DAY_MS) - (_DAYS - 1) * DAY_MS
        fill_year(services, key, begins, _DAYS)
        for place, one in enumerate(lineage):  # one after the other, as rotation has it
            quarter = _DAYS // len(lineage)
            fill_year(services, one, begins + place * quarter * DAY_MS, quarter)
        log = _request_log(installation, key, begins)
        with child(python("-m", "app.cli", "run", "--no-worker"), installation.log) as process:
            wait_until(lambda: is_ready(installation.config), process, installation.log)
            _measure_year(installation.config, log, management_key, key, lineage[0], begins)
        _measure_counts(installation)
        log.close()
    finally:
        services.close()


def _measure_year(
    config: Config, log: sqlite3.Connection, raw_key: str, key: Key, of_lineage: Key, begins: int
) -> None:
    def over_http(of: Key, **query: str) -> Callable[[], float]:
        path = f"/v1/keys/{of.id}/usage?{urlencode({'since': iso(begins), **query})}"
        client = Client((config.host, config.port), path, raw_key)
        return lambda: _milliseconds(lambda: client.send(_REQUESTS)) / _REQUESTS

    names = ("by day", "by hour", "by day, a lineage of four keys", "by hour, a lineage of four keys")
    rounds = in_turns(
        {
            names[0]: over_http(key),
            names[1]: over_http(key, bucket="hour"),
            names[2]: over_http(of_lineage, lineage="true"),
            names[3]: over_http(of_lineage, lineage="true", bucket="hour"),
            "plain": lambda: _milliseconds(lambda: _sum_up(log, key, begins)),
        },
        ROUNDS,
    )
    print_table(
        "A year of a busy key's usage over HTTP, milliseconds",
        ("", "median", "min – max", f"× a row a request, of {_REQUESTS_A_YEAR:,}"),
        [[name, *shown(rounds.of(name), 1), f"{rounds.ratio(name, 'plain').median:.2f}"] for name in names],
    )
    print_aims(
        [
            (f"a year {name} within {_AIM_MS:g} ms", median, median < _AIM_MS)
            for name in names
            for median in (rounds.of(name).median,)
        ]
    )


def _measure_counts(installation: Installation) -> None:
    folder = installation.folder / "usage-bench"
    folder.mkdir()
    table, database = UsageTable(folder), sqlite3.connect(folder / "keys.db", isolation_level=None)
    database.execute("PRAGMA journal_mode = wal")
    database.execute("PRAGMA synchronous = off")
    database.execute(
        "CREATE TABLE key (id TEXT PRIMARY KEY, requests INTEGER, last_used_at INTEGER, ip TEXT)"
    )
    ids = [f"01890a5d-ac96-774b-bcce-{number:012}" for number in range(500)]
    database.executemany("INSERT INTO key VALUES (?, 0, NULL, NULL)", [(key_id,) for key_id in ids])
    now = time.time()

    def count(key_id: str) -> None:
        table.count(key_id, key_id, "192.0.2.7", now)

    def update(key_id: str) -> None:
        values = int(now * 1000), "192.0.2.7", key_id
        database.execute(
            "UPDATE key SET requests = requests + 1, last_used_at = ?, ip = ? WHERE id = ?", values
        )

    rounds = in_turns({_COUNT: _each(count, ids), _UPDATE: _each(update, ids)}, ROUNDS)
    table.close()
    database.close()
    _print_counts(rounds)


def _print_counts(rounds: Rounds) -> None:
    print_table(
        "Counting a use, microseconds, in one process",
        ("", "median", "min – max", "× UPDATE"),
        [
            [name, *shown(rounds.of(name), 1), f"{rounds.ratio(name, _UPDATE).median:.2f}"]
            for name in (_COUNT, _UPDATE)
        ],
    )


def _each(do: Callable[[str], None], ids: list[str]) -> Callable[[], float]:
    def measure() -> float:
        began = time.perf_counter()
        for number in range(_COUNTS):
            do(ids[number % len(ids)])
        return (time.perf_counter() - began) / _COUNTS * 1e6

    return measure


def _milliseconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return (time.perf_counter() - began) * 1000


def _keys(services: Services) -> tuple[str, Key, list[Key]]:
    """Return a management key, a key of a portal, and a lineage of four."""
    actor, issue = Actor("system"), services.keyring.issue
    owner = services.accounts.create(actor, "busy@example.com", tier="pro")
    portal = services.portals.create(actor, "busy.example.com")
    services.portals.set_member(actor, portal.id, owner.id, "ADMIN")
    management = issue(actor, type="management", owner=owner, name="all", scopes=["vibe:mgmt:keys"])

    def portal_key() -> Issued:
        return issue(actor, type="api", owner=owner, portal=portal, name="busy", scopes=["crm"])

    lineage = [portal_key().key]
    for _ in range(3):
        lineage.append(services.keyring.rotate(actor, Key.select(), lineage[-1].id, grace_hours=0).key)
    return management.raw_key, portal_key().key, lineage


def fill_year(services: Services, key: Key, begins: int, number_of_days: int) -> None:
    """Let a key have been used in each hour of so many days."""
    draw, connection = random.Random(key.id), driver(services.db)
    hours = [(begins + number * HOUR_MS, draw.randrange(20, 100)) for number in range(number_of_days * 24)]
    days = [(begins + number * DAY_MS, 1440) for number in range(number_of_days)]
    with services.db.atomic("IMMEDIATE"):
        connection.executemany(
            "INSERT INTO usage_hour (key_id, starts_at, slot, requests) VALUES (?, ?, 2, ?)",
            [(key.id, at, requests) for at, requests in hours],
        )
        connection.executemany(
            "INSERT INTO usage_day (key_id, starts_at, requests) VALUES (?, ?, ?)",
            [(key.id, at, requests) for at, requests in days],
        )
        connection.execute(
            "INSERT INTO usage_key (key_id, lineage_id, requests, last_used_at) VALUES (?, ?, 1, ?)",
            (key.id, key.lineage_id, begins),
        )
        for table, starts, networks in (
            ("usage_split_hour", [at for at, _ in hours[-_HOURS_WITH_SPLITS:]], _NETWORKS_AN_HOUR),
            ("usage_split_day", [at for at, _ in days], _NETWORKS_A_DAY),
        ):
            connection.executemany(
                f"INSERT INTO {table} (key_id, starts_at, kind, name, requests) VALUES (?, ?, ?, ?, 7)",
                [(key.id, at, *split) for at in starts for split in _splits(draw, networks)],
            )


def _splits(draw: random.Random, networks: int) -> Iterator[tuple[str, str]]:
    yield from (("tool", name) for name in _TOOLS)
    yield from (("action", name) for name in _ACTIONS)
    yield from (("status", name) for name in _STATUSES)
    yield from (("refusal", name) for name in _REFUSALS)
    yield from (("network", name) for name in draw.sample(_NETWORKS, networks))


def _request_log(installation: Installation, key: Key, begins: int) -> sqlite3.Connection:
    """Return a table with a row for each request of the year, as the yardstick has it."""
    draw = random.Random(1)
    log = sqlite3.connect(installation.folder / "requests.db")
    log.execute(
        "CREATE TABLE request (key_id TEXT, at INTEGER, tool TEXT, action TEXT, status TEXT, network TEXT)"
    )
    step = _DAYS * DAY_MS // _REQUESTS_A_YEAR
    with log:
        log.executemany(
            "INSERT INTO request VALUES (?, ?, ?, ?, ?, ?)",
            (
                (
                    key.id,
                    begins + number * step,
                    draw.choice(_TOOLS),
                    draw.choice(_ACTIONS),
                    draw.choice(_STATUSES),
                    draw.choice(_NETWORKS),
                )
                for number in range(_REQUESTS_A_YEAR)
            ),
        )
    log.execute("CREATE INDEX request_key_at ON request (key_id, at)")
    return log


def _sum_up(log: sqlite3.Connection, key: Key, begins: int) -> None:
    until = int(datetime.now(UTC).timestamp() * 1000)
    for name in ("at / 86400000", "tool", "action", "status", "network"):
        log.execute(_OF_A_YEAR.format(name), (key.id, begins, until)).fetchall()
