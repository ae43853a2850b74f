"""What the fault tests share. Their figures are shown at the end of the run."""

from __future__ import annotations

import random

import pytest

from tests.faults.figures import Figures

_FIGURES = pytest.StashKey[Figures]()


@pytest.fixture(scope="session")
def soak(request: pytest.FixtureRequest) -> bool:
    """Whether this is the long run."""
    return bool(request.config.getoption("--soak"))


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest, soak: bool) -> Figures:
    """Where a test tells what it has counted, and the seed that it draws from."""
    stash = request.config.stash
    if _FIGURES not in stash:
        seed = request.config.getoption("--seed")
        stash[_FIGURES] = Figures(seed if seed is not None else random.randrange(10**6) if soak else 1)
    return stash[_FIGURES]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if _FIGURES in config.stash:
        terminalreporter.section("figures")
        for line in sorted(config.stash[_FIGURES].lines):
            terminalreporter.write_line(line)
