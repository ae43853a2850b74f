"""The Chromium that the tests drive: one that is there, or Debian's, or the one that Playwright brings.

As a program, which ``make test`` runs first, it sees to it that there is one.  Debian's package is installed
where that needs no question: by root, or by a user who may use sudo without a password.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from playwright.sync_api import Browser, Error, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# No graphics card, and nothing that a browser does of its own accord: it would look for hosts that the tests
# have nothing to do with.
_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# Playwright keeps what it brings below itself, in the virtual environment.
os.environ["PLAYWRIGHT_BROWSERS_PATH"] = "0"


class NoChromium(Exception):
    """There is none that could be used; the text is one line that says what to do."""


@contextmanager
def running() -> Iterator[Browser]:
    """Yield a browser, which is closed in the end. Raises NoChromium."""
    with sync_playwright() as playwright:
        browser = _launch(playwright)
        yield browser
        browser.close()


def bring() -> None:
    """See to it that there is one. Raises NoChromium."""
    for get in (_install_debians, _download):
        with suppress(NoChromium), running():
            return
        get()
    with running():
        return


def _launch(playwright: Playwright) -> Browser:
    there = filter(None, map(shutil.which, NAMES))
    for binary in (*there, playwright.chromium.executable_path):
        # Ubuntu's chromium-browser, say, may be a script that only tells how to get one.
        with suppress(Error):
            return playwright.chromium.launch(executable_path=binary, args=_FLAGS)
    raise NoChromium("the tests need Chromium, and neither found nor got one: please install it")


def _install_debians() -> None:
    if shutil.which("apt-get"):
        install = ("install", "--yes", "--no-install-recommends", "chromium")
        # The machine's lists of packages may be missing, or too old.
        if not _apt_get(*install) and _apt_get("update"):
            _apt_get(*install)


def _apt_get(*words: str) -> bool:
    # By env, since sudo takes no variables along.
    command = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *words]
    return _done(*([] if os.geteuid() == 0 else ["sudo", "--non-interactive"]), *command)


def _download() -> None:
    _done(sys.executable, "-m", "playwright", "install", "--no-shell", "chromium")


def _done(*command: str) -> bool:
    """Run a command without a word: where it fails there is another way, or the line of NoChromium."""
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0
    except OSError:  # no sudo
        return False


if __name__ == "__main__":
    try:
        bring()
    except NoChromium as missing:
        sys.exit(f"vibekeys: {missing}")
