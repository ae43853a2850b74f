"""Q8: keys that are none, from anywhere, cost no memory, and malformed ones no look at the database."""

from __future__ import annotations

from pathlib import Path

from tests.faults import changer
from tests.faults.crowd import Child, in_a_process
from tests.faults.figures import Figures
from tests.faults.junk import bombard, counted
from tests.serve.processes import environment

_MIB = 2**20
GROWN_AT_MOST = 10 * _MIB


def test_junk_keys_cost_no_memory_and_malformed_ones_no_look_up(
    valkey_url: str, tmp_path: Path, figures: Figures, soak: bool
) -> None:
    requests = 1_000_000 if soak else 50_000
    environ = environment(tmp_path, REDIS_URL=valkey_url, TRUSTED_PROXIES="127.0.0.1", LOG_FORMAT="json")
    in_a_process(changer.install, environ, 1)

    bombarding = Child(bombard, environ, requests, f"{figures.seed}")
    while (found := bombarding.received()) == "at work":
        pass
    bombarding.end()

    figures.add(
        "Q8",
        "reads of the database for malformed keys",
        found.reads_for_malformed,
        requests,
        f"{requests // 5:,} unknown ones besides, memory of a worker grown by {found.grown / _MIB:.1f} MiB",
    )
    assert set(found.codes) <= {"INVALID_API_KEY", "AUTH_ATTEMPTS_LIMITED"}
    assert found.reads_for_malformed == 0
    assert found.reads_for_unknown >= requests // 5, "reads are noticed"
    assert found.grown < GROWN_AT_MOST
    assert counted(environ) == 0
