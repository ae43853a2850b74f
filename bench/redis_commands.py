"""Commands that the Redis server gets for each warm request, counted by the server.

``MONITOR`` shows each command as the server begins it, with the client that sent it; what a script calls
inside the server is shown as coming from ``lua``, and is no command of a client's.
"""

from __future__ import annotations

from collections.abc import Mapping

import redis

from app.valkey import embedded_redis_url
from bench.http_client import Client
from bench.installation import Installation
from bench.table import print_aims, print_table

_REQUESTS = 500


def run(installation: Installation, clients: Mapping[str, Client]) -> None:
    """Count and print."""
    url = embedded_redis_url(installation.config)
    found = {name: _commands(url, client) for name, client in clients.items()}
    print_table(
        f"Redis commands a warm request, counted by the server over {_REQUESTS} requests (MONITOR)",
        ("", "from clients", "inside scripts"),
        [[name, f"{sent:.2f}", f"{inside:.2f}"] for name, (sent, inside) in found.items()],
    )
    print_aims(
        [
            (f"{name}: exactly 1", sent, sent == 1)
            for name, (sent, _) in found.items()
            if name.startswith("gateway")
        ]
    )


def _commands(url: str, client: Client) -> tuple[float, float]:
    """Return the commands a request: those that clients sent, and those that scripts called."""
    client.send(20)  # connections and records are warm then
    with redis.Redis.from_url(url) as observer, redis.Redis.from_url(url) as marker:
        marker.ping()
        with observer.monitor() as monitor:
            client.send(_REQUESTS)
            marker.echo("end")
            sent = inside = 0
            while (seen := monitor.next_command())["command"] != "ECHO end":
                if seen["client_type"] == "lua":
                    inside += 1
                else:
                    sent += 1
    return sent / _REQUESTS, inside / _REQUESTS
