from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from app.bitrix.network import Network
from app.bitrix.portal_calls import PortalCalls
from app.config import Config
from gateway.redis_link import Link
from tests.bitrix.calling import CallsTo
from tests.bitrix.raw_server import RawServer, raw_server


@pytest.fixture
def server() -> Iterator[RawServer]:
    with raw_server() as running:
        yield running


@pytest.fixture
def network() -> Iterator[Network]:
    with closing(Network()) as made:
        yield made


@pytest.fixture
def calls_to() -> Iterator[CallsTo]:
    """Makes calls of any portal, which all go to the webhook that is given."""
    with ExitStack() as held:

        def make(url: str | None, link: Link | None = None, **settings: str) -> PortalCalls:
            config = Config.from_env({"WEB_CONCURRENCY": "1", **settings})
            return held.enter_context(closing(PortalCalls(lambda _: url, config, link)))

        yield make
