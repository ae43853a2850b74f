"""What many keys had today."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.models import Key, UsageDay, UsageSplitDay
from app.usage.today import Today, today_of
from app.usage.windows import DAY_MS
from tests.db.installation import Installation
from tests.db.statements import steps_of

DAY = 1_700_006_400_000  # 2023-11-15T00:00:00Z


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    yield made
    made.close()


def test_requests_and_refusals_of_the_keys_on_the_day_are_added_up(installation: Installation) -> None:
    owner = installation.account()
    first, second, other = (installation.key(owner).key.id for _ in range(3))
    for key_id, day, requests in (
        (first, DAY, 3),
        (second, DAY, 4),
        (first, DAY - DAY_MS, 9),
        (other, DAY, 5),
    ):
        UsageDay.create(key_id=key_id, starts_at=day, requests=requests)
        for kind, name in (("refusal", "RATE_LIMITED"), ("tool", "curl")):
            UsageSplitDay.create(key_id=key_id, starts_at=day, kind=kind, name=name, requests=requests)
    UsageSplitDay.create(key_id=first, starts_at=DAY, kind="refusal", name="IP_NOT_ALLOWED", requests=8)
    keys = Key.select().where(Key.id.in_([first, second]))

    refusals = [("IP_NOT_ALLOWED", 8), ("RATE_LIMITED", 7)]
    assert today_of(installation.db, keys, DAY + DAY_MS - 1) == Today(7, refusals)
    assert today_of(installation.db, keys, DAY + DAY_MS) == Today(0, [])


def test_it_costs_nothing_what_other_keys_had(installation: Installation) -> None:
    owner = installation.account()
    key_id = installation.key(owner).key.id
    keys = Key.select().where(Key.id == key_id)
    put(key_id, DAY)
    before = steps_of(installation.db, lambda: today_of(installation.db, keys, DAY))
    for number in range(100):
        put(f"other-{number}", DAY)
        put(key_id, DAY - (number + 1) * DAY_MS)
    assert steps_of(installation.db, lambda: today_of(installation.db, keys, DAY)) < before + 10


def put(key_id: str, day: int) -> None:
    """A request, and one that was refused."""
    UsageDay.create(key_id=key_id, starts_at=day, requests=1)
    UsageSplitDay.create(key_id=key_id, starts_at=day, kind="refusal", name="RATE_LIMITED", requests=1)
