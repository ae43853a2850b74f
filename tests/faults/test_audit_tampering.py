"""Q11: whoever can write into the database can change the audit log, and is found out every time."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from app import audit
from app.ledger import Actor
from app.models import Key
from tests.db.installation import Installation
from tests.faults.figures import Figures

TAMPERINGS, IN_A_SOAK = 500, 10_000
ROWS = 60

COLUMNS = ("at", "actor_kind", "actor_account_id", "actor_key_id", "address", "action")
COLUMNS += ("target_kind", "target_id", "before", "after", "mac")
NOT_UTF8 = "CAST(x'ff' AS TEXT)"

Found = tuple[int, bool]
"""The first row that is broken, and whether that shows only against the head in the service's log."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation whose log has rows of accounts, portals and keys, by the operator and by a key."""
    installation = Installation(tmp_path_factory.mktemp("audited"))
    owner = installation.account()
    installation.portal(owner)
    key = installation.key(owner).key
    actor = Actor("key", account_id=owner.id, key_id=key.id, address="192.0.2.7")
    for number in range(5, ROWS + 1):
        installation.clock.now += 0.5
        installation.keyring.change(actor, Key.select(), key.id, {"name": f"name {number}"})
    # What CHECK forbids, a tool that does not ask for it can still write.
    installation.db.execute_sql("PRAGMA ignore_check_constraints = 1")
    yield installation
    installation.close()


def test_every_tampering_is_found_and_its_first_row_named(
    log: Installation, figures: Figures, soak: bool
) -> None:
    tamper, missed, kinds = Tamper(log, random.Random(figures.seed)), [], Counter[str]()
    tries = IN_A_SOAK if soak else TAMPERINGS
    assert audit.verify(log.secrets, tamper.head) == audit.Verdict(*tamper.head)
    for number in range(tries):
        act = tamper.kinds[number % len(tamper.kinds)]
        with log.db.atomic() as transaction:
            what, (first, only_by_head) = act()
            verdict = audit.verify(log.secrets, tamper.head if only_by_head else None)
            transaction.rollback()
        kinds[act.__name__] += 1
        if (verdict.broken, verdict.rows) != (first, first - 1):
            missed.append(f"{what}: {verdict}")
    each = ", ".join(f"{kind} {number}" for kind, number in kinds.items())
    figures.add("Q11", "tamperings of the audit log found", tries - len(missed), tries, each)
    assert missed == []
    assert audit.verify(log.secrets, tamper.head) == audit.Verdict(*tamper.head)


class Tamper:
    """Ways to change the log without the secret. Each tells what it did, and what `verify` has to find."""

    def __init__(self, log: Installation, draw: random.Random) -> None:
        self._log, self._draw = log, draw
        self.head: tuple[int, str] = self._sql("SELECT seq, mac FROM audit ORDER BY seq DESC LIMIT 1")[0]
        assert self.head[0] == ROWS
        self.kinds = (self.alter, self.remove, self.swap, self.move, self.insert, self.cut, self.write_anew)

    def alter(self) -> tuple[str, Found]:
        """Change one column of one row, if only its type or its spelling."""
        seq, column = self._row(), self._draw.choice(COLUMNS)
        stored = f"SELECT {column}, typeof({column}) FROM audit WHERE seq = {seq}"
        ((old, old_type),) = self._sql(stored)
        value = self._draw.choice(self._other_values(column, old))
        if value == NOT_UTF8:
            self._sql(f"UPDATE audit SET {column} = {NOT_UTF8} WHERE seq = {seq}")
        else:
            self._sql(f"UPDATE audit SET {column} = ? WHERE seq = {seq}", value)
            if self._sql(stored) == [(old, old_type)]:
                return self.alter()  # the column has made of it what was there
        return f"{column} of {seq} from {old!r} to {value!r}", (seq, False)

    def remove(self) -> tuple[str, Found]:
        """Take one row out; the later ones may move up."""
        seq, moves_up = self._row(), self._draw.random() < 0.5
        self._sql(f"DELETE FROM audit WHERE seq = {seq}")
        if moves_up:
            self._renumber(seq + 1, ROWS, -1)
        return f"{seq} removed, the rest {'moves up' if moves_up else 'stays'}", (seq, seq == ROWS)

    def swap(self) -> tuple[str, Found]:
        """Let two rows change their places."""
        first, second = sorted(self._draw.sample(range(1, ROWS + 1), 2))
        for old, new in ((first, -1), (second, first), (-1, second)):
            self._sql(f"UPDATE audit SET seq = {new} WHERE seq = {old}")
        return f"{first} and {second} swapped", (first, False)

    def move(self) -> tuple[str, Found]:
        """Put one row elsewhere, and those between one place on."""
        seq, place = self._draw.sample(range(1, ROWS + 1), 2)
        self._sql(f"UPDATE audit SET seq = -1 WHERE seq = {seq}")
        if seq < place:
            self._renumber(seq + 1, place, -1)
        else:
            self._renumber(place, seq - 1, 1)
        self._sql(f"UPDATE audit SET seq = {place} WHERE seq = -1")
        return f"{seq} moved to {place}", (min(seq, place), False)

    def insert(self) -> tuple[str, Found]:
        """Put in one row more, a copy of another or one made up: between two, before all, or at the end."""
        place = self._draw.randint(0, ROWS + 1)
        # Of two copies of the row that stood here, the first would be in its right place.
        copied = self._draw.choice([seq for seq in range(1, ROWS + 1) if seq != place])
        if place:
            self._renumber(place, ROWS, 1)
            copied += copied >= place
        names = ", ".join(COLUMNS)
        self._sql(f"INSERT INTO audit (seq, {names}) SELECT {place}, {names} FROM audit WHERE seq = {copied}")
        if self._draw.random() < 0.5:
            self._sql(f"UPDATE audit SET mac = ?, after = '{{}}' WHERE seq = {place}", self._hex())
        return f"a copy of {copied} put in at {place}", (max(place, 1), False)

    def cut(self) -> tuple[str, Found]:
        """Cut the end off."""
        last = self._draw.randrange(ROWS)
        self._sql(f"DELETE FROM audit WHERE seq > {last}")
        return f"cut after {last}", (last + 1, True)

    def write_anew(self) -> tuple[str, Found]:
        """Cut the end off, and let the service itself go on from there."""
        last = self._draw.randrange(4, ROWS)
        self._sql(f"DELETE FROM audit WHERE seq > {last}")
        more = self._draw.randint(1, ROWS - last + 3)
        key = Key.select().get()
        for number in range(more):
            self._log.change(key, name=f"anew {number}")
        return f"cut after {last}, then {more} more", (min(last + more + 1, ROWS), True)

    def _row(self) -> int:
        return self._draw.randint(1, ROWS)

    def _hex(self) -> str:
        return f"{self._draw.getrandbits(256):064x}"

    def _renumber(self, first: int, last: int, by: int) -> None:
        # In two steps: on their way no two rows may have one number.
        self._sql(f"UPDATE audit SET seq = -1000 - seq WHERE seq BETWEEN {first} AND {last}")
        self._sql(f"UPDATE audit SET seq = -1000 - seq + {by} WHERE seq <= -1000")

    def _other_values(self, column: str, old: Any) -> list[Any]:
        if column == "at":
            return [old - 1, old + 1, old // 1000, 0, -old, old + 0.5, "noon", str(old).encode(), 2**63 - 1]
        ((another,),) = self._sql(f"SELECT {column} FROM audit ORDER BY random() LIMIT 1")
        values = ["", " ", "null", "\N{LATIN SMALL LETTER E WITH ACUTE}", self._hex(), NOT_UTF8, another]
        if old is not None:
            values += [f"{old} ", f" {old}", f"{old}\0", old[:-1], old[1:], old.swapcase(), old.encode()]
        if column in ("actor_account_id", "actor_key_id", "address", "before", "after"):
            values.append(None)
        if column in ("before", "after") and old is not None:
            values += [json.dumps(json.loads(old)), json.dumps({**json.loads(old), "more": 1})]
        return [value for value in values if value is not None or column not in ("mac", "actor_kind")]

    def _sql(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._log.db.execute_sql(sql, values).fetchall()
        return rows
