"""A gateway put together by hand, over a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.rig import MakeRig, Rig


@pytest.fixture
def make_rig(tmp_path: Path) -> Iterator[MakeRig]:
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
