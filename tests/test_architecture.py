"""Rules about the code itself: which way imports run, who reads the environment, what is shipped."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config import Config

ROOT = Path(__file__).parents[1]
CODE = sorted([*ROOT.glob("app/**/*.py"), *ROOT.glob("gateway/**/*.py"), *ROOT.glob("*.py")])
LOCKS = ("requirements.txt", "requirements-dev.txt")
LONGEST_FILE = 500

MAY_READ_THE_ENVIRONMENT = {"wsgi.py", "app/serve/gunicorn_settings.py"}
"""And the command line."""
MAY_SPEAK_REDIS = {"gateway/redis_link.py", "gateway/store.py"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported_by(path: Path) -> Iterator[str]:
    """The top-level modules that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def reads_environment(path: Path) -> bool:
    attributes = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute))
    return any(ast.unparse(node) in ("os.environ", "os.environb", "os.getenv") for node in attributes)


def settings() -> list[str]:
    return [name.upper() for name in Config.__dataclass_fields__ if name != "database_path"]


def test_imports_run_one_way() -> None:
    # In a process of its own: it configures logging, and would silence every logger that is there.
    lint_imports = "import importlinter.cli as cli; raise SystemExit(cli.lint_imports(no_cache=True))"
    result = subprocess.run(
        [sys.executable, "-c", lint_imports], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout


def test_the_gateway_needs_the_standard_library_and_redis_and_nothing_else() -> None:
    for path in ROOT.glob("gateway/*.py"):
        others = set(imported_by(path)) - sys.stdlib_module_names - {"gateway", "redis", "hiredis"}
        assert not others, f"{name_of(path)} imports {others}"


def test_only_the_store_and_its_link_speak_redis() -> None:
    speakers = {name_of(path) for path in ROOT.glob("gateway/*.py") if "redis" in imported_by(path)}
    assert speakers == MAY_SPEAK_REDIS


def test_the_environment_is_read_only_where_a_process_starts() -> None:
    readers = {name_of(path) for path in CODE if reads_environment(path)}
    assert {name for name in readers if not name.startswith("app/cli/")} == MAY_READ_THE_ENVIRONMENT


def test_the_readme_names_every_setting() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [name for name in settings() if f"`{name}`" not in readme] == []


@pytest.mark.parametrize("path", [*CODE, *sorted(ROOT.glob("tests/**/*.py"))], ids=name_of)
def test_no_file_is_too_long_to_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_versions_and_hashes_and_no_place_to_get_them_from(lock: str) -> None:
    pinned = re.compile(r"[a-z0-9][a-z0-9._-]*(\[[a-z,]+\])?==\S+( ; .+)? \\")
    for line in (ROOT / lock).read_text().splitlines():
        assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) or pinned.fullmatch(line), line
        assert "://" not in line


def test_the_locks_hold_every_dependency_and_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    run, dev = (_versions((ROOT / lock).read_text()) for lock in LOCKS)
    needed = {re.split(r"[\[>=<]", line)[0] for line in project["project"]["dependencies"]}
    assert needed <= {name for name, _ in run}
    assert run <= dev


def test_the_wheel_holds_what_is_not_python_too(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    folders = ("gateway/*.lua", "app/**/*.lua", "app/templates/**/*.html", "app/static/**/*.*")
    data = [path for folder in folders for path in ROOT.glob(folder)]
    assert {path.suffix for path in data} == {".lua", ".html", ".css", ".js", ".svg", ".md"}
    assert {name_of(path) for path in [*data, *CODE] if path.name != "gunicorn.conf.py"} <= inside
    assert not [name for name in inside if name.startswith(("tests/", "bench/"))]


def _versions(lock: str) -> set[tuple[str, str]]:
    return set(re.findall(r"^([a-z0-9._-]+)(?:\[.+\])?==(\S+)", lock, re.MULTILINE))
