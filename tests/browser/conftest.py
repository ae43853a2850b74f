"""One browser and one service for all tests here; a test has windows and accounts of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium
from tests.browser.complaints import Complaints
from tests.browser.installation import Dashboard, new_service, serving
from tests.browser.look import LOOKS
from tests.serve.processes import PATIENCE

expect.set_options(timeout=PATIENCE * 1000)

TIME_ZONE = "Australia/Darwin"
"""Where visitors are: nine and a half hours ahead of UTC all year, so a time in the wrong zone shows."""


# While it is there, an event loop runs in this thread, and whatever else needs one cannot have it.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium.running() as browser:
        yield browser


@pytest.fixture(scope="package")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    with serving(new_service(tmp_path_factory.mktemp("browser") / "var")) as dashboard:
        yield dashboard


@pytest.fixture
def page(browser: Browser, dashboard: Dashboard) -> Iterator[Page]:
    """A window of a visitor who was never here; the path alone opens a page of the service."""
    context = browser.new_context(
        base_url=dashboard.url,
        color_scheme=LOOKS[0].scheme,
        viewport={"width": LOOKS[0].width, "height": LOOKS[0].height},
        locale="en-GB",
        timezone_id=TIME_ZONE,
        # What is faded in has the wrong contrast until it is there.
        reduced_motion="reduce",
    )
    complaints = Complaints(context, dashboard.url)
    yield context.new_page()
    context.close()
    assert complaints == []
