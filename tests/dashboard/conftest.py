"""One service for all tests of the dashboard; each test has tenants of its own, and browsers of theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from app.ledger import Actor
from app.models import Account
from tests.api.world import Clock, Service, Tenant, World, serving
from tests.dashboard import browser as browsers
from tests.dashboard.browser import Browser

SignedIn = Callable[[Account | str], Browser]


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("dashboard")) as service:
        yield service


@pytest.fixture
def world(service: Service) -> World:
    """Tenants of the test's own."""
    return World(service)


@pytest.fixture
def signed_in(service: Service) -> SignedIn:
    """A function: a new browser that an account, or the one with an e-mail, has signed in with."""

    def sign_in(account: Account | str) -> Browser:
        known = Account.get(Account.email == account) if isinstance(account, str) else account
        return browsers.signed_in(service, known)

    return sign_in


@pytest.fixture
def later(service: Service) -> Iterator[Clock]:
    """The clock, to be put forward; it is put back when the test is over."""
    now = service.clock.now
    yield service.clock
    service.clock.now = now


@pytest.fixture
def tenant(world: World) -> Tenant:
    """Whoever `browser` belongs to."""
    return world.new_tenant()


@pytest.fixture
def browser(tenant: Tenant, signed_in: SignedIn) -> Browser:
    """The browser of the tenant, who has signed in."""
    return signed_in(tenant.account)


@pytest.fixture
def operator(world: World, signed_in: SignedIn) -> Browser:
    """The browser of an operator of the test's own."""
    tenant = world.new_tenant()
    world.services.accounts.update(Actor("cli"), tenant.account.id, operator=True)
    return signed_in(tenant.account.email)
