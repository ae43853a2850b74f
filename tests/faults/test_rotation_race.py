"""Q5: fifty clients rotate one key at once: one of them does, and the lineage always has a working key."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest

from tests.conftest import ValkeyServer
from tests.faults.figures import Figures
from tests.faults.service import Answer, Installation, installation

CLIENTS = 50

_VALID = """
    SELECT count(*) FROM "key" WHERE lineage_id = ?1 AND NOT revoked
    AND (expires_at IS NULL OR expires_at > ?2) AND (grace_ends_at IS NULL OR grace_ends_at > ?2)"""


class Sampler(threading.Thread):
    """Counts the valid keys of a lineage, all read at one moment, over and over again."""

    def __init__(self, database: Path, lineage_id: str) -> None:
        super().__init__()
        self._database, self._lineage_id = database, lineage_id
        self._over = threading.Event()
        self.found: Counter[int] = Counter()

    def run(self) -> None:
        connection = apsw.Connection(str(self._database), flags=apsw.SQLITE_OPEN_READONLY)
        while not self._over.wait(0.001):
            now_ms = int(time.time() * 1000)
            self.found[connection.execute(_VALID, (self._lineage_id, now_ms)).fetchone()[0]] += 1
        connection.close()

    def stop(self) -> None:
        self._over.set()
        self.join()


def _rotate_at_once(made: Installation, key_id: str, body: dict[str, float]) -> list[Answer]:
    callers = [made.servers[number % len(made.servers)].caller() for number in range(CLIENTS)]
    start = threading.Barrier(CLIENTS)

    def rotate(number: int) -> Answer:
        start.wait()
        return callers[number].call("POST", f"/v1/keys/{key_id}/rotate", made.made["management_key"], body)

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(rotate, range(CLIENTS)))
    for caller in callers:
        caller.close()
    return answers


@pytest.mark.parametrize("grace_hours", [24, 0])
def test_one_of_fifty_rotates_wins_and_there_is_always_a_working_key(
    grace_hours: int, valkey_server: ValkeyServer, tmp_path: Path, figures: Figures, soak: bool
) -> None:
    rounds = 100 if soak else 2
    winners: Counter[int] = Counter()
    codes: Counter[str] = Counter()
    valid: Counter[int] = Counter()
    with installation(tmp_path, valkey_server, servers=2, portal_keys=rounds) as made:
        callers = [server.caller() for server in made.servers]
        for old, key_id in made.made["keys"].items():
            sampler = Sampler(tmp_path / "vibekeys.db", key_id)
            sampler.start()
            answers = _rotate_at_once(made, key_id, {"graceHours": grace_hours})
            won = [answer for answer in answers if answer.status == 201]
            new = won[0].json["data"]["rawKey"]
            found = [[caller.call("GET", "/v1/me", key).code for key in (old, new)] for caller in callers]
            sampler.stop()
            winners[len(won)] += 1
            codes.update(answer.code for answer in answers)
            valid.update(sampler.found)
            assert found == [["ok" if grace_hours else "KEY_ROTATED", "ok"]] * 2
        for caller in callers:
            caller.close()
    figures.add(
        "Q5",
        f"winners among {CLIENTS} rotates at once, grace {grace_hours} h",
        f"{min(winners)} to {max(winners)}",
        rounds,
        f"{min(valid)} to {max(valid)} valid keys in {valid.total():,} samples",
    )
    assert set(winners) == {1}
    assert set(codes) == {"ok", "KEY_ALREADY_ROTATED"}
    assert set(valid) == ({1, 2} if grace_hours else {1})
