"""A Redis that must not be believed: away, emptied, old, or told of another past."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import redis

from gateway.authorize import Allowed
from gateway.keys import mint
from gateway.source import Publications
from tests.conftest import ValkeyServer
from tests.gateway.rig import MakeRig, Rig, known


def test_a_change_that_could_not_be_published_is_in_force_in_every_worker(
    make_rig: MakeRig, valkey_server: ValkeyServer
) -> None:
    rig = make_rig(valkey_server.url, redis_timeout=0.05)
    raw_key, record = known(rig)
    changing, other = rig.workers[0], rig.worker()
    assert other.code(raw_key) == "allowed"
    rig.source.store = None
    rig.source.change_key(record.digest, revoked=True)
    changing.trust.lose("the change could not be published")
    assert other.code(raw_key) == "KEY_REVOKED"
    rig.source.store = changing.store
    other.watch.look()
    assert other.trust.believed()
    assert other.code(raw_key) == "KEY_REVOKED"


def test_a_redis_with_old_data_is_brought_up_to_date_first(
    make_rig: MakeRig, valkey_server: ValkeyServer
) -> None:
    rig = make_rig(valkey_server.url)
    raw_key, record = known(rig)
    rig.source.change_key(record.digest, name="first")
    workers = [rig.workers[0], rig.worker()]
    assert [worker.code(raw_key) for worker in workers] == ["allowed"] * 2
    saved = _restarted_with(valkey_server, rig)
    rig.source.change_key(record.digest, revoked=True)
    assert workers[1].code(raw_key) == "KEY_REVOKED"
    valkey_server.kill()
    _restore(valkey_server.folder, saved)
    valkey_server.start()
    assert [worker.code(raw_key) for worker in workers] == ["KEY_REVOKED"] * 2
    workers[1].watch.look()
    assert workers[1].trust.believed()
    assert [worker.code(raw_key) for worker in workers] == ["KEY_REVOKED"] * 2


def test_a_new_worker_does_not_believe_an_old_redis(make_rig: MakeRig, valkey_server: ValkeyServer) -> None:
    rig = make_rig(valkey_server.url)
    raw_key, record = known(rig)
    rig.source.change_key(record.digest, name="first")
    saved = _restarted_with(valkey_server, rig)
    rig.source.change_key(record.digest, revoked=True)
    valkey_server.kill()
    _restore(valkey_server.folder, saved)
    valkey_server.start()
    assert rig.worker().code(raw_key) == "KEY_REVOKED"
    assert not rig.workers[0].trust.believed()


def test_a_source_restored_from_a_backup_is_the_authority(
    make_rig: MakeRig, valkey_server: ValkeyServer
) -> None:
    rig = make_rig(valkey_server.url)
    raw_key, record = known(rig)
    rig.source.change_key(record.digest, name="first")
    backup, published = rig.source.keys[record.digest], rig.source.publications().done
    rig.source.change_key(record.digest, revoked=True)
    assert rig.workers[0].code(raw_key) == "KEY_REVOKED"
    rig.source.keys[record.digest] = backup
    rig.source.note_published(published)
    restarted = rig.worker()
    restarted.watch.begin()
    assert restarted.trust.believed()
    assert restarted.code(raw_key) == "allowed"
    rig.source.change_key(record.digest, ip_whitelist=("198.51.100.1",))
    assert restarted.code(raw_key) == "IP_NOT_ALLOWED"
    restarted.watch.stop()


def test_a_key_that_nobody_can_tell_of_takes_redis_from_nobody_else(rig: Rig) -> None:
    raw_key, _ = known(rig)
    deleted, gone = known(rig)
    assert [rig.workers[0].code(raw_key), rig.workers[0].code(deleted)] == ["allowed"] * 2
    rig.source.delete_key(gone.digest)
    rig.source.away = True
    assert rig.workers[0].code(mint("api")) == "GATEWAY_UNAVAILABLE"
    assert rig.workers[0].code(deleted) == "INVALID_API_KEY"
    assert rig.workers[0].trust.believed()
    assert rig.workers[0].code(raw_key) == "allowed"


def test_records_that_were_dropped_and_not_lost_disturb_no_request_under_way(rig: Rig) -> None:
    keys = [known(rig) for _ in range(3)]
    for _, record in keys:
        rig.source.change_key(record.digest, name="published")
    worker = rig.workers[0]
    worker.store.forget_records(rig.source.publications().done)
    epoch = worker.host_table.epoch()
    assert [worker.code(raw_key) for raw_key, _ in keys] == ["allowed"] * 3
    assert worker.host_table.epoch() == epoch


def test_an_emptied_redis_is_left_once_and_not_for_each_key(rig: Rig, shared_valkey: ValkeyServer) -> None:
    keys = [known(rig) for _ in range(9)]
    rig.source.change_key(keys[0][1].digest, name="published")
    worker = rig.workers[0]
    shared_valkey.flush()
    epoch = worker.host_table.epoch()
    decisions = [worker.ask(raw_key) for raw_key, _ in keys]
    assert [decision.mode for decision in decisions] == ["local"] * 9
    assert worker.host_table.epoch() == epoch + 1
    worker.watch.look()
    epoch = worker.host_table.epoch()
    assert [worker.ask(raw_key).mode for raw_key, _ in keys] == [None] * 9
    assert worker.host_table.epoch() == epoch


def test_a_change_published_while_the_pasts_are_compared_is_no_loss(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw_key, record = known(rig)
    rig.source.change_key(record.digest, name="first")
    plain = rig.source.publications

    def publications_after_a_change() -> Publications:
        rig.source.change_key(record.digest, name="second")
        return plain()

    monkeypatch.setattr(rig.source, "publications", publications_after_a_change)
    worker = rig.worker()
    worker.trust.review(worker.store, rig.source)
    assert worker.trust.believed()
    assert worker.code(raw_key) == "allowed"


def test_a_record_of_a_newer_release_is_read_without_what_is_new(rig: Rig, valkey_url: str) -> None:
    raw_key, record = known(rig)
    rig.source.change_key(record.digest, name="published")
    name = f"vk:{{account-1}}:k:{record.digest}"
    client = redis.Redis.from_url(valkey_url)
    newer = json.dumps({**json.loads(rig.source.keys[record.digest].dump()), "revision": 99, "invented": 1})
    client.set(name, f"99:{newer}")
    assert rig.workers[0].code(raw_key) == "allowed"


def test_a_record_that_is_not_readable_is_no_fault_of_the_request(rig: Rig, valkey_url: str) -> None:
    raw_key, record = known(rig)
    assert rig.workers[0].code(raw_key) == "allowed"
    client = redis.Redis.from_url(valkey_url)
    client.set(f"vk:{{account-1}}:k:{record.digest}", "garbage")
    assert rig.workers[0].ask(raw_key).mode is None
    client.set(f"vk:{{account-1}}:k:{record.digest}", "99:garbage")
    decision = rig.workers[0].ask(raw_key)
    assert (type(decision), decision.mode) == (Allowed, "local")


def test_a_cluster_that_was_away_is_believed_without_its_records_only(
    make_rig: MakeRig, cluster_url: str
) -> None:
    rig = make_rig(cluster_url)
    raw_key, record = known(rig, hourly_limit=2)
    worker = rig.workers[0]
    assert worker.code(raw_key) == "allowed"
    # A shard that fell back to a replica without the revocation: the count, on another shard, knows nothing.
    rig.source.keys[record.digest] = dataclasses.replace(record, revision=99, revoked=True)
    worker.trust.lose("a connection broke")
    assert worker.trust.recover(worker.store, rig.source)
    assert worker.code(raw_key) == "KEY_REVOKED"


def test_a_source_that_is_away_is_logged_once_each_time(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    watch = rig.workers[0].watch
    for away in (True, True, False, True, True):
        rig.source.away = away
        watch.look()
    assert len([record for record in caplog.records if "can't tell" in record.getMessage()]) == 2


def test_the_watch_survives_whatever_happens(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = rig.workers[0]
    with monkeypatch.context() as patch:
        patch.setattr(rig.source, "legacy_forms", lambda: 1 / 0)
        worker.watch.look()
    assert not worker.trust.believed()
    worker.watch.look()
    assert worker.trust.believed()


def _restarted_with(server: ValkeyServer, rig: Rig) -> dict[Path, bytes]:
    """Restart the server, let the host find that it is back, and return its files as they were."""
    server.kill()
    saved = _files(server.folder)
    server.start()
    rig.workers[0].trust.lose("restarted")
    rig.workers[0].watch.look()
    assert rig.workers[0].trust.believed()
    return saved


def _files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _restore(folder: Path, saved: dict[Path, bytes]) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and path not in saved:
            path.unlink()
    for path, content in saved.items():
        path.write_bytes(content)
