"""One service for all journeys, from build() to the database, on a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.world import Service, World
from tests.conftest import ValkeyServer


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    server = ValkeyServer()
    service = Service(tmp_path_factory.mktemp("journeys"), server.url)
    yield service
    service.close()
    server.close()


@pytest.fixture
def world(service: Service) -> World:
    """Tenants of the test's own, at the beginning of an hour of their own."""
    world = World(service)
    service.clock.now = (service.clock.now // 3600 + 1) * 3600.0
    return world
