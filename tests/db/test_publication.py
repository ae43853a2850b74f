"""From a committed change to Redis: what arrives, what stays pending, and who is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from structlog.testing import capture_logs

from app import publisher
from app.models import Account, Heads, Key, Unpublished
from app.publisher import Publisher
from app.records import read_record
from gateway.records import AccountRecord, KeyRecord, PortalState, Snapshot, Tombstone
from gateway.source import LegacyForms, SourceError
from gateway.store import Store, StoreError
from tests.conftest import ValkeyServer
from tests.db.installation import CLI, START, Installation


@pytest.fixture
def online(installation: Installation, valkey_url: str) -> Installation:
    installation.use_redis(valkey_url)
    return installation


@pytest.fixture
def own_server(installation: Installation, valkey_server: ValkeyServer) -> Iterator[ValkeyServer]:
    installation.use_redis(valkey_server.url)
    return valkey_server


def _store(installation: Installation) -> Store:
    assert installation.publisher.store is not None
    return installation.publisher.store


def _recalled(installation: Installation, digest: str) -> Snapshot | None:
    return _store(installation).recall(digest, time.monotonic() + 1)


def _believed(installation: Installation) -> bool:
    assert installation.publisher.trust is not None
    return installation.publisher.trust.believed()


def test_a_change_is_in_redis_and_confirmed_when_it_returns(online: Installation) -> None:
    owner = online.account()
    key = online.key(owner, ip_whitelist=["192.0.2.1/32"], rate_limit=3).key
    assert _recalled(online, key.digest) == online.source.lookup(key.digest)
    online.change(key, status="REVOKED")
    recalled = _recalled(online, key.digest)
    assert recalled is not None
    assert recalled.key.revoked
    assert not Unpublished.select().exists()
    assert online.source.publications().done == _store(online).published() == 3


def test_every_kind_of_change_reaches_redis(online: Installation) -> None:
    owner = online.account(tier="enterprise", hourly_limit=5)
    portal = online.portal(owner)
    key = online.key(owner, type="api", portal=portal, scopes=["crm"], integrations=()).key

    def account() -> AccountRecord:
        recalled = _recalled(online, key.digest)
        assert recalled is not None
        assert recalled == online.source.lookup(key.digest)
        return recalled.account

    assert account().portals == {portal.id: PortalState(active=True, member=True)}
    online.portals.update(CLI, portal.id, status="INACTIVE")
    assert account().portals == {portal.id: PortalState(active=False, member=True)}
    online.portals.remove_member(CLI, portal.id, owner.id)
    assert account().portals == {portal.id: PortalState(active=False, member=False)}
    online.portals.update(CLI, portal.id, status="ACTIVE")
    assert account().portals == {portal.id: PortalState(active=True, member=False)}
    online.accounts.update(CLI, owner.id, status="SUSPENDED")
    assert account().status == "SUSPENDED"
    online.accounts.update(CLI, owner.id, hourly_limit=6)
    assert account().hourly_limit == 6
    online.accounts.update(CLI, owner.id, tier="pro")
    assert (account().tier, account().hourly_limit) == ("pro", None)
    online.keyring.delete(CLI, Key.select(), key.id)
    assert _recalled(online, key.digest) is None


def test_rotation_publishes_both_keys(online: Installation) -> None:
    old = online.key(online.account()).key
    new = online.rotate(old).key
    recalled = _recalled(online, old.digest), _recalled(online, new.digest)
    assert recalled == (online.source.lookup(old.digest), online.source.lookup(new.digest))
    assert recalled[0] is not None
    assert (recalled[0].key.deprecated_at, recalled[0].key.grace_ends_at) == (START, START + 24 * 3600)


def test_without_a_running_service_changes_wait_and_are_published_later(
    installation: Installation, valkey_url: str
) -> None:
    owner = installation.account()
    kept, deleted = installation.key(owner).key, installation.key(owner).key
    installation.change(kept, name="renamed")
    installation.keyring.delete(CLI, Key.select(), deleted.id)
    assert Unpublished.select().count() == 5
    installation.use_redis(valkey_url)
    assert not Unpublished.select().exists()
    recalled = _recalled(installation, kept.digest)
    assert recalled is not None
    assert recalled.key.name == "renamed"
    assert recalled.key.revision == Key.get_by_id(kept.id).revision
    assert _recalled(installation, deleted.digest) is None


def test_a_change_while_redis_is_away_withdraws_belief_and_is_published_on_its_return(
    installation: Installation, own_server: ValkeyServer
) -> None:
    key = installation.key(installation.account()).key
    own_server.kill()
    installation.change(key, status="REVOKED")
    assert not _believed(installation)
    assert Unpublished.select().count() == 1
    installation.change(key, status="ACTIVE")
    assert Unpublished.select().count() == 2
    with pytest.raises(StoreError):
        installation.source.publish_pending()
    own_server.start()
    installation.source.publish_pending()
    assert not Unpublished.select().exists()
    assert _recalled(installation, key.digest) == installation.source.lookup(key.digest)


def test_without_belief_a_change_stays_pending_and_stops_a_recovery_under_way(online: Installation) -> None:
    key = online.key(online.account()).key
    assert online.host_table is not None
    assert online.publisher.trust is not None
    online.publisher.trust.lose("a test")
    epoch = online.host_table.epoch()
    online.change(key, status="REVOKED")
    assert Unpublished.select().count() == 1
    assert not online.host_table.believe(epoch)
    assert not _believed(online)


def test_a_command_that_cannot_publish_and_has_nobody_to_tell_says_so(
    installation: Installation, own_server: ValkeyServer
) -> None:
    installation.publisher.trust = None
    own_server.kill()
    with pytest.raises(StoreError):
        installation.account()
    assert Account.select().count() == Unpublished.select().count() == 1


def test_a_key_deleted_before_an_older_change_was_published_is_published_as_its_tombstone(
    installation: Installation, valkey_url: str
) -> None:
    owner = installation.account()
    key = installation.key(owner).key
    installation.keyring.delete(CLI, Key.select(), key.id)
    revision = Heads.get_by_id(1).revision
    assert read_record(installation.db, "key", key.digest) == Tombstone(key.digest, owner.id, revision)
    Unpublished.delete().where(Unpublished.revision == revision).execute()
    installation.use_redis(valkey_url)
    assert _recalled(installation, key.digest) is None
    assert not Unpublished.select().exists()


class Locker:
    """Somebody else who takes the database's write lock as soon as anything is published."""

    def __init__(self, installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        self._connection = apsw.Connection(str(installation.config.database_path))
        store = _store(installation)
        publish = store.publish

        def publish_and_lock(*records: KeyRecord | AccountRecord | Tombstone) -> int:
            number = publish(*records)
            if self._connection.getautocommit():
                self._connection.execute("BEGIN IMMEDIATE")
            return number

        monkeypatch.setattr(store, "publish", publish_and_lock)

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def impatient(tmp_path: Path, valkey_url: str) -> Iterator[Installation]:
    """One that soon gives up waiting for the write lock."""
    installation = Installation(tmp_path, busy_timeout=0.05)
    installation.use_redis(valkey_url)
    yield installation
    installation.close()


def test_a_database_that_cannot_confirm_is_logged_once_until_it_can_again(impatient: Installation) -> None:
    store, impatient.publisher.store = _store(impatient), None
    other = apsw.Connection(str(impatient.config.database_path))
    with closing(other), capture_logs() as lines:
        for _ in range(2):
            impatient.account(f"{Account.select().count()}@example.com")
            impatient.publisher.store = store
            other.execute("BEGIN IMMEDIATE")
            for _ in range(3):
                with pytest.raises(SourceError):
                    impatient.publisher.publish_pending()
            other.execute("ROLLBACK")
            impatient.publisher.publish_pending()
            impatient.publisher.store = None
    impatient.publisher.store = store
    assert [line["event"] for line in lines].count("database.unavailable") == 2


def test_a_publication_that_the_database_cannot_confirm_is_done_and_stays_pending(
    impatient: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = impatient.account()
    with monkeypatch.context() as meanwhile, closing(Locker(impatient, meanwhile)):
        key = impatient.key(owner).key
        assert _recalled(impatient, key.digest) == impatient.source.lookup(key.digest)
        assert _believed(impatient)
        assert Unpublished.select().count() == 1
        with pytest.raises(SourceError):
            impatient.source.publish_pending()
    impatient.source.publish_pending()
    assert not Unpublished.select().exists()


@pytest.mark.parametrize("by", ["the change itself", "whoever publishes what is left over"])
def test_all_is_published_also_when_the_first_confirmation_fails(
    impatient: Installation, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    monkeypatch.setattr(publisher, "_BATCH", 2)
    owner = impatient.account()
    issued = [impatient.key(owner).key for _ in range(5)]
    if by == "the change itself":
        with monkeypatch.context() as meanwhile, closing(Locker(impatient, meanwhile)):
            assert impatient.keyring.revoke_all(CLI, owner) == 5
    else:
        with monkeypatch.context() as without_redis:
            without_redis.setattr(impatient.publisher, "store", None)
            impatient.keyring.revoke_all(CLI, owner)
        with (
            monkeypatch.context() as meanwhile,
            closing(Locker(impatient, meanwhile)),
            pytest.raises(SourceError),
        ):
            impatient.source.publish_pending()
    assert _believed(impatient)
    recalled = [_recalled(impatient, key.digest) for key in issued]
    assert [snapshot and snapshot.key.revoked for snapshot in recalled] == [True] * 5
    assert Unpublished.select().count() == 5
    impatient.source.publish_pending()
    assert not Unpublished.select().exists()


def test_more_changes_than_fit_one_confirmation_are_all_published(
    installation: Installation, valkey_url: str
) -> None:
    owner = installation.account()
    with installation.ledger.change(CLI) as change:
        for _ in range(450):
            change.account(owner)
    assert Unpublished.select().count() == 451
    store, _ = installation.use_redis(valkey_url)
    assert not Unpublished.select().exists()
    assert store.published() == installation.source.publications().done == 3


def test_the_confirmed_number_never_falls(online: Installation, valkey_url: str) -> None:
    owner = online.account()
    Heads.update(published=1_000).where(Heads.id == 1).execute()
    online.key(owner)
    assert online.source.publications().done == 1_000


def test_republish_writes_everything_anew(online: Installation) -> None:
    owner = online.account()
    kept, deleted = online.key(owner).key, online.key(owner).key
    online.keyring.delete(CLI, Key.select(), deleted.id)
    _store(online).forget_records(0)
    assert _recalled(online, kept.digest) is None
    assert online.publisher.republish() == 3
    assert _recalled(online, kept.digest) == online.source.lookup(kept.digest)
    assert _recalled(online, deleted.digest) is None


@pytest.mark.parametrize("operation", [Publisher.publish_pending, Publisher.republish])
def test_without_redis_nothing_can_be_caught_up(
    installation: Installation, operation: Callable[[Publisher], object]
) -> None:
    with pytest.raises(StoreError):
        operation(installation.publisher)


def test_lookup_of_an_unknown_digest_is_none(installation: Installation) -> None:
    assert installation.source.lookup("0" * 64) is None


def test_a_lookup_takes_two_statements_and_no_more(installation: Installation) -> None:
    owner = installation.account()
    key = installation.key(
        owner, type="api", portal=installation.portal(owner), scopes=["crm"], integrations=()
    ).key
    statements: list[str] = []

    def count(_: object, sql: str, __: object) -> bool:
        statements.append(sql)
        return True

    connection = installation.db.connection()
    connection.exec_trace = count
    installation.source.lookup(key.digest)
    installation.source.lookup("0" * 64)
    connection.exec_trace = None
    assert len(statements) == 3


def test_records_of_lookup_and_publication_are_the_same(installation: Installation) -> None:
    owner = installation.account()
    key = installation.key(owner).key
    assert installation.source.lookup(key.digest) == Snapshot(
        read_record(installation.db, "key", key.digest),  # type: ignore[arg-type]
        read_record(installation.db, "account", owner.id),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("broken", ["no table", "not a database", "no file"])
def test_a_database_that_cannot_tell_is_neither_yes_nor_no(tmp_path: Path, broken: str) -> None:
    installation = Installation(tmp_path)
    key = installation.key(installation.account()).key
    path = installation.config.database_path
    if broken == "no table":
        installation.db.execute_sql('ALTER TABLE "key" RENAME TO "lost"')
    else:
        installation.db.close()
        for file in tmp_path.glob("vibekeys.db*"):
            file.unlink()
        if broken == "not a database":
            path.write_text("nothing\n" * 1_000)
    for ask in (lambda: installation.source.lookup(key.digest), installation.source.legacy_forms):
        with pytest.raises(SourceError):
            ask()
    installation.db.close()


def test_legacy_forms_name_the_prefixes_whose_checksum_is_off(installation: Installation) -> None:
    owner = installation.account()
    assert installation.source.legacy_forms() == LegacyForms(any=False, unchecked_prefixes=frozenset())
    foreign, under_ours = installation.key(owner).key, installation.key(owner).key
    Key.update(is_legacy=True, key_prefix="old_12").where(Key.id == foreign.id).execute()
    assert installation.source.legacy_forms() == LegacyForms(any=True, unchecked_prefixes=frozenset())
    Key.update(is_legacy=True, unchecked_prefix=True).where(Key.id == under_ours.id).execute()
    assert installation.source.legacy_forms() == LegacyForms(any=True, unchecked_prefixes=frozenset({"vxk_"}))
