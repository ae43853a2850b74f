"""Servers behind the API: which key of a lineage holds them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.errors import ApiError
from app.keyring import Issued
from app.ledger import Actor
from app.models import Key, Server
from app.servers import Servers, newest_keys
from tests.db.installation import CLI, HOUR, Installation


@pytest.fixture
def issued(installation: Installation) -> Issued:
    owner = installation.account()
    return installation.key(
        owner, type="api", portal=installation.portal(owner), scopes=["vibe:infra"], integrations=()
    )


def holder(issued: Issued) -> Actor:
    return Actor("key", issued.key.owner_id, issued.key.id, "192.0.2.7", "vibe:infra")


def create(installation: Installation, issued: Issued) -> Server:
    server, _ = Servers(installation.ledger).create(
        holder(issued),
        portal_id=issued.key.portal_id or "",
        lineage_id=issued.key.lineage_id,
        name="a server",
    )
    return server


def delete(installation: Installation, issued: Issued) -> None:
    installation.keyring.delete(CLI, Key.select(), issued.key.id)


def refusal_of(
    installation: Installation, act: Callable[[Installation, Issued], object], issued: Issued
) -> str | None:
    """The code that an act in a thread of its own is refused with."""
    try:
        act(installation, issued)
    except ApiError as error:
        return error.code
    finally:
        installation.db.close()  # this thread's connection
    return None


def test_the_newest_key_is_the_one_that_was_not_rotated_also_when_the_clock_was_put_back(
    installation: Installation, issued: Issued
) -> None:
    lineage = issued.key.lineage_id
    installation.clock.now -= HOUR
    second = installation.rotate(issued.key, grace_hours=0)
    assert second.key.created_at < issued.key.created_at
    assert newest_keys([lineage]) == {lineage: second.key.id}

    installation.clock.now += 2 * HOUR
    third = installation.rotate(second.key, grace_hours=0)
    assert newest_keys([lineage]) == {lineage: third.key.id}
    installation.keyring.delete(CLI, Key.select(), third.key.id)
    assert newest_keys([lineage]) == {lineage: second.key.id}


def test_only_the_newest_key_is_kept_from_being_deleted(installation: Installation, issued: Issued) -> None:
    second = installation.rotate(issued.key, grace_hours=0)
    third = installation.rotate(second.key, grace_hours=0)
    server = create(installation, third)

    installation.keyring.delete(CLI, Key.select(), second.key.id)
    with pytest.raises(ApiError, match="active servers"):
        installation.keyring.delete(CLI, Key.select(), third.key.id)
    installation.keyring.delete(CLI, Key.select(), issued.key.id)
    with pytest.raises(ApiError, match="active servers"):
        installation.keyring.delete(CLI, Key.select(), third.key.id)

    Servers(installation.ledger).delete(CLI, Server.select(), server.id)
    installation.keyring.delete(CLI, Key.select(), third.key.id)
    assert newest_keys([issued.key.lineage_id]) == {}


def test_a_server_is_not_registered_by_a_key_that_was_deleted_or_revoked_meanwhile(
    installation: Installation, issued: Issued
) -> None:
    installation.change(issued.key, status="REVOKED")
    with pytest.raises(ApiError) as refusal:
        create(installation, issued)
    assert refusal.value.code == "KEY_REVOKED"

    delete(installation, issued)
    with pytest.raises(ApiError) as refusal:
        create(installation, issued)
    assert refusal.value.code == "INVALID_API_KEY"
    assert Server.select().count() == 0


def test_no_server_is_left_without_a_key_by_a_race(installation: Installation) -> None:
    owner = installation.account()
    portal = installation.portal(owner)
    with ThreadPoolExecutor(2) as threads:
        for _ in range(20):
            issued = installation.key(
                owner, type="api", portal=portal, scopes=["vibe:infra"], integrations=()
            )
            created, deleted = threads.map(
                lambda act, it=issued: refusal_of(installation, act, it), (create, delete)
            )
            assert (created, deleted) in (("INVALID_API_KEY", None), (None, "KEY_HAS_ACTIVE_SERVERS"))
            servers = Server.select().where(Server.lineage_id == issued.key.lineage_id).count()
            assert servers == Key.select().where(Key.id == issued.key.id).count()
