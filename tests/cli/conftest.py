from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from app import log
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


@pytest.fixture(autouse=True, scope="session")
def logs_of_this_process_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A command sets up the log of its process; here that is the process of all other tests as well."""

    def configure(log_format: str, level: int = logging.INFO) -> None:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "configure", configure)
        yield
    structlog.reset_defaults()
