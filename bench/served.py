"""Requests a second under gunicorn: one worker, one client, one request at a time, all on one core.

gunicorn has the settings that `vibekeys run` serves with, for every stack alike.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from bench import redis_commands, stacks
from bench.children import child, python, wait_until
from bench.http_client import Client
from bench.installation import Installation
from bench.memory import print_memory
from bench.rounds import Rounds, in_turns
from bench.table import print_aims, print_table, shown

ROUNDS = 11
_SLICE = 0.5  # seconds that each stack is asked in each round

CANNED, BARE, TRIP, TIER, FULL, TODAY, SERVICE = (
    "client and kernel alone (canned answer)",
    "bare Flask",
    "bare Flask after one INCR, raw socket",
    "gateway, tier limit",
    "gateway, 3 limits, 1,000 networks",
    "today's stack, 2 limits, 3 networks",
    "whole service, GET /v1/me",
)
_OF_BARE, _OF_TODAY = 0.75, 3.0

Address = tuple[str, int]
Server = tuple[Address, subprocess.Popen[bytes]]
"""The address that it listens on, and its (first) process."""


def run(installation: Installation) -> None:
    """Measure and print."""
    plain, full = installation.key_tier_only, installation.key_full
    with ExitStack() as running:
        canned, _ = running.enter_context(_canned(installation))
        bare, _ = running.enter_context(gunicorn(installation, "bare"))
        trip, _ = running.enter_context(gunicorn(installation, "one_trip"))
        guarded, guard = running.enter_context(gunicorn(installation, "gateway"))
        todays, team = running.enter_context(gunicorn(installation, "todays"))
        whole, service = running.enter_context(gunicorn(installation, "service"))
        clients = {
            CANNED: Client(canned, stacks.PATH, plain),
            BARE: Client(bare, stacks.PATH, plain),
            TRIP: Client(trip, stacks.PATH, plain),
            TIER: Client(guarded, stacks.PATH, plain),
            FULL: Client(guarded, stacks.PATH, full),
            TODAY: Client(todays, stacks.PATH, plain),
            SERVICE: Client(whole, "/v1/me", plain),
        }
        rounds = in_turns(
            {name: lambda c=client: c.requests_per_second(_SLICE) for name, client in clients.items()},  # type: ignore[misc]
            ROUNDS,
        )
        _print(rounds)
        redis_commands.run(installation, {name: clients[name] for name in (BARE, TIER, FULL, TODAY, SERVICE)})
        print_memory({"gateway": guard.pid, "today's stack": team.pid, "whole service": service.pid})


def _print(rounds: Rounds) -> None:
    print_table(
        "Under gunicorn, requests a second; server, Redis and client on one core, concurrency 1",
        ("", "median", "min – max", "of bare", "× today's", "added, µs"),
        [_row(rounds, name) for name in (CANNED, BARE, TRIP, TIER, FULL, TODAY, SERVICE)],
    )
    aims = []
    for name in (TIER, FULL):
        of_bare, of_today = rounds.ratio(name, BARE).median, rounds.ratio(name, TODAY).median
        aims += [
            (f"{name}: at least {_OF_BARE} of bare Flask", of_bare, of_bare >= _OF_BARE),
            (f"{name}: at least {_OF_TODAY:g} times today's stack", of_today, of_today >= _OF_TODAY),
        ]
    print_aims(aims)


def _row(rounds: Rounds, name: str) -> list[str]:
    of_bare, of_today = rounds.ratio(name, BARE).median, rounds.ratio(name, TODAY).median
    added = 1e6 / rounds.of(name).median - 1e6 / rounds.of(BARE).median
    return [
        name,
        *shown(rounds.of(name), 0),
        f"{of_bare:.2f}",
        f"{of_today:.2f}",
        "" if name in (CANNED, BARE) else f"{added:,.0f}",
    ]


@contextmanager
def gunicorn(installation: Installation, stack: str) -> Iterator[Server]:
    """Serve a stack; yield its address and gunicorn's master."""
    command = ["-m", "gunicorn", "--config", "python:app.serve.gunicorn_settings", f"bench.stacks:{stack}()"]
    with _serving(installation, command, "--bind=fd://{}") as served:
        yield served


@contextmanager
def _canned(installation: Installation) -> Iterator[Server]:
    with _serving(installation, ["-m", "bench.canned_server"], "{}") as served:
        yield served


@contextmanager
def _serving(installation: Installation, arguments: list[str], descriptor: str) -> Iterator[Server]:
    """Run a server on a socket that it inherits, so that no other program can take its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address: Address = listener.getsockname()
        number = listener.fileno()
        command = python(*arguments, descriptor.format(number))
        with child(command, installation.log, inherits=[number]) as process:
            listener.close()
            wait_until(lambda: _answers(address), process, installation.log)
            yield address, process


def _answers(address: tuple[str, int]) -> bool:
    with suppress(OSError), socket.create_connection(address, timeout=10) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return connection.recv(65536).startswith(b"HTTP/1.1 ")
    return False
