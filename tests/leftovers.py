"""A plugin of the test run: what the tests leave behind holds no raw key.

At the end of the session every file below pytest's temporary folder is searched: databases and their
write-ahead logs, logs, whatever processes wrote. A Valkey server's append-only file is searched before its
folder is removed, and what a test printed once it is over. A single raw key fails the session; the summary
names where it is and whose test that was.
"""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.keys import PREFIXES, key_type_of

_RAW_KEY = re.compile(f"(?:{'|'.join(PREFIXES.values())})[0-9a-f]{{64}}".encode())
_LONGEST = max(map(len, PREFIXES.values())) + 64
_BEGINNINGS = (b"vibe_", b"vxk_")
"""What all prefixes begin with: bytes are found many times as fast as a pattern."""
_SHOWN = 16


@dataclass
class Search:
    """What was searched so far, and what was found in it."""

    files: int = 0
    size: int = 0
    found: list[str] = field(default_factory=list)
    folders: dict[Path, str] = field(default_factory=dict)
    """The tests that have a folder of their own."""

    def folder(self, folder: Path, test: str = "") -> None:
        """Search every file below a folder, which is that of `test` if one is named."""
        for parent, _, names in os.walk(folder):
            for path in (Path(parent, name) for name in names):
                if path.is_file() and not path.is_symlink():
                    self.files += 1
                    self.size += path.stat().st_size
                    self._note(_keys_in_file(path), f"{path}, left by {test or self._test_of(path)}")

    def text(self, text: str, where: str) -> None:
        """Search what stands there."""
        self._note(keys_in(text.encode(errors="replace")), where)

    def _note(self, keys: Iterator[str], where: str) -> None:
        self.found += [f"{key[:_SHOWN]}... in {where}" for key in sorted(set(keys))]

    def _test_of(self, path: Path) -> str:
        of_tests = (self.folders[folder] for folder in path.parents if folder in self.folders)
        return next(of_tests, "a fixture that several tests share")


SEARCH = Search()
_BASE = pytest.StashKey[Path]()


def keys_in(data: bytes | mmap.mmap) -> Iterator[str]:
    """Yield the raw keys in `data`, those whose checksum is right."""
    for beginning in _BEGINNINGS:
        place = data.find(beginning)
        while place >= 0:
            candidate = _RAW_KEY.match(data[place : place + _LONGEST])
            if candidate is not None and key_type_of(candidate[0].decode()):
                yield candidate[0].decode()
            place = data.find(beginning, place + 1)


def _keys_in_file(path: Path) -> Iterator[str]:
    if path.stat().st_size:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield from keys_in(content)


@pytest.fixture(scope="session", autouse=True)
def _temporary_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    request.config.stash[_BASE] = tmp_path_factory.getbasetemp()


def pytest_runtest_teardown(item: pytest.Item) -> None:
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    if folder is not None:
        SEARCH.folders[folder] = item.nodeid


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "teardown":
        for name, content in report.sections:
            SEARCH.text(content, f"{name.lower()} of {report.nodeid}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _BASE in session.config.stash:
        SEARCH.folder(session.config.stash[_BASE])
    if SEARCH.found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    what = f"Q12  raw keys in what the tests left: {len(SEARCH.found)} of {SEARCH.files:,} files"
    terminalreporter.section("raw keys left behind", red=bool(SEARCH.found))
    terminalreporter.write_line(f"{what}, {SEARCH.size / 2**20:,.0f} MiB")
    for line in SEARCH.found:
        terminalreporter.write_line(line, red=True)
