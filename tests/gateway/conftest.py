"""A gateway put together by hand, over a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ValkeyServer
from tests.gateway import servers
from tests.gateway.rig import MakeRig, Rig


@pytest.fixture(scope="session")
def _cluster() -> Iterator[tuple[str, ValkeyServer]]:
    with servers.cluster() as running:
        yield running


@pytest.fixture(scope="session")
def _sentinel() -> Iterator[tuple[str, ValkeyServer]]:
    with servers.sentinel() as running:
        yield running


@pytest.fixture
def cluster_url(_cluster: tuple[str, ValkeyServer]) -> str:
    """The URL of a cluster of one node that is empty now."""
    _cluster[1].flush()
    return _cluster[0]


@pytest.fixture
def sentinel_url(_sentinel: tuple[str, ValkeyServer]) -> str:
    """The URL of a server behind a Sentinel that is empty now."""
    _sentinel[1].flush()
    return _sentinel[0]


@pytest.fixture
def make_rig(tmp_path: Path, older_keys_forgotten: None) -> Iterator[MakeRig]:
    made: list[Rig] = []

    def make(url: str, **policy: Any) -> Rig:
        made.append(Rig(url, tmp_path, **policy))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


@pytest.fixture
def rig(make_rig: MakeRig, valkey_url: str) -> Rig:
    return make_rig(valkey_url)
