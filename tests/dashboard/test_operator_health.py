"""Whether the service is well, as operators are told."""

from __future__ import annotations

from contextlib import closing

import pytest
from peewee import OperationalError

from app.mail.delivery import waiting
from app.models import Mail, new_id
from gateway.usage_table import UsageTable
from tests.api.world import Service
from tests.dashboard.browser import Browser
from tests.dashboard.pages_of_keys import text_of

HEALTH = "/dashboard/operator/health"
QUICK = (
    "State dir",
    "Secret",
    "Proxies",
    "Schema",
    "Disk",
    "Redis",
    "Redis records",
    "Publishing",
    "Outbox",
    "Usage",
)
SLOW = ("Database", "Integrity", "Audit", "Smtp")


@pytest.fixture(autouse=True)
def stored(service: Service) -> None:
    """A worker has stored just now what was counted."""
    with closing(UsageTable(service.config.state_dir)) as table:
        now = service.clock.now
        table.note_stored(table.unstored(now), now)
        table.note_all_stored(now)


def test_a_service_that_is_well(service: Service, operator: Browser) -> None:
    service.config.state_dir.chmod(0o700)
    text = text_of(operator.get(HEALTH))
    assert "Wrong" not in text
    assert "Decides about keys and limits Redis" in text
    assert "External, by REDIS_URL" in text
    assert f"File {service.config.database_path}" in text
    assert all(f"Ok {check} :" in text for check in QUICK)
    assert not any(f"Ok {check} :" in text for check in SLOW)


def test_the_slow_checks_are_made_when_they_are_asked_for(service: Service, operator: Browser) -> None:
    text = text_of(operator.post(HEALTH))
    assert all(f"Ok {check} :" in text for check in (*QUICK[1:], *SLOW))
    assert "Check database, audit log" not in text


def test_a_redis_that_is_not_believed_is_told_with_what_holds(
    service: Service, operator: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The service's own watch would believe it again in a tenth of a second.
    monkeypatch.setattr(service.services.trust, "believed", lambda: False)
    assert "Not Redis It is away, or not up to date: REDIS_DOWN=local holds." in text_of(operator.get(HEALTH))


def test_a_secret_that_others_can_read_comes_first_with_what_to_do(
    service: Service, operator: Browser
) -> None:
    secret = service.config.state_dir / "secret.key"
    secret.chmod(0o640)
    try:
        text = text_of(operator.get(HEALTH))
    finally:
        secret.chmod(0o600)
    _, _, checks = text.partition(" Checks ")
    assert checks.index("Wrong Secret :") < checks.index("Ok ")
    assert f"What to do: chmod 600 {secret}" in checks


def test_what_waits_for_the_worker_is_counted(service: Service, operator: Browser) -> None:
    now_ms = int(service.clock.now * 1000)
    fields = {"kind": "x", "ref": "x", "recipient": "x", "subject": "x", "body": "x", "created_at": now_ms}
    mail = Mail.create(
        id=new_id(now_ms), attempts=1, failed_at=now_ms, last_error="no such mailbox", **fields
    )
    waits = Mail.select().where(waiting()).count()  # other tests of the service have put some there
    try:
        text = text_of(operator.get(HEALTH))
    finally:
        mail.delete_instance()
    assert f"{waits} wait, 1 were given up" in text
    assert "Wrong Outbox : 1 mails were given up, the newest because of: no such mailbox" in text
    assert "vibekeys mail list --failed" in text


def test_when_usage_was_stored_last_is_told(service: Service, operator: Browser) -> None:
    with closing(UsageTable(service.config.state_dir)) as table:
        table.note_all_stored(service.clock.now - 120)
    assert "Usage was stored 2 minutes ago" in text_of(operator.get(HEALTH))


def test_a_table_that_can_not_be_read_is_a_line_of_the_checks(
    service: Service, operator: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def schema(db: object) -> None:
        raise OperationalError("disk I/O error")

    monkeypatch.setattr("app.doctor._schema", schema)
    text = text_of(operator.get(HEALTH))
    assert "Wrong Database : disk I/O error What to do: see whether the disk is full" in text
    assert "Ok Secret" in text
