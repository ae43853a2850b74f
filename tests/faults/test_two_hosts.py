"""Two hosts, one database, one Redis: the host that changes something has lost Redis, the other has not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.host_table import HostTable
from tests.conftest import ValkeyServer
from tests.faults.crowd import until
from tests.faults.figures import Figures
from tests.faults.service import Installation, Server, installation

CHANGES = 5
FOLLOWS_WITHIN = 2.0


@pytest.fixture
def made(tmp_path: Path, valkey_server: ValkeyServer) -> Iterator[Installation]:
    with installation(
        tmp_path, valkey_server, servers=1, portal_keys=CHANGES, SECRET_KEY="the same on both"
    ) as made:
        yield made


def _cut_off(way: Path, valkey: ValkeyServer) -> None:
    """Take away one host's way to Redis, and end all connections that there are."""
    way.unlink(missing_ok=True)
    valkey.client().client_kill_filter(_type="normal", skipme=True)


def test_the_other_host_follows_a_change_that_could_not_be_published(
    made: Installation, valkey_server: ValkeyServer, tmp_path: Path, figures: Figures
) -> None:
    folder, way = tmp_path / "second-host", tmp_path / "redis-of-the-second.sock"
    folder.mkdir()
    way.symlink_to(valkey_server.folder / "redis.sock")
    changing = Server(
        {**made.environ, "STATE_DIR": str(folder), "REDIS_URL": f"unix://{way}"}, tmp_path / "second.log"
    )
    made.servers.append(changing)
    changing.wait()
    slowest = 0.0
    with (
        closing(HostTable(tmp_path)) as host,
        closing(changing.caller()) as there,
        closing(made.servers[0].caller()) as here,
    ):
        _cut_off(way, valkey_server)
        for raw_key, key_id in made.made["keys"].items():
            assert here.call("GET", "/v1/me", raw_key).status == 200
            until(host.is_believed, "Redis decides on the other host")
            revoked = there.call(
                "PATCH", f"/v1/keys/{key_id}", made.made["management_key"], {"status": "REVOKED"}
            )
            answered = time.monotonic()
            assert revoked.status == 200
            assert there.call("GET", "/v1/me", raw_key).code == "KEY_REVOKED"
            until(
                lambda raw_key=raw_key: here.call("GET", "/v1/me", raw_key).code == "KEY_REVOKED",
                "it follows",
            )
            slowest = max(slowest, time.monotonic() - answered)
    figures.add(
        "Q3",
        "changes of a host without Redis that the other followed too late",
        sum([slowest > FOLLOWS_WITHIN]),
        CHANGES,
        f"{slowest:.1f} s at the longest",
    )
    assert slowest < FOLLOWS_WITHIN
