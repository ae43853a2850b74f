"""Rotation: what is copied, when the old key ends, who is refused, and never more than two keys."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.errors import ApiError
from app.keyring import NEW_KEYS_OWN, key_status
from app.models import Audit, Heads, Key
from tests.db.installation import CLI, HOUR, START, Installation

HOUR_MS = 3_600_000
START_MS = int(START * 1000)


def _code(refused: pytest.ExceptionInfo[ApiError]) -> str:
    return refused.value.code


def test_the_successor_has_every_setting_and_only_the_listed_columns_of_its_own(
    installation: Installation,
) -> None:
    owner = installation.account()
    old = installation.key(
        owner,
        type="api",
        portal=installation.portal(owner),
        name="Nightly export",
        scopes=["crm", "task"],
        integrations=(),
        ip_whitelist=["192.0.2.0/24"],
        rate_limit=5,
        hourly_limit=500,
        expires_at=START_MS + 100 * HOUR_MS,
        metadata={"team": "sales"},
    ).key
    installation.clock.now += 60

    new = Key.get_by_id(installation.rotate(old).key.id)

    old = Key.get_by_id(old.id)
    copied = set(Key._meta.fields) - NEW_KEYS_OWN
    assert {name: new.__data__[name] for name in copied} == {name: old.__data__[name] for name in copied}
    empty = [name for name in copied if name != "integrations" and not old.__data__[name]]
    assert not empty, "this test must give every copied column a value, so that a forgotten one shows"
    assert new.lineage_id == old.lineage_id == old.id
    assert (new.predecessor_id, old.successor_id) == (old.id, new.id)
    assert new.digest != old.digest
    assert new.created_at == installation.clock.ms


def test_integrations_and_legacy_settings_go_to_the_successor_but_not_the_mark(
    installation: Installation,
) -> None:
    owner = installation.account()
    old = installation.key(owner, integrations=["ai_tools", "cli", "mcp_server"]).key
    Key.update(is_legacy=True, unchecked_prefix=True).where(Key.id == old.id).execute()
    new = installation.keyring.rotate(installation.holder(owner), Key.select(), old.id)
    assert new.key.integrations == ["ai_tools", "cli", "mcp_server"]
    assert new.raw_key.startswith("vxk_")
    assert not new.key.is_legacy
    assert not new.key.unchecked_prefix


@pytest.mark.parametrize(
    ("grace_hours", "own_expiry_hours", "ends_after_hours"),
    [
        (None, None, 24),
        (24, None, 24),
        (0.5, None, 0.5),
        (0, None, 0),
        (None, 100, 24),
        (None, 3, 3),
        (2, 3, 2),
        (0, 3, 0),
    ],
)
def test_the_old_key_works_until_grace_or_own_expiry(
    installation: Installation,
    grace_hours: float | None,
    own_expiry_hours: int | None,
    ends_after_hours: float,
) -> None:
    expires_at = None if own_expiry_hours is None else START_MS + own_expiry_hours * HOUR_MS
    old = installation.key(installation.account(), expires_at=expires_at).key
    installation.rotate(old, grace_hours=grace_hours)
    old = Key.get_by_id(old.id)
    end = START_MS + int(ends_after_hours * HOUR_MS)
    assert old.grace_ends_at == end
    assert old.rotated_at == START_MS
    assert key_status(old, end - 1) == "ACTIVE"
    assert key_status(old, end) == ("EXPIRED" if end == expires_at else "ROTATED")


@pytest.mark.parametrize("grace_hours", [-0.1, 24.001, 1e400, float("nan")])
def test_a_grace_outside_0_to_the_setting_is_refused(installation: Installation, grace_hours: float) -> None:
    old = installation.key(installation.account()).key
    with pytest.raises(ApiError) as refused:
        installation.rotate(old, grace_hours=grace_hours)
    assert _code(refused) == "VALIDATION_ERROR"
    assert list(refused.value.details or ()) == ["graceHours"]
    assert Key.select().count() == 1


@pytest.mark.parametrize(("given", "expected"), [(None, None), (START_MS + HOUR_MS, START_MS + HOUR_MS)])
def test_the_successor_takes_an_expiry_of_its_own(
    installation: Installation, given: int | None, expected: int | None
) -> None:
    old = installation.key(installation.account(), expires_at=START_MS + 9 * HOUR_MS).key
    assert installation.rotate(old, expires_at=given).key.expires_at == expected


def test_an_expiry_in_the_past_is_refused(installation: Installation) -> None:
    old = installation.key(installation.account()).key
    with pytest.raises(ApiError) as refused:
        installation.rotate(old, expires_at=START_MS)
    assert _code(refused) == "VALIDATION_ERROR"
    assert Key.get_by_id(old.id).successor_id is None


def test_a_key_is_rotated_once(installation: Installation) -> None:
    old = installation.key(installation.account()).key
    installation.rotate(old, grace_hours=0)
    with pytest.raises(ApiError) as refused:
        installation.rotate(old)
    assert _code(refused) == "KEY_ALREADY_ROTATED"


def test_a_key_stays_rotated_when_its_successor_is_deleted(installation: Installation) -> None:
    old = installation.key(installation.account()).key
    new = installation.rotate(old).key
    installation.keyring.delete(CLI, Key.select(), new.id)
    with pytest.raises(ApiError) as refused:
        installation.rotate(old)
    assert _code(refused) == "KEY_ALREADY_ROTATED"
    assert installation.working(old, new) == [old.id]


def test_a_successor_is_not_rotated_while_its_predecessor_is_in_grace(installation: Installation) -> None:
    old = installation.key(installation.account()).key
    new = installation.rotate(old, grace_hours=1).key
    installation.clock.now += HOUR - 0.001
    with pytest.raises(ApiError) as refused:
        installation.rotate(new)
    assert _code(refused) == "PREDECESSOR_IN_GRACE"
    installation.clock.now += 0.001
    third = installation.rotate(new).key
    assert installation.working(old, new, third) == [new.id, third.id]


@pytest.mark.parametrize("way", ["revoke", "delete", "revoke all", "shorten"])
def test_ending_the_old_key_ends_the_grace(installation: Installation, way: str) -> None:
    owner = installation.account()
    old = installation.key(owner).key
    new = installation.rotate(old).key
    installation.clock.now += 60
    if way == "revoke":
        installation.change(old, status="REVOKED")
        assert Key.get_by_id(old.id).grace_ends_at == installation.clock.ms
    elif way == "delete":
        installation.keyring.delete(CLI, Key.select(), old.id)
    elif way == "revoke all":
        installation.keyring.revoke_all(CLI, owner)
        installation.change(new, status="ACTIVE")
    else:
        installation.change(old, expires_at=installation.clock.ms + 1)
        installation.clock.now += 0.001
    assert installation.working(old, new) == [new.id]
    assert installation.rotate(new).key.predecessor_id == new.id


@pytest.mark.parametrize("state", ["revoked", "expired"])
def test_a_key_that_does_not_work_is_not_rotated(installation: Installation, state: str) -> None:
    key = installation.key(installation.account(), expires_at=START_MS + HOUR_MS).key
    if state == "revoked":
        installation.change(key, status="REVOKED")
    else:
        installation.clock.now += HOUR
    with pytest.raises(ApiError) as refused:
        installation.rotate(key)
    assert _code(refused) == "KEY_NOT_ACTIVE"


@pytest.mark.parametrize("ended", ["revoked", "grace over"])
def test_a_rotated_key_is_not_re_activated(installation: Installation, ended: str) -> None:
    old = installation.key(installation.account()).key
    installation.rotate(old)
    if ended == "revoked":
        installation.change(old, status="REVOKED")
    else:
        installation.clock.now += 24 * HOUR
    with pytest.raises(ApiError) as refused:
        installation.change(old, status="ACTIVE")
    assert _code(refused) == "KEY_ALREADY_ROTATED"
    assert installation.working(old) == []


def test_a_key_in_grace_may_be_called_active(installation: Installation) -> None:
    old = installation.key(installation.account()).key
    installation.rotate(old)
    assert not installation.change(old, status="ACTIVE").revoked


@pytest.mark.parametrize("later", [None, START_MS + 1000 * HOUR_MS])
def test_a_grace_never_grows(installation: Installation, later: int | None) -> None:
    old = installation.key(installation.account(), expires_at=START_MS + 10 * HOUR_MS).key
    installation.rotate(old)
    installation.change(old, expires_at=START_MS + 2 * HOUR_MS)
    installation.change(old, expires_at=later)
    assert Key.get_by_id(old.id).grace_ends_at == START_MS + 2 * HOUR_MS
    installation.clock.now += 2 * HOUR
    assert installation.working(old) == []


def test_a_revoked_successor_can_come_back_and_there_are_two_still(installation: Installation) -> None:
    old = installation.key(installation.account()).key
    new = installation.rotate(old).key
    installation.change(new, status="REVOKED")
    assert installation.working(old, new) == [old.id]
    installation.change(new, status="ACTIVE")
    assert installation.working(old, new) == [old.id, new.id]


def test_another_tenants_key_is_not_found(installation: Installation) -> None:
    key = installation.key(installation.account()).key
    other = installation.account("other@example.com")
    with pytest.raises(ApiError) as refused:
        installation.keyring.rotate(CLI, Key.select().where(Key.owner == other), key.id)
    assert _code(refused) == "ENTITY_NOT_FOUND"


def test_what_fails_before_the_commit_leaves_nothing(installation: Installation) -> None:
    old = installation.key(installation.account()).key
    before = (Heads.get_by_id(1).revision, Audit.select().count())

    def fail(_: object) -> None:
        raise ApiError("IDEMPOTENCY_IN_PROGRESS")

    with pytest.raises(ApiError):
        installation.rotate(old, before_commit=fail)
    assert [key.id for key in Key.select()] == [old.id]
    assert Key.get_by_id(old.id).successor_id is None
    assert (Heads.get_by_id(1).revision, Audit.select().count()) == before


def test_of_50_rotates_at_once_exactly_one_wins(tmp_path: Path) -> None:
    # Each thread waits for the others' locks, which on a slow disk takes longer than the default.
    installation = Installation(tmp_path, busy_timeout=60.0)
    old = installation.key(installation.account()).key

    def rotate(_: int) -> str:
        try:
            return installation.rotate(old).key.id
        except ApiError as error:
            return error.code
        finally:
            installation.db.close()

    with ThreadPoolExecutor(50) as pool:
        outcomes = list(pool.map(rotate, range(50)))
    winners = [outcome for outcome in outcomes if outcome != "KEY_ALREADY_ROTATED"]
    assert len(winners) == 1
    assert Key.get_by_id(old.id).successor_id == winners[0]
    assert Key.select().count() == 2
    installation.close()
