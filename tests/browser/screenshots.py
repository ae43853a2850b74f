"""``make screenshots``: pictures of the dashboard, into docs/screenshots/.

A page more is a line more in `SHOTS`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page

from app.cli.session import log_errors
from app.config import Config
from app.models import Account
from tests.browser import chromium
from tests.browser.installation import new_service, serving
from tests.browser.look import LOOKS, Look
from tests.browser.past import VISITOR, Past
from tests.serve.processes import REPOSITORY

FOLDER = REPOSITORY / "docs/screenshots"
TIME_ZONE = "Europe/Berlin"


def _as_it_is(page: Page) -> None:
    """Nothing is done on the page."""


def _chart_is_drawn(page: Page) -> None:
    for figure in page.locator("figure.chart").all():
        figure.locator("canvas").first.wait_for()


def _see_the_checks(page: Page) -> None:
    page.get_by_role("button", name="See the checks").click()
    page.locator("ol.checks").wait_for()


def _create(page: Page) -> None:
    page.get_by_role("textbox", name="Name").fill("Review of changes")
    page.get_by_role("checkbox", name="AI Tools").check()
    page.get_by_role("button", name="Create").click()
    page.get_by_role("checkbox", name="saved").wait_for()


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture in each look: its name, and the page; `{…}` in the path names something of the past.

    `then` does what is to be done before the picture is taken. What changes something comes last, since the
    pages before it would show it.
    """

    name: str
    path: str
    then: Callable[[Page], None] = _as_it_is

    def file(self, look: Look) -> Path:
        """Where the picture goes."""
        return FOLDER / f"{self.name}-{look}.png"


SIGN_IN = Shot("sign-in", "/dashboard/sign-in")
SHOTS = (
    Shot("overview", "/dashboard", _chart_is_drawn),
    Shot("keys", "/dashboard/keys"),
    Shot("key", "/dashboard/keys/{Code assistant}", _chart_is_drawn),
    Shot("rotation", "/dashboard/keys/{Deployment, new}"),
    Shot(
        "explain",
        "/dashboard/keys/{Nightly export}/explain?address=198.51.100.24&method=GET&path=/v1/deals",
        _see_the_checks,
    ),
    Shot("alerts", "/dashboard/alerts"),
    Shot("portal", "/dashboard/portals/{portal}"),
    Shot("ticket", "/dashboard/feedback/{Deals without a source}"),
    Shot("new-key", "/dashboard/keys/new", _create),
)


def take_all() -> None:
    """Take all pictures, of a service with a past."""
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder, chromium.running() as browser:
        service = new_service(Path(folder, "var"))
        subprocess.run(
            [sys.executable, "-P", "-m", "app.cli", "migrate"],
            env=service.environ,
            check=True,
            capture_output=True,
        )
        config = Config.from_env(service.environ)
        log_errors(config)
        past = Past(config)
        past.go_by()
        with serving(service) as dashboard:
            windows = {look: _window(browser, look, dashboard.url) for look in LOOKS}
            _take(SIGN_IN, windows, past)
            for page in windows.values():
                dashboard.sign_in(page, Account.get(Account.email == VISITOR))
            for shot in SHOTS:
                _take(shot, windows, past)


def _window(browser: Browser, look: Look, url: str) -> Page:
    context = browser.new_context(
        base_url=url,
        color_scheme=look.scheme,
        viewport={"width": look.width, "height": look.height},
        device_scale_factor=1.5 if look.is_phone else 1,
        locale="en-GB",
        timezone_id=TIME_ZONE,
        reduced_motion="reduce",
    )
    return context.new_page()


def _take(shot: Shot, windows: dict[Look, Page], past: Past) -> None:
    for look, page in windows.items():
        answer = page.goto(shot.path.format_map(past.ids))
        assert answer, shot.path
        assert answer.ok, f"{answer.status} to {answer.url}"
        shot.then(page)
        page.screenshot(path=shot.file(look))


if __name__ == "__main__":
    take_all()
