"""The search for raw keys in what tests leave finds one wherever it is, and fails the run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.keys import KEY_TYPES, mint
from tests.leftovers import Search, keys_in

ROOT = Path(__file__).parents[1]

LEAVES_KEYS = """
from gateway.keys import mint

def test_that_leaves_nothing(tmp_path):
    (tmp_path / "log").write_text("vibe_api_" + "0" * 64)

def test_that_leaves_a_file(tmp_path):
    (tmp_path / "database-wal").write_bytes(bytes(5000) + mint("api").encode() + bytes(5000))

def test_that_prints():
    print("made", mint("personal"))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in which keys may lie: it is gone before this run itself is searched."""
    folder = tmp_path / "with keys"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("key_type", KEY_TYPES)
@pytest.mark.parametrize("around", [b"%s", b"\x00\xff%s\x00", b"vxk_vibe_%s0123", b'{"name":"\\n%s"}'])
def test_a_key_is_found_wherever_it_stands(key_type: str, around: bytes) -> None:
    key = mint(key_type)
    assert list(keys_in(around.replace(b"%s", key.encode()))) == [key]


def test_what_is_no_key_is_not_found() -> None:
    key = mint("api")
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    assert list(keys_in(" ".join((wrong, key[:-1], key.upper(), key[9:])).encode())) == []


def test_a_find_names_file_and_test_and_not_the_whole_key(folder: Path) -> None:
    search, keys = Search(), [mint("api"), mint("management")]
    (folder / "empty").touch()
    (folder / "nothing").write_text("nothing")
    (folder / "one").write_text(f"{keys[0]} {keys[0]} {keys[1]}")
    (folder / "linked").symlink_to(folder / "one")
    search.folders[folder] = "test_that_left_it"
    search.folder(folder.parent)
    assert (search.files, len(search.found)) == (3, 2)
    for key, line in zip(keys, search.found, strict=True):
        assert line.startswith(key[:16])
        assert key[:17] not in line
        assert line.endswith(f"in {folder / 'one'}, left by test_that_left_it")


def test_a_run_that_leaves_a_key_fails_and_says_where(folder: Path) -> None:
    (folder / "test_inner.py").write_text(LEAVES_KEYS)
    options = ["-p", "tests.leftovers", "-p", "no:cacheprovider", f"--rootdir={folder}"]
    options += ["-c", "/dev/null", f"--basetemp={folder / 'left'}", str(folder / "test_inner.py")]

    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options], cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert "3 passed" in run.stdout
    assert run.returncode == 1
    found = [line for line in run.stdout.splitlines() if "... in " in line]
    assert len(found) == 2
    assert "captured stdout call of test_inner.py::test_that_prints" in found[0]
    assert found[1].endswith("database-wal, left by test_inner.py::test_that_leaves_a_file")
