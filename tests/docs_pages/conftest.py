"""One service for all tests of the pages, which change nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.docs.page import PAGES
from tests.api.world import Service, serving
from tests.docs_pages.parsed import Parsed


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("docs")) as service:
        yield service


@pytest.fixture(scope="package")
def pages(service: Service) -> dict[str, Parsed]:
    """Every page by its path."""
    return {page.path: Parsed(service.call("GET", page.path).body.decode()) for page in PAGES}
