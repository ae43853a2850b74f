"""`vibekeys worker` as a process of its own: it looks, and tells the account."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from app.models import Alert, WebhookCall
from tests.alerts.tower import Tower
from tests.mail.server import MailServer
from tests.serve.processes import REPOSITORY, environment, eventually

COMMAND = (sys.executable, "-P", "-m", "app.cli", "worker")


def test_an_alert_is_opened_mailed_and_called_out_by_the_worker(tower: Tower, tmp_path: Path) -> None:
    tower.clock.now = time.time()
    tower.set(alert_webhook_url="https://hooks.invalid/planted-receiver-secret")
    key = tower.key(name="laptop", expires_at=tower.clock.ms + 3 * 24 * 3_600_000).key
    server, log = MailServer(), tmp_path / "worker.log"
    environ = environment(tmp_path, SMTP_URL=server.url(), MAIL_FROM="keys@example.com")
    with log.open("wb") as output:
        worker = subprocess.Popen(COMMAND, env=environ, cwd=REPOSITORY, stdout=output, stderr=output)
        try:
            eventually(lambda: server.received, "the account is mailed")
            eventually(lambda: "webhook.deferred" in log.read_text(), "the webhook is called")
        finally:
            worker.terminate()
            assert worker.wait(10) == 0
            server.stop()

    (alert,) = Alert.select()
    assert (alert.type, alert.key_id, alert.status) == ("EXPIRING", key.id, "OPEN")
    (mail,) = server.received
    assert (mail.recipient, mail.subject) == ("ada@example.com", "A key expires soon")
    assert "“laptop”" in mail.body
    assert WebhookCall.get().last_error == "its host has no public address"
    assert "planted" not in log.read_text()
