"""Who is running on a folder, by the locks they hold."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.presence import service_is_running, take_run_lock
from tests.serve.processes import REPOSITORY

HOLD = """
import sys
from pathlib import Path
from app.presence import hold_presence
hold_presence(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, folder],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_nothing_runs_in_a_folder_that_is_absent_or_new(tmp_path: Path) -> None:
    assert not service_is_running(tmp_path / "absent")
    assert not service_is_running(tmp_path)


def test_a_service_runs_while_one_of_its_processes_lives_however_it_ends(tmp_path: Path) -> None:
    with holder(tmp_path) as first, holder(tmp_path) as second:
        first.kill()
        first.wait()
        assert service_is_running(tmp_path)
        second.kill()
        second.wait()
        assert not service_is_running(tmp_path)


def test_those_who_ask_at_the_same_time_do_not_see_each_other(tmp_path: Path) -> None:
    (tmp_path / "serving.lock").touch()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: service_is_running(tmp_path), range(400)))
    assert not any(answers)


def test_the_run_lock_has_one_holder(tmp_path: Path) -> None:
    assert take_run_lock(tmp_path)
    assert not take_run_lock(tmp_path)
