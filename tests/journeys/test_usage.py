"""An operator sees what a key does, soon, and all of it after a restart too."""

from __future__ import annotations

from pathlib import Path

import apsw

from tests.journeys.processes import running
from tests.serve.processes import eventually

STORED_WITHIN = 10.0
_STORED = "SELECT requests FROM usage_key"
_OF_GO = "SELECT sum(requests) FROM usage_split_day WHERE kind = 'tool' AND name = 'Go'"


def test_uses_are_told_soon_and_a_restart_loses_none(tmp_path: Path) -> None:
    with running(tmp_path / "state", WEB_CONCURRENCY="2") as installation:
        installation.command("accounts", "create", "--email", "ada@example.com", "--tier", "pro")
        holder = installation.holder("personal", "ada@example.com", "--integration", "cli")
        database = apsw.Connection(f"{tmp_path}/state/vibekeys.db")

        def use(times: int) -> None:
            for _ in range(times):
                assert holder.call("GET", "/v1/me", **{"User-Agent": "Go-http-client/1.1"}).status == 200

        use(30)
        eventually(lambda: database.execute(_STORED).get == 30, "30 uses are stored", STORED_WITHIN)
        use(20)
        assert installation.service.stop() == 0
        installation.service.start()
        eventually(lambda: database.execute(_STORED).get == 50, "50 uses are stored", STORED_WITHIN)

        assert database.execute(_OF_GO).get == 50
        (shown,) = installation.command("keys", "list")
        assert (shown["requestCount"], shown["lastUsedIp"]) == (50, "127.0.0.1")
        database.close()
