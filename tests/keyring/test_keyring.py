"""Issuing, changing, revoking and deleting keys."""

from __future__ import annotations

from typing import Any

import pytest

from app import keyring
from app.errors import ApiError
from app.keyring import PORTAL_TYPES, SETTABLE, key_status, status_is
from app.ledger import Actor
from app.models import Account, Audit, Key, Tombstone, Unpublished
from app.scopes import INTEGRATIONS, MANAGEMENT_SCOPES, PORTAL_SCOPES, canonical
from gateway import keys
from tests.db.installation import CLI, HOUR, START, Installation

START_MS = int(START * 1000)
HOUR_MS = 3_600_000

RIGHT: dict[str, dict[str, Any]] = {
    "api": {"type": "api", "scopes": ["crm"], "integrations": ()},
    "authorization": {"type": "authorization", "scopes": ["vibe:infra"], "integrations": ()},
    "management": {"type": "management", "scopes": ["vibe:mgmt:keys"], "integrations": ()},
    "personal": {"type": "personal", "integrations": ["cli", "ai_tools"]},
}


@pytest.fixture
def owner(installation: Installation) -> Account:
    return installation.account()


def _fields(installation: Installation, owner: Account, key_type: str, **other: Any) -> dict[str, Any]:
    portal = {"portal": installation.portal(owner)} if key_type in PORTAL_TYPES else {}
    return {**RIGHT[key_type], **portal, **other}


@pytest.mark.parametrize("key_type", keys.KEY_TYPES)
def test_a_new_key_can_be_looked_up_and_only_its_digest_is_stored(
    installation: Installation, owner: Account, key_type: str
) -> None:
    issued = installation.key(owner, **_fields(installation, owner, key_type))
    assert keys.key_type_of(issued.raw_key) == key_type
    assert issued.raw_key not in repr(issued)
    snapshot = installation.source.lookup(keys.digest(issued.raw_key))
    assert snapshot is not None
    assert (snapshot.key.key_id, snapshot.key.lineage_id) == (issued.key.id, issued.key.id)
    assert issued.key.key_prefix == issued.raw_key[: len(keys.PREFIXES[key_type]) + 6]
    assert issued.key.key_suffix == issued.raw_key[-4:]
    secret = issued.raw_key.removeprefix(issued.key.key_prefix).encode()
    for file in installation.config.state_dir.iterdir():
        assert secret not in file.read_bytes()


@pytest.mark.parametrize(
    ("key_type", "wrong", "field"),
    [
        ("api", {"portal": None}, "portalId"),
        ("authorization", {"portal": None}, "portalId"),
        ("api", {"scopes": []}, "scopes"),
        ("api", {"scopes": ["vibe:mgmt:keys"]}, "scopes"),
        ("api", {"scopes": ["crm", "nonsense"]}, "scopes"),
        ("api", {"integrations": ["cli"]}, "integrations"),
        ("management", {"scopes": []}, "scopes"),
        ("management", {"scopes": ["crm"]}, "scopes"),
        ("management", {"integrations": ["cli"]}, "integrations"),
        ("personal", {"integrations": []}, "integrations"),
        ("personal", {"integrations": ["telnet"]}, "integrations"),
        ("personal", {"scopes": ["crm"]}, "scopes"),
        ("personal", {"type": "root"}, "type"),
        ("personal", {"expires_at": START_MS}, "expiresAt"),
    ],
)
def test_fields_that_do_not_fit_the_type_are_refused(
    installation: Installation, owner: Account, key_type: str, wrong: dict[str, Any], field: str
) -> None:
    with pytest.raises(ApiError) as refused:
        installation.key(owner, **{**_fields(installation, owner, key_type), **wrong})
    assert refused.value.code == "VALIDATION_ERROR"
    assert list(refused.value.details or ()) == [field]
    assert not Key.select().exists()


@pytest.mark.parametrize("key_type", ["management", "personal"])
def test_keys_of_an_account_take_no_portal(installation: Installation, owner: Account, key_type: str) -> None:
    with pytest.raises(ApiError) as refused:
        installation.key(owner, **RIGHT[key_type], portal=installation.portal(owner))
    assert list(refused.value.details or ()) == ["portalId"]


def test_a_portal_key_needs_a_member_of_the_portal(installation: Installation, owner: Account) -> None:
    with pytest.raises(ApiError) as refused:
        installation.key(owner, **RIGHT["api"], portal=installation.portal())
    assert refused.value.code == "NOT_PORTAL_MEMBER"


@pytest.mark.parametrize("who", ["holder", "visitor"])
@pytest.mark.parametrize("ended", [{"linked": False}, {"status": "INACTIVE"}])
def test_only_the_command_line_makes_keys_of_a_portal_that_is_not_linked(
    installation: Installation, owner: Account, ended: dict[str, Any], who: str
) -> None:
    portal = installation.portal(owner)
    actor = getattr(installation, who)(owner)
    installation.portals.update(CLI, portal.id, **ended)
    fields: dict[str, Any] = {**RIGHT["api"], "owner": owner, "portal": portal, "name": "till"}
    with pytest.raises(ApiError) as refused:
        installation.keyring.issue(actor, **fields)
    assert refused.value.code == "PORTAL_NOT_LINKED"
    assert refused.value.details == {"linked": True, "status": "ACTIVE", **ended}
    assert installation.keyring.issue(CLI, **fields).key.portal_id == portal.id


@pytest.mark.parametrize("granting", ["issue", "change"])
@pytest.mark.parametrize(
    ("who", "key_type", "granted", "allowed"),
    [
        ("cli", "management", "vibe:mgmt:feedback", True),
        ("operator", "management", "vibe:mgmt:feedback", True),
        ("owner", "management", "vibe:mgmt:feedback", False),
        ("operator signed in", "management", "vibe:mgmt:feedback", True),
        ("operator signed in as anybody", "management", "vibe:mgmt:feedback", False),
        ("owner signed in", "management", "vibe:mgmt:feedback", False),
        ("cli", "personal", "mcp_server", True),
        ("operator", "personal", "mcp_server", False),
        ("owner", "personal", "mcp_server", False),
        ("operator signed in", "personal", "mcp_server", False),
    ],
)
def test_what_only_some_may_grant(
    installation: Installation,
    owner: Account,
    who: str,
    key_type: str,
    granted: str,
    allowed: bool,
    granting: str,
) -> None:
    operator = installation.account("operator@example.com", operator=True)
    actor = {
        "cli": CLI,
        "operator": installation.holder(operator),
        "owner": installation.holder(owner),
        "operator signed in": installation.visitor(operator, as_operator=True),
        "operator signed in as anybody": installation.visitor(operator),
        "owner signed in": installation.visitor(owner),
    }[who]
    field = "scopes" if key_type == "management" else "integrations"
    wanted = [*RIGHT[key_type][field], granted]

    def grant() -> Key:
        if granting == "issue":
            settings = {**RIGHT[key_type], field: wanted}
            return installation.keyring.issue(actor, owner=owner, name="n", **settings).key
        return installation.change(installation.key(owner, **RIGHT[key_type]).key, actor, **{field: wanted})

    if allowed:
        assert getattr(grant(), field) == wanted
        return
    with pytest.raises(ApiError) as refused:
        grant()
    assert list(refused.value.details or ()) == [field]


@pytest.mark.parametrize(
    ("key_type", "field", "held"),
    [("management", "scopes", "vibe:mgmt:feedback"), ("personal", "integrations", "mcp_server")],
)
def test_what_a_key_holds_it_keeps_whoever_changes_it(
    installation: Installation, owner: Account, key_type: str, field: str, held: str
) -> None:
    wanted = [*RIGHT[key_type][field], held]
    key = installation.key(owner, **{**RIGHT[key_type], field: wanted}).key
    changed = installation.change(key, installation.holder(owner), name="renamed", **{field: wanted})
    assert (changed.name, getattr(changed, field)) == ("renamed", wanted)


def test_every_settable_column_is_changed_and_audited(installation: Installation, owner: Account) -> None:
    key = installation.key(owner, **_fields(installation, owner, "api")).key
    fields: dict[str, Any] = {
        "name": "renamed",
        "scopes": ["tasks", "task", "crm"],
        "integrations": [],
        "ip_whitelist": ["2001:db8::/32"],
        "rate_limit": 7,
        "hourly_limit": 70,
        "expires_at": START_MS + HOUR_MS,
        "metadata": {"a": [1, None]},
    }
    assert set(fields) == set(SETTABLE)
    installation.change(key, **fields)
    saved = Key.get_by_id(key.id)
    fields["scopes"] = ["task", "crm"]
    assert {name: getattr(saved, name) for name in fields} == fields
    assert saved.revision > key.revision
    row = Audit.select().order_by(Audit.seq.desc()).first()
    assert (row.action, row.target_id) == ("key.changed", key.id)
    assert '"rate_limit":null' in row.before
    assert '"rate_limit":7' in row.after
    assert "integrations" not in row.after


def test_a_column_that_is_not_settable_is_a_programming_error(
    installation: Installation, owner: Account
) -> None:
    key = installation.key(owner).key
    with pytest.raises(ValueError, match="digest"):
        installation.change(key, digest="0" * 64)


@pytest.mark.parametrize(
    ("key_type", "outdated"),
    [("personal", {"integrations": []}), ("api", {"scopes": ["crm", "withdrawn"]})],
    ids=["a legacy key without integrations", "a scope that left the table"],
)
@pytest.mark.parametrize("with_the_rest", [False, True])
def test_a_key_whose_grants_would_not_be_given_today_can_be_changed_and_revoked(
    installation: Installation,
    owner: Account,
    key_type: str,
    outdated: dict[str, list[str]],
    with_the_rest: bool,
) -> None:
    key = installation.key(owner, **_fields(installation, owner, key_type)).key
    Key.update(**outdated).where(Key.id == key.id).execute()
    fields = outdated if with_the_rest else {}
    assert installation.change(key, name="renamed", status="REVOKED", **fields).revoked
    (field, value) = next(iter(outdated.items()))
    with pytest.raises(ApiError) as refused:
        installation.change(key, **{field: [*value, "nonsense"]})
    assert list(refused.value.details or ()) == [field]


def test_setting_what_is_already_so_changes_nothing(installation: Installation, owner: Account) -> None:
    key = installation.key(owner).key
    rows = Audit.select().count()
    changed = installation.change(key, name=key.name, status="ACTIVE", integrations=tuple(key.integrations))
    assert changed.revision == key.revision
    assert Audit.select().count() == rows


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["vibe:mgmt:portals"]}, "scopes"),
        ({"integrations": ["cli"]}, "integrations"),
        ({"expires_at": START_MS}, "expiresAt"),
        ({"status": "EXPIRED"}, "status"),
    ],
)
def test_a_change_that_does_not_fit_is_refused_whole(
    installation: Installation, owner: Account, fields: dict[str, Any], field: str
) -> None:
    key = installation.key(owner, **_fields(installation, owner, "api")).key
    with pytest.raises(ApiError) as refused:
        installation.change(key, name="renamed", **fields)
    assert list(refused.value.details or ()) == [field]
    assert Key.get_by_id(key.id).name == key.name


def test_revoke_and_re_activate(installation: Installation, owner: Account) -> None:
    key = installation.key(owner).key
    assert installation.change(key, status="REVOKED").revoked
    assert installation.working(key) == []
    assert not installation.change(key, status="ACTIVE").revoked
    assert installation.working(key) == [key.id]
    actions = [row.action for row in Audit.select().where(Audit.target_kind == "key").order_by(Audit.seq)]
    assert actions == ["key.issued", "key.revoked", "key.reactivated"]


def test_a_change_sees_what_was_committed_since_the_caller_read(
    installation: Installation, owner: Account
) -> None:
    stale = Key.get_by_id(installation.key(owner).key.id)
    installation.change(stale, status="REVOKED")
    installation.change(stale, name="renamed")
    assert Key.get_by_id(stale.id).revoked


def test_an_expired_key_works_again_with_a_later_expiry(installation: Installation, owner: Account) -> None:
    key = installation.key(owner, expires_at=START_MS + HOUR_MS).key
    installation.clock.now += HOUR
    assert installation.working(key) == []
    installation.change(key, expires_at=None)
    assert installation.working(key) == [key.id]


def test_deleting_leaves_a_tombstone_with_a_higher_revision(
    installation: Installation, owner: Account
) -> None:
    key = installation.key(owner).key
    installation.keyring.delete(CLI, Key.select(), key.id)
    assert installation.source.lookup(key.digest) is None
    tombstone = Tombstone.get_by_id(key.digest)
    assert tombstone.account_id == owner.id
    assert tombstone.revision > key.revision
    assert Unpublished.get_by_id(tombstone.revision).ref == key.digest
    with pytest.raises(ApiError) as refused:
        installation.keyring.delete(CLI, Key.select(), key.id)
    assert refused.value.code == "ENTITY_NOT_FOUND"


@pytest.mark.parametrize("operation", ["change", "delete", "rotate"])
@pytest.mark.parametrize("key_id", ["", "nonsense", "another tenant's"])
def test_what_the_caller_may_not_see_does_not_exist(
    installation: Installation, owner: Account, operation: str, key_id: str
) -> None:
    key = installation.key(owner).key
    visible = Key.select().where(Key.owner == installation.account("other@example.com"))
    arguments: list[Any] = [CLI, visible, key.id if key_id == "another tenant's" else key_id]
    with pytest.raises(ApiError) as refused:
        getattr(installation.keyring, operation)(
            *arguments, *([{"name": "x"}] if operation == "change" else [])
        )
    assert refused.value.code == "ENTITY_NOT_FOUND"
    assert Key.get_by_id(key.id).name == key.name


def test_revoke_all_spares_other_owners_and_counts_what_it_ended(
    installation: Installation, owner: Account
) -> None:
    other = installation.key(installation.account("other@example.com")).key
    mine = [installation.key(owner).key for _ in range(3)]
    installation.change(mine[0], status="REVOKED")
    assert installation.keyring.revoke_all(CLI, owner) == 2
    assert installation.working(other, *mine) == [other.id]
    assert installation.keyring.revoke_all(CLI, owner) == 0


def test_revoke_all_goes_part_by_part_the_newest_first_and_goes_on_where_it_was_stopped(
    installation: Installation, owner: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "_REVOKED_AT_ONCE", 2)
    issued = []
    for _ in range(5):
        installation.clock.now += 1
        issued.append(installation.key(owner).key)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(keyring.time, "sleep", _interrupted)
        with pytest.raises(InterruptedError):
            installation.keyring.revoke_all(CLI, owner)
    assert installation.working(*issued) == [key.id for key in issued[:3]]

    assert installation.keyring.revoke_all(CLI, owner) == 3
    assert installation.working(*issued) == []


def test_revoke_all_ends_keys_that_are_issued_meanwhile(
    installation: Installation, owner: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = [installation.key(owner).key]
    monkeypatch.setattr(
        keyring.time,
        "sleep",
        lambda _: issued.append(installation.key(owner).key) if len(issued) < 3 else None,
    )
    assert installation.keyring.revoke_all(CLI, owner) == 3
    assert installation.working(*issued) == []


def _interrupted(_: float) -> None:
    raise InterruptedError


@pytest.mark.parametrize("revoked", [False, True])
@pytest.mark.parametrize("expires_at", [None, START_MS - 1, START_MS, START_MS + 1])
@pytest.mark.parametrize("grace_ends_at", [None, START_MS - 1, START_MS, START_MS + 1])
def test_status_in_the_row_and_in_a_query_agree(
    installation: Installation,
    owner: Account,
    revoked: bool,
    expires_at: int | None,
    grace_ends_at: int | None,
) -> None:
    key = installation.key(owner).key
    key.revoked, key.expires_at, key.grace_ends_at = revoked, expires_at, grace_ends_at
    if grace_ends_at is not None:
        key.rotated_at, key.successor_id = START_MS - HOUR_MS, "another"
    key.save()
    expected = (
        "REVOKED"
        if revoked
        else "EXPIRED"
        if expires_at is not None and expires_at <= START_MS
        else "ROTATED"
        if grace_ends_at is not None and grace_ends_at <= START_MS
        else "ACTIVE"
    )
    assert key_status(key, START_MS) == expected
    found = [name for name in ("ACTIVE", "REVOKED", "EXPIRED", "ROTATED")
             if Key.select().where(status_is(name, START_MS)).exists()]  # fmt: skip
    assert found == [expected]


def test_the_scope_tables_do_not_overlap_and_each_has_its_meaning() -> None:
    assert not set(PORTAL_SCOPES) & set(MANAGEMENT_SCOPES)
    assert all({**PORTAL_SCOPES, **MANAGEMENT_SCOPES, **INTEGRATIONS}.values())
    assert {"crm", "task", "user", "im", "disk", "vibe:infra"} <= set(PORTAL_SCOPES)
    assert canonical(["tasks", "crm", "task", "crm"]) == ["task", "crm"]


OF_A_PERSONAL_KEY = {
    "issue": lambda at, actor, key: at.keyring.issue(
        actor, type="personal", owner=key.owner, name="new", integrations=key.integrations
    ),
    "change": lambda at, actor, key: at.change(key, actor, status="REVOKED"),
    "grant": lambda at, actor, key: at.change(
        at.key(key.owner, integrations=["ai_tools"]).key, actor, integrations=key.integrations
    ),
    "rotate": lambda at, actor, key: at.keyring.rotate(actor, Key.select(), key.id),
    "delete": lambda at, actor, key: at.keyring.delete(actor, Key.select(), key.id),
}


@pytest.mark.parametrize("do", OF_A_PERSONAL_KEY)
def test_a_personal_key_gives_away_no_integration_that_it_lacks_and_touches_no_key_that_has_one(
    installation: Installation, owner: Account, do: str
) -> None:
    narrow = Actor("key", owner.id, installation.key(owner, integrations=["ai_tools"]).key.id)
    wide = installation.holder(owner)
    key = installation.key(owner, integrations=["cli", "ai_tools"]).key
    legacy = installation.key(owner, integrations=["ai_tools", "mcp_server"]).key
    with pytest.raises(ApiError) as refused:
        OF_A_PERSONAL_KEY[do](installation, narrow, key)
    assert (refused.value.code, refused.value.details) == (
        "INTEGRATION_REQUIRED",
        {"requiredIntegrations": ["cli"], "integrations": ["ai_tools"]},
    )
    OF_A_PERSONAL_KEY[do](installation, wide, key)
    if do not in ("issue", "grant"):  # what opens nothing is not more
        OF_A_PERSONAL_KEY[do](installation, narrow, legacy)
