from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an empty database and its secret, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")
    assert Terminal(folder / "vibekeys.db").json("migrate")["applied"]
    return folder


@pytest.fixture
def terminal(tmp_path: Path, migrated: Path) -> Terminal:
    """A terminal on a new installation; its state is in `tmp_path`."""
    shutil.copytree(migrated, tmp_path, dirs_exist_ok=True)
    return Terminal(tmp_path / "vibekeys.db")
