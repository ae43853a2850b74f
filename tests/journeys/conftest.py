"""One service for all journeys, from build() to the database, on a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.world import Service, World, serving


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("journeys")) as service:
        yield service


@pytest.fixture
def world(service: Service) -> World:
    """Tenants of the test's own, at the beginning of an hour of their own."""
    world = World(service)
    service.clock.now = (service.clock.now // 3600 + 1) * 3600.0
    return world
