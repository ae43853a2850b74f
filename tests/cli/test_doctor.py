from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import apsw
import pytest
import redis

from gateway.host_table import HostTable
from gateway.store import PUBLISHED_KEY
from gateway.usage_table import UsageTable
from tests.cli.terminal import Terminal, serving
from tests.conftest import ValkeyServer

FINDING = ["check", "ok", "message", "remedy"]


def findings(terminal: Terminal) -> dict[str, dict[str, Any]]:
    """What `doctor` finds, by the name of the check; its exit status says whether anything is wrong."""
    result = terminal.type("doctor", "--json")
    listed = json.loads(result.stdout)
    assert result.stderr == ""
    assert all(list(finding) == FINDING for finding in listed)
    assert result.exit_code == (0 if all(finding["ok"] for finding in listed) else 1)
    return {finding["check"]: finding for finding in listed}


def wrong(terminal: Terminal) -> dict[str, str]:
    """The message of each check that found something wrong; each says what to do."""
    bad = {name: finding for name, finding in findings(terminal).items() if not finding["ok"]}
    assert all(finding["remedy"] for finding in bad.values())
    return {name: finding["message"] for name, finding in bad.items()}


@pytest.fixture
def sound(terminal: Terminal, tmp_path: Path) -> Terminal:
    tmp_path.chmod(0o700)
    return terminal


def test_a_sound_installation_has_nothing_wrong(sound: Terminal) -> None:
    assert list(findings(sound)) == [
        "settings",
        "state dir",
        "secret",
        "proxies",
        "database",
        "schema",
        "integrity",
        "audit",
        "disk",
        "redis",
        "publishing",
        "outbox",
        "usage",
        "smtp",
    ]
    assert wrong(sound) == {}


def test_for_people_each_check_is_one_line_that_begins_with_the_verdict(
    sound: Terminal, tmp_path: Path
) -> None:
    tmp_path.chmod(0o777)

    result = sound.type("doctor")

    assert result.exit_code == 1
    verdicts = [line.split()[0] for line in result.stdout.splitlines()]
    assert verdicts == ["ok", "WRONG", *["ok"] * 12]
    assert f"chmod go-w {tmp_path}" in result.stdout


def test_a_bad_setting_is_all_that_can_be_said(sound: Terminal) -> None:
    sound.environ["PORT"] = "0"

    assert list(findings(sound)) == ["settings"]
    assert wrong(sound)["settings"].startswith("PORT: ")


def test_before_the_first_start_it_says_to_migrate(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "new" / "vibekeys.db")

    assert "vibekeys migrate" in findings(terminal)["state dir"]["remedy"]
    (tmp_path / "new").mkdir()
    assert "vibekeys migrate" in findings(terminal)["database"]["remedy"]
    assert "vibekeys migrate" in findings(terminal)["secret"]["remedy"]
    assert list((tmp_path / "new").iterdir()) == []


def test_a_secret_that_others_can_read_is_wrong(sound: Terminal, tmp_path: Path) -> None:
    (tmp_path / "secret.key").chmod(0o640)

    assert "0640" in wrong(sound)["secret"]


def test_an_empty_secret_is_wrong(sound: Terminal, tmp_path: Path) -> None:
    os.truncate(tmp_path / "secret.key", 0)

    assert list(wrong(sound)) == ["secret"]


def test_a_secret_of_the_settings_needs_no_file_and_is_not_shown(sound: Terminal, tmp_path: Path) -> None:
    (tmp_path / "secret.key").unlink()
    sound.environ["SECRET_KEY"] = "planted-secret"

    assert wrong(sound) == {}
    assert "planted-secret" not in sound.type("doctor").output


@pytest.mark.parametrize(
    ("total", "free", "told"), [(100, 4, "4.0 GiB are free where the database is, 4%"), (10, 0.9, "0.9 GiB")]
)
def test_a_disk_that_is_nearly_full_is_wrong(
    sound: Terminal, monkeypatch: pytest.MonkeyPatch, total: float, free: float, told: str
) -> None:
    gib = 2**30
    monkeypatch.setattr(shutil, "disk_usage", lambda _: (total * gib, (total - free) * gib, free * gib))

    assert told in wrong(sound)["disk"]


def test_missing_migrations_are_wrong(sound: Terminal, tmp_path: Path) -> None:
    (tmp_path / "vibekeys.db").unlink()
    (tmp_path / "vibekeys.db").touch()

    assert "migrat" in wrong(sound)["schema"]


def test_a_file_that_is_no_database_is_wrong(sound: Terminal, tmp_path: Path) -> None:
    (tmp_path / "vibekeys.db").write_text("once upon a time " * 1000)

    assert list(wrong(sound)) == ["database"]


def test_a_damaged_database_is_wrong(sound: Terminal, tmp_path: Path) -> None:
    sound.account()
    path = tmp_path / "vibekeys.db"
    database = apsw.Connection(str(path))
    page = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'account_email'").get
    size = database.pragma("page_size")
    database.pragma("wal_checkpoint", "truncate")
    database.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : page * size] = bytes(size)
    path.write_bytes(content)

    assert list(wrong(sound)) == ["integrity"]


def test_an_altered_audit_row_is_wrong(sound: Terminal, tmp_path: Path) -> None:
    sound.account()
    assert findings(sound)["audit"]["message"].endswith("up to row 1")
    database = apsw.Connection(str(tmp_path / "vibekeys.db"))
    database.execute("UPDATE audit SET after = NULL")
    database.close()

    assert wrong(sound)["audit"].startswith("row 1: ")


def test_forwarded_headers_of_an_untrusted_proxy_are_wrong(sound: Terminal, tmp_path: Path) -> None:
    table = HostTable(tmp_path)
    assert findings(sound)["proxies"]["ok"]
    table.note_forwarded_from_untrusted(1_700_000_000.0)
    table.close()

    assert "2023-11-14T22:13:20.000Z" in wrong(sound)["proxies"]
    assert "TRUSTED_PROXIES" in findings(sound)["proxies"]["remedy"]


def test_a_redis_that_does_not_answer_is_wrong(sound: Terminal) -> None:
    sound.environ["REDIS_URL"] = "redis://user:planted-secret@127.0.0.1:1"

    assert list(wrong(sound)) == ["redis"]
    assert "planted-secret" not in sound.type("doctor").output


def test_a_running_service_without_its_redis_is_wrong(sound: Terminal, tmp_path: Path) -> None:
    with serving(tmp_path):
        assert list(wrong(sound)) == ["redis"]


def test_a_sound_redis_has_nothing_wrong(sound: Terminal, valkey_url: str) -> None:
    sound.environ["REDIS_URL"] = valkey_url
    sound.account()

    assert wrong(sound) == {}
    assert {"redis", "redis memory", "redis records"} <= set(findings(sound))


def test_a_redis_that_evicts_is_wrong(sound: Terminal, valkey_server: ValkeyServer) -> None:
    sound.environ["REDIS_URL"] = valkey_server.url
    with valkey_server.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")

    assert "allkeys-lru" in wrong(sound)["redis memory"]


def test_a_redis_behind_the_database_is_wrong_until_it_is_rebuilt(sound: Terminal, valkey_url: str) -> None:
    sound.environ["REDIS_URL"] = valkey_url
    sound.account()
    with redis.Redis.from_url(valkey_url) as client:
        client.flushall()

    assert list(wrong(sound)) == ["redis records"]
    sound.json("republish")
    assert wrong(sound) == {}


def test_a_redis_ahead_of_a_restored_database_is_wrong_until_it_is_rebuilt(
    sound: Terminal, valkey_url: str
) -> None:
    sound.environ["REDIS_URL"] = valkey_url
    sound.account()
    with redis.Redis.from_url(valkey_url) as client:
        client.incrby(PUBLISHED_KEY, 5)

    assert list(wrong(sound)) == ["redis records"]
    sound.json("republish")
    assert wrong(sound) == {}


def test_changes_that_stay_unpublished_are_wrong(sound: Terminal, valkey_url: str) -> None:
    sound.account()
    assert findings(sound)["publishing"]["message"] == "1 changes wait for the next start"

    sound.environ["REDIS_URL"] = valkey_url
    began = time.monotonic()

    assert list(wrong(sound)) == ["publishing"]
    assert time.monotonic() - began >= 3


def test_counts_that_nobody_stores_are_wrong_while_a_service_runs(sound: Terminal, tmp_path: Path) -> None:
    table, now = UsageTable(tmp_path), time.time()
    table.count("a key", "its lineage", "192.0.2.1", now)
    assert wrong(sound) == {}, "the next start stores them"
    with serving(tmp_path):
        assert "never stored" in wrong(sound)["usage"]
        table.note_all_stored(now - 11)
        assert "stored last at" in wrong(sound)["usage"]
        table.note_all_stored(now)
        assert "usage" not in wrong(sound)
    table.close()


def test_it_changes_nothing_that_workers_share_not_even_files_of_another_version(
    sound: Terminal, tmp_path: Path
) -> None:
    UsageTable(tmp_path).close()
    for name in ("host", "usage"):
        (tmp_path / name).write_bytes(b"of another version")

    assert wrong(sound) == {}

    assert not (tmp_path / "host.lock").exists()
    for name in ("host", "usage"):
        assert (tmp_path / name).read_bytes() == b"of another version"


def test_requests_that_were_not_counted_are_wrong_for_a_day(
    sound: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(UsageTable, "uncounted", lambda table: (7, int((time.time() - age) * 1000)))
    UsageTable(tmp_path).close()

    age = 86_000.0
    assert wrong(sound)["usage"].startswith("7 requests were let in and not counted, the last at ")
    age = 86_800.0
    assert wrong(sound) == {}
