"""Requests with keys that are none, as many kinds as there are, sent to a whole service in one process."""

from __future__ import annotations

import gc
import ipaddress
import os
import random
from collections import Counter
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any, NamedTuple
from wsgiref.util import setup_testing_defaults

import apsw

from app.config import Config
from app.db import driver
from app.wiring import Service, build
from gateway.keys import KEY_TYPES, PREFIXES, mint
from gateway.usage_table import UsageTable

_HEX = "0123456789abcdef"
_PAGE = os.sysconf("SC_PAGE_SIZE")
_WARM_UP = 2_000
TOLD_EACH = 50_000
"""Requests after which whoever waits is told that it goes on."""


class Found(NamedTuple):
    """What came of it: outcomes, statements that the database was asked, and bytes of memory."""

    codes: dict[str, int]
    reads_for_malformed: int
    reads_for_unknown: int
    grown: int


def bombard(environ: Mapping[str, str], requests: int, seed: str, pipe: Connection) -> Found:
    """Send so many malformed keys, and then a fifth as many well-formed ones that nobody has."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the log
    service = build(Config.from_env(environ))
    chance, codes, reads = random.Random(seed), Counter[str](), 0

    def read(_: dict[str, Any]) -> None:
        nonlocal reads
        reads += 1

    driver(service.services.db).trace_v2(apsw.SQLITE_TRACE_STMT, read)
    for number in range(_WARM_UP):
        _send(service, chance, _malformed(chance) if number % 5 else mint(chance.choice(KEY_TYPES)))
    reads, before = 0, _memory()
    for number in range(requests):
        codes[_send(service, chance, _malformed(chance))] += 1
        if number % TOLD_EACH == 0:
            pipe.send(("state", "at work"))
    for_malformed, reads = reads, 0
    for _ in range(requests // 5):
        codes[_send(service, chance, mint(chance.choice(KEY_TYPES)))] += 1
    found = Found(dict(codes), for_malformed, reads, _memory() - before)
    service.close()
    return found


def counted(environ: Mapping[str, str]) -> int:
    """How many keys the table of the host has."""
    table = UsageTable(Config.from_env(environ).state_dir)
    try:
        return len(table.unstored(0.0))
    finally:
        table.close()


def _send(service: Service, chance: random.Random, raw_key: str) -> str:
    environ: dict[str, Any] = {
        "PATH_INFO": f"/v1/{_word(chance)}",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_X_FORWARDED_FOR": _address(chance),
        "HTTP_USER_AGENT": _word(chance) * chance.randint(1, 40),
        "HTTP_X_REQUEST_ID": _word(chance),
        "HTTP_X_API_KEY": raw_key,
    }
    setup_testing_defaults(environ)
    statuses: list[str] = []
    answer: Any = service(environ, lambda status, headers, exc_info=None: statuses.append(status))
    _consume(answer)
    return str(environ["vibekeys.outcome"])


def _consume(answer: Any) -> None:
    b"".join(answer)
    answer.close()


def _malformed(chance: random.Random) -> str:
    prefix = chance.choice(list(PREFIXES.values()))
    return chance.choice(
        (
            prefix + "".join(chance.choices(_HEX, k=64)),  # but for its checksum, as it should be
            prefix + "".join(chance.choices(_HEX, k=chance.randint(1, 200))),
            f'"{prefix}{_word(chance)}"',
            _word(chance),
        )
    )


def _word(chance: random.Random) -> str:
    return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(8, 40)))


def _address(chance: random.Random) -> str:
    if chance.random() < 0.5:
        return str(ipaddress.IPv4Address(chance.getrandbits(32)))
    return str(ipaddress.IPv6Address(chance.getrandbits(128)))


def _memory() -> int:
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * _PAGE
