"""Memory of gunicorn's worker, with the pages that it shares counted in part (Linux)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bench.table import print_table


def print_memory(masters: Mapping[str, int]) -> None:
    """Print what the one worker of each gunicorn takes; where the kernel does not tell, print nothing."""
    if not Path("/proc/self/smaps_rollup").exists():
        return
    rows = []
    for name, master in masters.items():
        (worker,) = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        rollup = Path(f"/proc/{worker}/smaps_rollup").read_text()
        proportional, resident = (_megabytes(rollup, field) for field in ("Pss", "Rss"))
        rows.append([name, f"{resident:.0f}", f"{proportional:.0f}"])
    print_table("Memory of one worker, MB", ("", "resident", "proportional"), rows)


def _megabytes(rollup: str, field: str) -> float:
    found = re.search(rf"^{field}: +(\d+) kB$", rollup, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024
