"""Opening the database, its schema, and what happens when it cannot be written."""

from __future__ import annotations

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest
from peewee import Database, IntegrityError, ModelSelect

from app import migrations
from app.config import Config
from app.db import DatabaseMissing, DatabaseRefused, connect, driver, writing
from app.errors import ApiError
from app.models import (
    MODELS,
    Account,
    Audit,
    Heads,
    Key,
    Membership,
    Portal,
    UsageAction,
    UsageSplitDay,
    new_id,
)
from tests.db.installation import Installation


def _config(path: Path) -> Config:
    return Config.from_env({"DATABASE_URL": f"sqlite:///{path}"})


def test_a_missing_database_is_not_made_by_accident(tmp_path: Path) -> None:
    with pytest.raises(DatabaseMissing, match="run `vibekeys migrate`"):
        connect(_config(tmp_path / "absent.db"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("what", ["not a database", "a folder"])
def test_what_is_no_database_is_refused_in_one_line(tmp_path: Path, what: str, create: bool) -> None:
    path = tmp_path / "vibekeys.db"
    if what == "a folder":
        path.mkdir()
    else:
        path.write_text("this is no database\n" * 100)
    with pytest.raises(DatabaseRefused) as refused:
        connect(_config(path), create=create)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseRefused, match="DATABASE_URL"):
        connect(_config(tmp_path / "file" / "vibekeys.db"), create=True)


def test_how_it_is_opened(installation: Installation) -> None:
    connection = driver(installation.db)
    settings = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    assert [connection.pragma(name) for name in settings] == ["wal", 2, 1, 5000]
    assert tuple(map(int, apsw.sqlite_lib_version().split("."))) >= (3, 51, 3)
    assert installation.config.database_path.stat().st_mode & 0o777 == 0o600


def test_each_thread_has_a_connection_of_its_own(installation: Installation) -> None:
    def connection_of_thread(_: int) -> int:
        try:
            return id(driver(installation.db))
        finally:
            installation.db.close()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(connection_of_thread, 0).result() != id(driver(installation.db))


def test_one_database_after_the_other(tmp_path: Path) -> None:
    for name in ("first", "second"):
        installation = Installation(tmp_path / name)
        installation.account()
        assert Account.select().count() == 1
        installation.close()


def _schema(db: Database) -> dict[str, object]:
    """Columns, foreign keys, indexes and checks of every table, in no order."""
    connection = driver(db)
    tables = {}
    for table, sql in connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
    ).fetchall():
        quoted = f"'{table}'"
        columns = connection.execute(
            f'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info({quoted})'
        )
        foreign = connection.execute(f"SELECT * FROM pragma_foreign_key_list({quoted})")
        indexes = connection.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", (table,)
        )
        tables[table] = (
            set(columns),
            {row[2:] for row in foreign},
            {row[0] for row in indexes},
            set(re.findall(r'CONSTRAINT "\w+" CHECK \(.*?\)(?=, CONSTRAINT|\)$)', sql)),
        )
    tables.pop("schema_migration", None)
    return tables


def test_models_and_migrated_schema_agree(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "migrated")
    migrated = _schema(installation.db)
    installation.close()
    db = connect(_config(tmp_path / "made.db"), create=True)
    db.create_tables(MODELS)
    made = _schema(db)
    db.close()
    assert set(made) == {model._meta.table_name for model in MODELS}
    for table in made:
        assert migrated[table] == made[table], table
    assert sum(len(made[table][3]) for table in made) > 15  # type: ignore[index, misc]


def test_migrations_run_once_whoever_comes_first(tmp_path: Path) -> None:
    config = _config(tmp_path / "vibekeys.db")
    db = connect(config, create=True)
    names = [path.stem for path in sorted(migrations.DIRECTORY.glob("[0-9]*.py"))]
    assert migrations.pending(db) == names

    def migrate(_: int) -> list[str]:
        try:
            return migrations.migrate(db, config.state_dir)
        finally:
            db.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(migrate, range(4))) == [[], [], [], names]
    assert migrations.pending(db) == []
    assert Heads.get_by_id(1).revision == 0
    db.close()


def test_migrations_can_be_taken_back(installation: Installation) -> None:
    runner = migrations._runner(installation.db)
    for _ in runner.migrations():
        runner.down()
    assert installation.db.get_tables() == ["schema_migration"]


def test_which_routes_were_called_is_taken_from_the_days_before(installation: Installation) -> None:
    day = {"key_id": "a", "requests": 1}
    for starts_at, kind, name in (
        (2, "action", "GET /v1/me"),
        (1, "action", "GET /v1/me"),
        (3, "tool", "curl"),
    ):
        UsageSplitDay.create(**day, starts_at=starts_at, kind=kind, name=name)
    _step_back_to(installation, "202611261320_usage_for_people")
    migrations.migrate(installation.db, installation.config.state_dir)
    assert list(UsageAction.select().tuples()) == [("a", "GET /v1/me", 2)]


def _step_back_to(installation: Installation, name: str) -> None:
    """Take back migrations until that one is taken back too."""
    runner = migrations._runner(installation.db)
    while name not in migrations.pending(installation.db):
        runner.down()


@pytest.mark.parametrize(
    ("columns", "check"),
    [
        ({"type": "root"}, "key_type"),
        ({"type": "api"}, "key_portal"),
        ({"digest": "short"}, "key_digest"),
        ({"name": ""}, "key_name"),
        ({"rate_limit": 0}, "key_rate_limit"),
        ({"hourly_limit": 1_000_000_001}, "key_hourly_limit"),
        ({"successor_id": "another"}, "key_successor"),
        ({"grace_ends_at": 1}, "key_grace"),
    ],
)
def test_the_database_itself_refuses_impossible_keys(
    installation: Installation, columns: dict[str, object], check: str
) -> None:
    key = installation.key(installation.account()).key
    with pytest.raises(IntegrityError, match=check):
        Key.update(**columns).where(Key.id == key.id).execute()


def test_an_owner_of_keys_cannot_be_removed_from_under_them(installation: Installation) -> None:
    owner = installation.account()
    portal = installation.portal(owner)
    for model, row_id in ((Account, owner.id), (Portal, portal.id)):
        with pytest.raises(IntegrityError):
            model.delete_by_id(row_id)
    assert Membership.select().count() == 1


_NEWEST_KEYS = (Key.created_at.desc(), Key.id.desc())


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (Key.select().where(Key.portal == "p").order_by(*_NEWEST_KEYS), "key_portal_id_created_at_id"),
        (Key.select().where(Key.owner == "o").order_by(*_NEWEST_KEYS), "key_owner_id_created_at_id"),
        (Key.select().where(Key.lineage_id == "l"), "key_lineage_id"),
        (Key.select().where(Key.digest == "d"), "key_digest"),
        (Account.select().order_by(Account.created_at.desc(), Account.id.desc()), "account_created_at_id"),
        (Portal.select().order_by(Portal.created_at.desc(), Portal.id.desc()), "portal_created_at_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_lists_walk_an_index_and_sort_nothing(
    installation: Installation, query: ModelSelect[Key], index: str
) -> None:
    sql, parameters = query.bind(installation.db).sql()
    plan = " ".join(map(str, installation.db.execute_sql(f"EXPLAIN QUERY PLAN {sql}", parameters)))
    assert index in plan
    assert "TEMP B-TREE" not in plan


def test_a_locked_database_is_unavailable_and_nothing_is_lost(tmp_path: Path) -> None:
    installation = Installation(tmp_path, busy_timeout=0.05)
    owner = installation.account()
    key = installation.key(owner).key
    other = apsw.Connection(str(installation.config.database_path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ApiError) as refused:
        installation.change(key, status="REVOKED")
    assert (refused.value.code, refused.value.status, refused.value.retry_after) == (
        "DATABASE_UNAVAILABLE",
        503,
        1,
    )
    assert installation.source.lookup(key.digest) is not None, "the gateway reads on"
    other.execute("ROLLBACK")
    other.close()
    assert not Key.get_by_id(key.id).revoked
    assert installation.change(key, status="REVOKED").revoked
    installation.close()


def test_a_full_database_is_unavailable_and_nothing_is_lost(installation: Installation) -> None:
    owner = installation.account()
    connection = driver(installation.db)
    connection.pragma("max_page_count", connection.pragma("page_count"))

    def fill() -> None:
        for _ in range(1_000):
            installation.key(owner, metadata={"filling": "x" * 4_000})

    with pytest.raises(ApiError) as refused:
        fill()
    assert refused.value.code == "DATABASE_UNAVAILABLE"
    made = Key.select().count()
    assert Audit.select().where(Audit.target_kind == "key").count() == made
    connection.pragma("max_page_count", 1_000_000)
    installation.key(owner)
    assert Key.select().count() == made + 1


def test_a_read_only_database_is_unavailable_and_nothing_is_lost(installation: Installation) -> None:
    owner = installation.account()
    driver(installation.db).pragma("query_only", True)
    with pytest.raises(ApiError) as refused:
        installation.key(owner)
    assert refused.value.code == "DATABASE_UNAVAILABLE"
    driver(installation.db).pragma("query_only", False)
    installation.key(owner)


def test_an_error_of_another_kind_undoes_the_transaction_too(installation: Installation) -> None:
    owner = installation.account()

    def fail() -> None:
        with writing(installation.db):
            Account.update(tier="pro").where(Account.id == owner.id).execute()
            raise KeyError("of another kind")

    with pytest.raises(KeyError, match="of another kind"):
        fail()
    assert Account.get_by_id(owner.id).tier == "free"


def test_ids_are_uuids_of_version_7_in_the_order_of_their_time() -> None:
    made = [new_id(1_700_000_000_000 + n) for n in range(100)]
    assert made == sorted(made)
    parsed = uuid.UUID(made[0])
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == 1_700_000_000_000
    assert len({new_id(0) for _ in range(1_000)}) == 1_000


def test_ids_of_one_moment_are_in_the_order_of_their_places() -> None:
    places = [0, 1, 2, 2**18 - 1, 2**18, 2**18 + 1, 2**29, 2**30 - 1]
    made = [new_id(1_700_000_000_000, place) for place in places]
    assert made == sorted(made)
    parsed = [uuid.UUID(one) for one in made]
    assert {(one.version, one.variant, one.int >> 80) for one in parsed} == {
        (7, uuid.RFC_4122, 1_700_000_000_000)
    }
    assert len({new_id(0, 1) for _ in range(1_000)}) == 1_000
