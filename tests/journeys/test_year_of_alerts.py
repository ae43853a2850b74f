"""A year of two accounts: steady work, now and then something that they are told of, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from app.models import Mail
from tests.alerts.tower import ABROAD, DAY, HOME, HOUR, MINUTE, MONDAY, OFFICE, Tower
from tests.db.installation import CLI

OFFICE_HOURS = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "18:00"}


class Year:
    """Lets a year go by, hour by hour.

    Ada's build runs day and night. Bob works within his hours, on Fridays at home.
    """

    def __init__(self, tower: Tower) -> None:
        self.tower = tower
        bob = tower.installation.account("bob@example.com")
        operator = tower.installation.account("operator@example.com", operator=True)
        self.names = {tower.account.id: "ada", bob.id: "bob", operator.id: "operator"}
        tower.preferences.change(CLI, bob.id, timezone="Europe/Berlin", business_hours=OFFICE_HOURS)
        self.build = tower.key(name="build").key
        self.desk = tower.key(bob, name="desk", expires_at=tower.clock.ms + int(300 * DAY * 1000)).key
        self.forgotten = self.build
        self.opened: list[tuple[int, str, str]] = []
        self.events: Mapping[tuple[int, int], Callable[[], object]] = {
            (10, 13): self.make_a_key_and_forget_it,
            (60, 13): lambda: tower.use(self.build, 490),  # a loop that does not end
            (80, 13): self.rotate,
            (110, 13): lambda: tower.installation.change(self.forgotten, status="REVOKED"),
            (120, 13): lambda: tower.use(self.build, 5, ABROAD),  # another provider
            (121, 13): lambda: tower.use(self.build, 5, ABROAD),
            (160, 13): self.rotate,
            (200, 22): lambda: tower.use(self.desk, 2),  # a Friday's night
            (240, 13): self.rotate,
            (250, 13): lambda: tower.guess(self.build.key_prefix, 400, "203.0.113.66"),
            (318, 13): self.rotate,
        }

    def go_by(self) -> None:
        """From one Monday to a Monday a year later."""
        for day in range(365):
            for hour in range(24):
                self.tower.clock.now = MONDAY + day * DAY + hour * HOUR
                self._work(day, hour)
                event = self.events.get((day, hour))
                if event is not None:
                    event()
                if event is not None or hour % 12 == 5:
                    self._look(day)

    def _work(self, day: int, hour: int) -> None:
        self.tower.use(self.build, 10)
        if day % 7 < 5 and 8 <= hour < 16 and day < 300:  # within Bob's hours in summer and in winter
            self.tower.use(self.desk, 3, HOME if day % 7 == 4 else OFFICE)

    def _look(self, day: int) -> None:
        self.tower.wait(50 * MINUTE)
        new = [(day, self.names[alert.account_id], alert.type) for alert in self.tower.look()]
        self.opened += sorted(new)

    def rotate(self) -> None:
        self.build = self.tower.installation.rotate(self.build).key
        if self.desk.expires_at is not None and self.desk.expires_at > self.tower.clock.ms:
            self.desk = self.tower.installation.rotate(self.desk).key

    def make_a_key_and_forget_it(self) -> None:
        self.forgotten = self.tower.key(name="forgotten").key


@pytest.fixture
def year(tmp_path: Path) -> Iterator[Year]:
    tower = Tower(tmp_path)
    yield Year(tower)
    tower.close()


def test_exactly_the_right_alerts_and_no_other(year: Year) -> None:
    year.go_by()

    assert year.opened == [
        (4, "bob", "NEW_LOCATION"),
        (60, "ada", "SPIKE"),
        (100, "ada", "ROTATION_DUE"),
        (120, "ada", "NEW_LOCATION"),
        (200, "bob", "AFTER_HOURS"),
        (250, "ada", "AUTH_FAILURES"),
        (250, "operator", "AUTH_FAILURES"),
        (293, "bob", "EXPIRING"),
    ]
    alerts = year.tower.alerts()
    assert {alert.status for alert in alerts} == {"CLOSED"}
    mailed = Mail.select().order_by(Mail.created_at, Mail.recipient)
    assert [mail.recipient.partition("@")[0] for mail in mailed] == [name for _, name, _ in year.opened]
    facts = {alert.type: alert.facts for alert in alerts if alert.account_id == year.tower.account.id}
    assert (facts["SPIKE"]["request_count"], facts["SPIKE"]["mean"]) == (500, 10.0)
    assert facts["NEW_LOCATION"]["network"] == "2001:db8:7::/48"
    assert facts["AUTH_FAILURES"]["failures"] == 400
    assert facts["ROTATION_DUE"]["key_name"] == "forgotten"
