"""Keys of an older system by the hundred thousand: each is there afterwards, and accepted by its hash."""

from __future__ import annotations

import io
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

from app.legacy_import import LegacyImport
from app.models import Key
from gateway.keys import digest
from tests.db.installation import CLI, Installation
from tests.faults.figures import Figures

KEYS, IN_A_SOAK = 20_000, 1_000_000
OWNERS = 10
SAMPLE = 500


def lines(number: int) -> Iterator[bytes]:
    for place in range(number):
        fields = {
            "sha256": digest(f"old-{place}"),
            "prefix": f"old_{place % 0xFFFFFF:06x}",
            "name": f"Key {place} of the old system",
            "owner": f"owner-{place % OWNERS}@example.com",
        }
        yield json.dumps(fields).encode() + b"\n"


def test_every_key_of_a_long_file_is_taken_over(tmp_path: Path, figures: Figures, soak: bool) -> None:
    number, chance = IN_A_SOAK if soak else KEYS, random.Random(figures.seed)
    installation = Installation(tmp_path)
    for owner in range(OWNERS):
        installation.account(f"owner-{owner}@example.com")
    file = io.BytesIO(b"".join(lines(number)))
    importing = LegacyImport(installation.db, installation.ledger, None)

    began = time.monotonic()
    importing.read(file, lambda _: None)
    read = time.monotonic()
    imported = importing.store(CLI, lambda _: None)
    stored = time.monotonic()

    assert imported == (number, OWNERS)
    lost = number - Key.select().where(Key.is_legacy).count()
    for place in chance.sample(range(number), SAMPLE):
        snapshot = installation.source.lookup(digest(f"old-{place}"))
        lost += snapshot is None or snapshot.key.name != f"Key {place} of the old system"
    shown = f"read in {read - began:.1f} s, then the database was locked for {stored - read:.1f} s"
    figures.add("Legacy", "keys of an older system not taken over", lost, number, shown)
    assert lost == 0
    installation.close()
