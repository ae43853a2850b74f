"""An operator sees what a key does, soon, and all of it after a restart too."""

from __future__ import annotations

from pathlib import Path

import apsw

from tests.journeys.processes import running
from tests.serve.processes import eventually

TOLD_WITHIN = 10.0
_TOOLS = "SELECT sum(requests) FROM usage_split_day WHERE kind = 'tool' AND name = 'Go'"


def test_uses_are_told_soon_and_a_restart_loses_none(tmp_path: Path) -> None:
    with running(tmp_path / "state", WEB_CONCURRENCY="2") as installation:
        installation.command("accounts", "create", "--email", "ada@example.com", "--tier", "pro")
        holder = installation.holder("personal", "ada@example.com", "--integration", "cli")
        (shown,) = installation.command("keys", "list")

        def told() -> int:
            return int(installation.command("keys", "show", shown["id"])["requestCount"])

        def use(times: int) -> None:
            for _ in range(times):
                assert holder.call("GET", "/v1/me", **{"User-Agent": "Go-http-client/1.1"}).status == 200

        assert (shown["requestCount"], shown["lastUsedAt"], shown["lastUsedIp"]) == (0, None, None)
        use(30)
        eventually(lambda: told() == 30, "30 uses are told", TOLD_WITHIN)
        assert installation.command("keys", "show", shown["id"])["lastUsedIp"] == "127.0.0.1"

        use(20)
        assert installation.service.stop() == 0
        installation.service.start()
        eventually(lambda: told() == 50, "50 uses are told", TOLD_WITHIN)
        (tools,) = apsw.Connection(f"{tmp_path}/state/vibekeys.db").execute(_TOOLS).fetchone() or (0,)
        assert tools == 50
