"""A database that cannot be written is refused when it is opened, and the file at fault is named."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from app.config import Config
from app.db import DatabaseRefused, connect, driver
from tests.db.installation import Installation

NOBODY = 65_534


@pytest.fixture
def config() -> Iterator[Config]:
    """An empty database in a folder that `somebody` owns and can reach, as pytest's folders are not."""
    with tempfile.TemporaryDirectory() as folder:
        config = Config.from_env({"DATABASE_URL": f"sqlite:///{folder}/vibekeys.db"})
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, -1)
        with somebody():
            connect(config, create=True).close()
        yield config


@contextmanager
def somebody() -> Iterator[None]:
    """Not root, who may write whatever a file's mode says."""
    if os.geteuid() != 0:
        yield
        return
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def _refusal(config: Config, *, create: bool = False) -> str:
    with pytest.raises(DatabaseRefused) as refused, somebody():
        connect(config, create=create)
    line = str(refused.value)
    assert "\n" not in line
    assert line.endswith("check DATABASE_URL and the file's permissions")
    return line


def _end_without_closing(config: Config) -> None:
    """Leave the side files as a process does that is killed. (SQLite gives empty ones the right mode.)"""
    path = config.database_path
    with somebody():
        db = connect(config)
        driver(db).execute("CREATE TABLE kept (value)")
        kept = {Path(f"{path}{name}"): Path(f"{path}{name}").read_bytes() for name in ("", "-wal", "-shm")}
        db.close()
        for file, content in kept.items():
            file.write_bytes(content)


@pytest.mark.parametrize("create", [False, True])
def test_a_file_that_cannot_be_written_is_not_opened_and_leaves_nothing(config: Config, create: bool) -> None:
    path = config.database_path
    path.chmod(0o444)
    assert _refusal(config, create=create).startswith(f"{path}: it cannot be written")
    assert os.listdir(path.parent) == [path.name]
    path.chmod(0o644)
    with somebody():
        connect(config).close()


@pytest.mark.parametrize("side_files", [("-wal",), ("-shm",), ("-wal", "-shm")])
def test_a_side_file_that_cannot_be_written_is_named(config: Config, side_files: tuple[str, ...]) -> None:
    paths = [Path(f"{config.database_path}{name}") for name in side_files]
    _end_without_closing(config)
    for path in paths:
        path.chmod(0o444)
    assert _refusal(config).startswith(f"{paths[0]}: ")
    for path in paths:
        path.chmod(0o644)
    with somebody():
        db = connect(config)
        assert db.get_tables() == ["kept"]
        db.close()


@pytest.mark.parametrize("name", ["-wal", "-shm"])
def test_what_stands_in_the_place_of_a_side_file_is_named(config: Config, name: str) -> None:
    folder = Path(f"{config.database_path}{name}")
    folder.mkdir()
    assert _refusal(config).startswith(f"{folder}: ")


def test_a_database_that_is_busy_is_opened(installation: Installation) -> None:
    other = apsw.Connection(str(installation.config.database_path))
    other.execute("BEGIN IMMEDIATE")
    db = connect(installation.config, busy_timeout=60)
    assert driver(db).pragma("busy_timeout") == 60_000
    assert not driver(db).in_transaction
    other.execute("ROLLBACK")
    db.close()
    other.close()
