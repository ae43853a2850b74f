"""One account with keys that were used in a way that each test says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.attention import Found, Kind, mends_of, survey
from app.attention.mends import Mends
from app.models import Key, UsageAction, UsageKey, UsageSplitDay
from app.usage.windows import DAY_MS, begin
from app.visible_keys import every_key_of
from tests.db.installation import Installation

WHITELIST = ["192.0.2.0/24"]


class Desk:
    """An account and its keys. Days are counted back from now."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.owner = installation.account()

    def key(self, *, age: int = 1, **fields: object) -> Key:
        """A key that needs nothing unless `fields` say otherwise, made so many days ago."""
        clock = self.installation.clock
        now = clock.now
        clock.now -= age * DAY_MS / 1000
        expires_at = int(now * 1000) + 400 * DAY_MS
        fields = {"ip_whitelist": WHITELIST, "expires_at": expires_at, **fields}
        key = self.installation.key(self.owner, **fields).key
        clock.now = now
        return key

    def use(
        self, key: Key, *, days_ago: int = 0, action: str = "GET /api/v1/api-keys", network: str = ""
    ) -> None:
        """Let a key have called a route, from a network if one is named."""
        at = self.installation.clock.ms - days_ago * DAY_MS
        day, columns = begin(at, DAY_MS), {"lineage_id": key.lineage_id, "requests": 1}
        used, _ = UsageKey.get_or_create(key_id=key.id, defaults={**columns, "last_used_at": at})
        used.last_used_at = max(used.last_used_at, at)
        called, _ = UsageAction.get_or_create(key_id=key.id, name=action, defaults={"starts_at": day})
        called.starts_at = max(called.starts_at, day)
        for row in (used, called):
            row.save()
        if network:
            UsageSplitDay.create(key_id=key.id, starts_at=day, kind="network", name=network, requests=1)

    def found(self, most: int = 5, skipped: int = 0) -> dict[Kind, Found]:
        now_ms = self.installation.clock.ms
        return survey(self.installation.db, every_key_of(self.owner.id), now_ms, most=most, skipped=skipped)

    def kinds(self, key: Key) -> set[Kind]:
        return {kind for kind, found in self.found(most=100).items() if key.id in found.key_ids}

    def mends(self, kind: Kind, *keys: Key) -> Mends:
        now_ms = self.installation.clock.ms
        return mends_of(self.installation.db, every_key_of(self.owner.id), kind, keys, now_ms)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    installation = Installation(tmp_path)
    yield Desk(installation)
    installation.close()
