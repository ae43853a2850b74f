"""One service for all tests of the API; each test has tenants of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.bitrix import throttle
from app.bitrix.sandbox import Sandbox, running
from tests.api.desk import Desk
from tests.api.linked import Linked
from tests.api.personal import Holder
from tests.api.shelf import Shelf
from tests.api.world import Service, World, serving


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("api")) as service:
        yield service


@pytest.fixture
def world(service: Service) -> World:
    """Tenants of the test's own."""
    return World(service)


@pytest.fixture(scope="module")
def still_world(service: Service) -> World:
    """Tenants shared by the tests of a module, which change nothing."""
    return World(service)


@pytest.fixture
def desk(world: World) -> Desk:
    """An author and the support team, of the test's own."""
    return Desk(world)


@pytest.fixture(scope="module")
def still_desk(still_world: World) -> Desk:
    """An author and the support team, shared by the tests of a module."""
    return Desk(still_world)


@pytest.fixture
def linked(world: World, sandbox: Sandbox) -> Linked:
    """A portal with a Bitrix24 behind it, and a key that opens all of it."""
    return Linked(world, sandbox)


@pytest.fixture(scope="module")
def unthrottled() -> Iterator[None]:
    """Portals are called as often as the tests of a module like."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(throttle, "_ONE", 0.001)
        yield


@pytest.fixture(scope="module")
def still_sandbox(unthrottled: None) -> Iterator[Sandbox]:
    """A Bitrix24 shared by the tests of a module, which takes as many calls as they make."""
    with running() as served:
        served.portal.limits.enabled = False
        yield served


@pytest.fixture
def holder(world: World) -> Holder:
    """Who holds personal keys, of the test's own."""
    return Holder(world)


@pytest.fixture
def shelf(world: World) -> Shelf:
    """An account that keeps documents, of the test's own."""
    return Shelf(world)


@pytest.fixture(scope="module")
def still_shelf(still_world: World) -> Shelf:
    """An account that keeps documents, shared by the tests of a module."""
    return Shelf(still_world)
