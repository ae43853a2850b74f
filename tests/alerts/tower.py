"""From where alerts are watched for: an installation whose clock is moved by hand, without its web side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.alerts.watch import AlertWatch
from app.keyring import Issued
from app.models import Account, Alert, Key
from app.preferences import AccountPreferences
from app.usage.clients import network_of, source_of
from app.usage.rollup import Rollup
from app.usage.splits import store
from app.usage.tally import NETWORK, REFUSAL, Gathered
from app.usage.windows import hour_of
from gateway.usage_table import UsageTable
from tests.db.installation import CLI, Installation

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
MONDAY = 1_699_833_600.0
"""2023-11-13T00:00:00Z, a Monday."""
OFFICE, HOME, ABROAD = "192.0.2.17", "198.51.100.4", "2001:db8:7::1"


class Tower:
    """Uses keys, lets time pass, and looks, as the gateway, the worker and the clock do."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.installation = Installation(folder, **settings)
        self.clock = self.installation.clock
        self.clock.now = MONDAY
        self.preferences = AccountPreferences(self.installation.ledger, self.installation.secrets)
        self._table = UsageTable(self.installation.config.state_dir)
        db, ledger, config = self.installation.db, self.installation.ledger, self.installation.config
        self.rollup = Rollup(db, self._table, self.clock, config)
        self.watch = AlertWatch(db, ledger, config, self.clock, self._table.stored_at)
        self.account = self.installation.account("ada@example.com")
        self.look()  # nothing before the first look is told

    def close(self) -> None:
        self._table.close()
        self.installation.close()

    # --- what happens ----------------------------------------------------------------------------

    def key(self, owner: Account | None = None, **fields: Any) -> Issued:
        return self.installation.key(owner or self.account, **fields)

    def use(self, key: Key, times: int = 1, address: str = OFFICE) -> None:
        """Have requests with the key let in."""
        for _ in range(times):
            self._table.count(key.id, key.lineage_id, address, self.clock.now)
        self._note({(key.id, hour_of(self.clock.now), NETWORK, network_of(address)): times})

    def refuse(self, key: Key, code: str, times: int = 1) -> None:
        """Have requests with a key that is known refused."""
        self._note({(key.id, hour_of(self.clock.now), REFUSAL, code): times})

    def guess(self, key_prefix: str | None, times: int, address: str = ABROAD) -> None:
        """Have requests with wrong keys refused, which begin like that."""
        hour = hour_of(self.clock.now)
        gathered = Gathered(wrong_from={(source_of(address), hour): times})
        if key_prefix is not None:
            gathered.wrong_keys[key_prefix, hour, "INVALID_API_KEY"] = times
        store(self.installation.db, gathered)

    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    def set(self, **preferences: Any) -> None:
        self.preferences.change(CLI, self.account.id, **preferences)

    # --- what is seen ----------------------------------------------------------------------------

    def look(self) -> list[Alert]:
        """Do what the worker does each minute, and return the alerts that were opened by it, oldest first."""
        before = {alert.id for alert in Alert.select(Alert.id)}
        self.rollup.roll_up()
        self.watch.look()
        return [alert for alert in self.alerts() if alert.id not in before]

    def types(self) -> list[str]:
        """Look, and return of which types the new alerts are."""
        return sorted(alert.type for alert in self.look())

    def alerts(self) -> list[Alert]:
        return list(Alert.select().order_by(Alert.created_at, Alert.type, Alert.subject))

    def states(self) -> dict[str, str]:
        """The status of the newest alert of each type."""
        return {alert.type: alert.status for alert in self.alerts()}

    def use_daily(self, key: Key, days: int, times: int = 1, address: str = OFFICE) -> None:
        """Use the key at the same time on so many days, and look each time; nothing may come of it."""
        for _ in range(days):
            self.use(key, times, address)
            assert self.look() == []
            self.wait(DAY)

    def _note(self, splits: dict[tuple[str, int, str, str], int]) -> None:
        store(self.installation.db, Gathered(splits=splits))
