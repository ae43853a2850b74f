"""What it costs to reach a portal's Bitrix24 through the service, and what the batch saves.

The portal is the stand-in, in a process of its own, and its limits are off: they, and our throttle before
them, would otherwise be all that is measured. The throttle admits 49 calls of a portal at once, so every
round has a portal of its own.
"""

from __future__ import annotations

import json
import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from statistics import median
from urllib.parse import urlsplit

from app.bitrix.sandbox import Sandbox
from app.ledger import Actor
from app.wiring import open_services
from bench.children import child, python, wait_until
from bench.http_client import Client
from bench.installation import Installation
from bench.rounds import Rounds, in_turns
from bench.served import Address, gunicorn
from bench.table import print_aims, print_table, shown

ROUNDS = 15
BATCH_ROUNDS = 9
_REQUESTS = 40  # of one contender in one round; a portal takes 49 at once
_CALLS = 50
_DELAYS = (0.010, 0.020)  # seconds in each direction
_AIM = 40.0  # over the longer one

_ITEM = {"entityTypeId": 2, "id": 7}
_LIST = {"entityTypeId": 2, "order": {"id": "ASC"}, "start": 0}

Measure = Callable[[], float]


def overhead(installation: Installation) -> None:
    """Measure and print what the service adds. Redis must be running, and nothing may be serving."""
    with _stand_in() as webhook_url:
        keys = iter(_keys(installation, webhook_url, "overhead", 2 * (ROUNDS + 1)))
        with gunicorn(installation, "service") as (address, _):
            _overhead(address, webhook_url, keys)


def batch(installation: Installation) -> None:
    """Measure and print what the batch saves. Redis must be running, and nothing may be serving."""
    with _stand_in() as webhook_url:
        keys = iter(_keys(installation, webhook_url, "batch", len(_DELAYS) * 4 * (BATCH_ROUNDS + 1)))
        with gunicorn(installation, "service") as (address, _):
            for seconds in _DELAYS:
                with _slow_connection(installation, address, seconds) as slow:
                    _batch(slow, seconds, keys)


def _overhead(service: Address, webhook_url: str, keys: Iterator[str]) -> None:
    url = urlsplit(webhook_url)
    stand_in = (url.hostname or "", url.port or 80)
    latencies: dict[str, list[float]] = {}

    def contender(name: str, client: Callable[[], Client]) -> Measure:
        latencies[name] = []

        def measure() -> float:
            took = client().seconds_each(_REQUESTS)
            latencies[name] += took
            return _REQUESTS / sum(took)

        return measure

    def direct(method: str, params: object) -> Callable[[], Client]:
        body = json.dumps(params).encode()
        return lambda: Client(stand_in, f"{url.path}/{method}.json", "none", body)

    contenders = {
        "one deal, from the stand-in": direct("crm.item.get", _ITEM),
        "one deal, through the service": lambda: Client(service, "/v1/deals/7", next(keys)),
        "50 deals, from the stand-in": direct("crm.item.list", _LIST),
        "50 deals, through the service": lambda: Client(service, "/v1/deals", next(keys)),
    }
    rounds = in_turns({name: contender(name, client) for name, client in contenders.items()}, ROUNDS)
    names = list(contenders)
    print_table(
        "A portal's deals, with and without the service; all processes on one core, one request at a time",
        ("", "p50, ms", "requests a second", "min – max", "of direct", "added, ms"),
        [
            _overhead_row(rounds, latencies, name, names[place - place % 2])
            for place, name in enumerate(names)
        ],
    )


def _overhead_row(rounds: Rounds, latencies: dict[str, list[float]], name: str, direct: str) -> list[str]:
    p50, direct_p50 = median(latencies[name]), median(latencies[direct])
    cells = [name, f"{p50 * 1000:.2f}", *shown(rounds.of(name), 0)]
    if name == direct:
        return [*cells, "", ""]
    return [*cells, f"{rounds.ratio(name, direct).median:.2f}", f"{(p50 - direct_p50) * 1000:.2f}"]


def _batch(address: Address, seconds: float, keys: Iterator[str]) -> None:
    numbers = range(1, _CALLS + 1)
    new = {"title": "Order", "opportunity": 1500.5}
    single_gets = [(f"/v1/deals/{number}", None) for number in numbers]
    gets = [{"entity": "deals", "action": "get", "entityId": number} for number in numbers]
    creates = [{"entity": "deals", "action": "create", "params": new}] * _CALLS

    def one_by_one(requests: Sequence[tuple[str, bytes | None]]) -> Measure:
        def measure() -> float:
            key, began = next(keys), time.perf_counter()
            Client.send_all([Client(address, path, key, body) for path, body in requests])
            return time.perf_counter() - began

        return measure

    def at_once(calls: Sequence[object]) -> Measure:
        return one_by_one([("/v1/batch", json.dumps({"calls": calls}).encode())])

    body = json.dumps(new).encode()
    contenders = {
        "get, one by one": one_by_one(single_gets),
        "get, as a batch": at_once(gets),
        "create, one by one": one_by_one([("/v1/deals", body)] * _CALLS),
        "create, as a batch": at_once(creates),
    }
    rounds = in_turns(contenders, BATCH_ROUNDS)
    names, told = list(contenders), f"{seconds * 1000:.0f} ms in each direction"
    faster = [rounds.ratio(names[place], names[place + 1]).median for place in (0, 2)]
    print_table(
        f"{_CALLS} calls over a connection with {told}, milliseconds",
        ("", "median", "min – max", "times as fast"),
        [
            [name, *_milliseconds(rounds, name), "" if place % 2 == 0 else f"{faster[place // 2]:.1f}"]
            for place, name in enumerate(names)
        ],
    )
    if seconds == max(_DELAYS):
        least = min(faster)
        print_aims([(f"the batch at least {_AIM:g} times as fast, {told}", least, least >= _AIM)])


def _milliseconds(rounds: Rounds, name: str) -> tuple[str, str]:
    spread = rounds.of(name)
    return shown(type(spread)(*(seconds * 1000 for seconds in spread)), 1)


def _keys(installation: Installation, webhook_url: str, name: str, number: int) -> list[str]:
    """Return so many keys, each of a portal of its own."""
    services = open_services(installation.config, redis="none")
    try:
        actor = Actor("cli")
        owner = services.accounts.create(actor, f"{name}@example.com", tier="pro")
        raw_keys = []
        for place in range(number):
            portal = services.portals.create(actor, f"{name}-{place}.example.com", webhook_url=webhook_url)
            services.portals.set_member(actor, portal.id, owner.id, "MEMBER")
            issued = services.keyring.issue(
                actor, type="api", owner=owner, portal=portal, name=name, scopes=["crm"]
            )
            raw_keys.append(issued.raw_key)
    finally:
        services.close()
    return raw_keys


@contextmanager
def _stand_in() -> Iterator[str]:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve_stand_in, args=(there,))
    process.start()
    try:
        webhook_url: str = here.recv()
        yield webhook_url
    finally:
        process.terminate()
        process.join()


def _serve_stand_in(pipe: Connection) -> None:
    sandbox = Sandbox()
    sandbox.portal.limits.enabled = False
    pipe.send(sandbox.webhook_url)
    sandbox.serve_forever()


@contextmanager
def _slow_connection(installation: Installation, address: Address, seconds: float) -> Iterator[Address]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        slow: Address = listener.getsockname()
        number = listener.fileno()
        command = python("-m", "bench.slow_connection", str(number), *map(str, address), str(seconds))
        with child(command, installation.log, inherits=[number]) as process:
            wait_until(lambda: True, process, installation.log)
            yield slow
