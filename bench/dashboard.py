"""How long pages of the dashboard take, over HTTP, for an account with 10,000 keys and a year of their usage.

Each key was used on one day a week, and has an event and an open alert; one was used all the time, as in
`bench.usage`. The yardstick is the same page of an account with one key, which for the pages of operators is
the same page. A page more is a line more in `_pages`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from app import sessions
from app.db import driver
from app.ledger import Actor
from app.models import Account, Alert, Event, Key, new_id
from app.services import Services
from app.usage.windows import DAY_MS, begin
from app.wiring import create_flask, open_services
from bench.children import child, python, wait_until
from bench.http_client import Client
from bench.installation import Installation
from bench.lists import over_http
from bench.rounds import Rounds, in_turns
from bench.startup import is_ready
from bench.table import print_aims, print_table, shown
from bench.usage import fill_year
from gateway.keys import digest, display_parts, mint

KEYS = 10_000
ROUNDS = 9
_DAYS = 365
_WEEKS, _WEEKS_WITH_SPLITS = 52, 5
_INSERTED_AT_ONCE = 1_000
_AIM_MS = 100.0
_SYSTEM = Actor("system")
_SPLITS = (
    ("tool", "curl"),
    ("action", "GET /api/v1/prompts"),
    ("status", "2xx"),
    ("network", "192.0.2.0/24"),
    ("refusal", "RATE_LIMITED"),
)


def run(installation: Installation) -> None:
    """Fill the installation's database with keys and usage, measure and print. Nothing may be serving."""
    services = open_services(installation.config, redis="none")
    try:
        visitors = {name: _visitor(services, f"{name}@example.com") for name in ("many", "one")}
        _fill(services, visitors["many"][0].owner)
        with child(python("-m", "app.cli", "run", "--no-worker"), installation.log) as process:
            wait_until(lambda: is_ready(installation.config), process, installation.log)
            _measure(services, visitors["many"], visitors["one"])
    finally:
        services.close()


def _pages(key: Key) -> dict[str, str]:
    """By what they are called: the pages of an account with this key."""
    return {
        "Overview": "/dashboard",
        "keys that need attention, one kind": "/dashboard/attention/no-expiry",
        "API keys, first page": "/dashboard/keys",
        "API keys, last page": f"/dashboard/keys?page={KEYS // 50}",
        "API keys, a search": "/dashboard/keys?search=Key+77",
        "API keys by last use": "/dashboard/keys?sort=-used",
        "a key, 48 hours": f"/dashboard/keys/{key.id}?range=48h",
        "a key, a year": f"/dashboard/keys/{key.id}?range=365d",
        "a key's chart, a year": f"/dashboard/keys/{key.id}/usage.json?range=365d",
        "management keys": "/dashboard/management-keys",
        "activity": "/dashboard/activity",
        "alerts": "/dashboard/alerts",
        "account": "/dashboard/account",
        "prompts": "/dashboard/prompts",
        "feedback": "/dashboard/feedback",
        "portals": "/dashboard/portals",
        "operator: accounts": "/dashboard/operator/accounts",
        "operator: audit log": "/dashboard/operator/audit",
        "operator: health": "/dashboard/operator/health",
    }


def _measure(services: Services, many: tuple[Key, str], one: tuple[Key, str]) -> None:
    contenders: dict[str, Callable[[], float]] = {}
    for mark, (key, cookie) in (("", many), (", one key", one)):
        for name, path in _pages(key).items():
            address = services.config.host, services.config.port
            contenders[name + mark] = over_http(Client(address, path, cookie=cookie))
    _print(list(_pages(many[0])), in_turns(contenders, ROUNDS))


def _print(names: list[str], rounds: Rounds) -> None:
    print_table(
        f"A page of an account with {KEYS:,} keys and a year of usage, milliseconds",
        ("", "median", "min – max", "with one key", "× one key"),
        [
            [
                name,
                *shown(rounds.of(name), 1),
                f"{rounds.of(f'{name}, one key').median:.1f}",
                f"{rounds.ratio(name, f'{name}, one key').median:.2f}",
            ]
            for name in names
        ],
    )
    slowest = max(rounds.of(name).median for name in names)
    print_aims([(f"the slowest page within {_AIM_MS:g} ms", slowest, slowest < _AIM_MS)])


def _visitor(services: Services, email: str) -> tuple[Key, str]:
    """Return the key of a new account, and the cookie of a browser that it is signed in with."""
    account = services.accounts.create(_SYSTEM, email, tier="pro", operator=True)
    key = services.keyring.issue(
        _SYSTEM, type="personal", owner=account, name="busy", integrations=["cli"]
    ).key
    with services.ledger.change(Actor("account", account.id, address="127.0.0.1")) as change:
        token = sessions.begin(change, account, "bench")
    flask_app = create_flask(services)
    signer: Any = flask_app.session_interface
    value = signer.get_signing_serializer(flask_app).dumps({"token": token})
    return key, f"{flask_app.config['SESSION_COOKIE_NAME']}={value}"


def _fill(services: Services, owner: Account) -> None:
    """Give an account its keys, which were used once a week."""
    draw, now_ms, connection = random.Random(1), int(services.clock() * 1000), driver(services.db)
    today = begin(now_ms, DAY_MS)
    busy = Key.get(Key.owner == owner)
    fill_year(services, busy, today - (_DAYS - 1) * DAY_MS, _DAYS)
    rows = _key_rows(busy, now_ms, draw)
    with services.db.atomic("IMMEDIATE"):
        while few := list(islice(rows, _INSERTED_AT_ONCE)):
            Key.insert_many(few).execute()
            Event.insert_many(_event(row) for row in few).execute()
            Alert.insert_many(_alert(row) for row in few).execute()
            ids = [row["id"] for row in few]
            _insert(connection, "usage_day", _days(ids, today, _WEEKS))
            _insert(connection, "usage_split_day", _splits(ids, today))
            _insert(connection, "usage_action", ((id, _SPLITS[1][1], today) for id in ids))
            _insert(connection, "usage_key", ((id, id, 30 * _WEEKS, now_ms, "192.0.2.7") for id in ids))


def _key_rows(like: Key, now_ms: int, draw: random.Random) -> Iterator[dict[str, Any]]:
    for number in range(KEYS - 1):
        raw_key, at = mint("personal"), now_ms - draw.randrange(1, 400) * DAY_MS + number
        prefix, suffix = display_parts(raw_key)
        id = new_id(at)
        yield {
            **like.__data__,
            "id": id,
            "lineage_id": id,
            "digest": digest(raw_key),
            "key_prefix": prefix,
            "key_suffix": suffix,
            "name": f"Key {number}",
            "integrations": ["ai_tools", "cli"],
            "ip_whitelist": [] if number % 2 else ["192.0.2.0/24"],
            "expires_at": None if number % 3 else now_ms + 90 * DAY_MS,
            "created_at": at,
        }


def _event(key: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": new_id(key["created_at"]),
        "account": key["owner"],
        "created_at": key["created_at"],
        "type": "key.issued",
        "key_id": key["id"],
        "by": "operator",
        "target_kind": "key",
        "target_id": key["id"],
        "after": json.dumps({"name": key["name"], "integrations": key["integrations"]}),
    }


def _alert(key: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": new_id(key["created_at"]),
        "account": key["owner"],
        "type": "ROTATION_DUE",
        "subject": key["id"],
        "key_id": key["id"],
        "status": "OPEN",
        "facts": {"key_name": key["name"], "key_prefix": key["key_prefix"], "created_at": key["created_at"]},
        "created_at": key["created_at"],
    }


def _days(ids: list[str], today: int, weeks: int) -> Iterator[tuple[str, int, int]]:
    return ((id, today - week * 7 * DAY_MS, 30) for id in ids for week in range(weeks))


def _splits(ids: list[str], today: int) -> Iterator[tuple[str, int, str, str, int]]:
    for id, day, requests in _days(ids, today, _WEEKS_WITH_SPLITS):
        yield from ((id, day, kind, name, requests) for kind, name in _SPLITS)


def _insert(connection: Any, table: str, rows: Iterator[tuple[Any, ...]]) -> None:
    first = next(rows)
    places = ", ".join("?" * len(first))
    connection.executemany(f"INSERT INTO {table} VALUES ({places})", (first, *rows))
