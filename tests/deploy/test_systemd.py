"""The systemd units: their commands, started and stopped here as they stand, but for folders and ports.

Not run by systemd: what it would make of a unit is checked by `systemd-analyze`, where the machine has it.
"""

from __future__ import annotations

import ctypes
import http.client
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from app.config import Config
from tests.conftest import ValkeyServer
from tests.serve.processes import (
    PATIENCE,
    REPOSITORY,
    descendants,
    environment,
    eventually,
    free_port,
    living,
)

UNITS = sorted((REPOSITORY / "deploy/systemd").glob("*.service"))
SETTINGS = REPOSITORY / "deploy/vibekeys.env"
PROGRAMS = Path(sys.executable).parent
_PR_SET_NO_NEW_PRIVS, _PR_SET_MDWE = 38, 65


def assignments(text: str) -> list[tuple[str, str]]:
    """The lines of the form NAME=value, in order."""
    return re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)


def as_installed_here(text: str, links: Path) -> str:
    """A unit's text with the folders of this installation, by names that need no quotes in it."""
    for name, there, here in (
        ("programs", "/opt/vibekeys/.venv/bin", PROGRAMS),
        ("repository", "/opt/vibekeys", REPOSITORY),
    ):
        link = links / name
        if not link.is_symlink():
            link.symlink_to(here)
        text = text.replace(there, str(link))
    return text


class Unit:
    """One unit, whose programs are those of this installation and whose state is in a folder."""

    def __init__(self, name: str, state: Path, **settings: str) -> None:
        text = as_installed_here((REPOSITORY / "deploy/systemd" / f"{name}.service").read_text(), state)
        self.values = dict(assignments(text.replace("/var/lib/vibekeys", str(state))))
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(state / f"{name}.notify"))
        self.notify.settimeout(PATIENCE)
        as_shipped = SETTINGS.read_text().replace("/var/lib/vibekeys", str(state))
        own = {"NOTIFY_SOCKET": str(state / f"{name}.notify"), **settings}
        self.environ = {**environment(state), **dict(assignments(as_shipped)), **own}

    @contextmanager
    def started(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run what comes before it, and then it, until told to stop; it has to end in its time, with 0."""
        if before := self.values.get("ExecStartPre"):
            self.run(before)
        command = shlex.split(self.values["ExecStart"])
        with subprocess.Popen(
            command, env=self.environ, cwd=self.values["WorkingDirectory"], preexec_fn=self.restrict
        ) as process:
            if self.values["Type"] == "notify":
                assert b"READY=1" in self.notify.recv(1000)
            yield process
            started = descendants(process.pid).keys()
            process.send_signal(signal.SIGTERM)
            assert process.wait(float(self.values["TimeoutStopSec"])) == 0
            eventually(lambda: not started & living().keys(), "its processes have ended")
        self.notify.close()

    def run(self, command: str) -> None:
        subprocess.run(
            shlex.split(command),
            env=self.environ,
            cwd=self.values["WorkingDirectory"],
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def restrict(self) -> None:
        """What of the sandbox a process can do to itself; older kernels know no MDWE."""
        assert self.values["NoNewPrivileges"] == self.values["MemoryDenyWriteExecute"] == "yes"
        for restriction in (_PR_SET_NO_NEW_PRIVS, _PR_SET_MDWE):
            ctypes.CDLL(None).prctl(restriction, 1, 0, 0, 0)


def is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with closing(connection), suppress(ConnectionRefusedError):
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    return False


def test_the_whole_service_starts_reloads_and_stops(tmp_path: Path) -> None:
    port = free_port()
    unit = Unit("vibekeys", tmp_path, PORT=str(port))
    with unit.started() as run:
        eventually(lambda: is_ready(port), "it is ready")
        before = descendants(run.pid).keys()
        unit.run(unit.values["ExecReload"].replace("$MAINPID", str(run.pid)))
        eventually(
            lambda: len(descendants(run.pid).keys() - before) >= 2,
            "a new web worker and a new background worker",
        )
        assert is_ready(port)


def test_web_and_worker_start_reload_and_stop(tmp_path: Path, valkey_server: ValkeyServer) -> None:
    port = free_port()
    settings = {"PORT": str(port), "REDIS_URL": valkey_server.url}
    web, worker = Unit("vibekeys-web", tmp_path, **settings), Unit("vibekeys-worker", tmp_path, **settings)
    with web.started() as gunicorn, worker.started():
        eventually(lambda: is_ready(port), "it is ready")
        before = descendants(gunicorn.pid).keys()
        web.run(web.values["ExecReload"].replace("$MAINPID", str(gunicorn.pid)))
        eventually(lambda: descendants(gunicorn.pid).keys() - before, "a new worker")
        assert is_ready(port)


def test_web_and_worker_run_what_the_procfile_runs() -> None:
    procfile = dict(line.split(": ", 1) for line in (REPOSITORY / "Procfile").read_text().splitlines())
    web, worker = (
        dict(assignments((REPOSITORY / f"deploy/systemd/vibekeys-{name}.service").read_text()))
        for name in ("web", "worker")
    )
    programs = "/opt/vibekeys/.venv/bin/"
    assert web["ExecStartPre"] == programs + procfile["release"]
    assert web["ExecStart"] == programs + procfile["web"]
    assert worker["ExecStart"] == programs + procfile["worker"]


def test_all_units_have_the_same_sandbox() -> None:
    sandboxes = {path.read_text().partition("\n# It writes to its state folder")[2] for path in UNITS}
    assert len(sandboxes) == 1
    assert "\nProtectSystem=strict\n" in sandboxes.pop()


def test_every_line_is_one_of_a_unit_and_systemd_understands_it_if_it_is_here(tmp_path: Path) -> None:
    for path in UNITS:
        text = path.read_text()
        assert all(re.match(r"$|#|\[\w+\]$|\w+=", line) for line in text.splitlines())
        (tmp_path / path.name).write_text(as_installed_here(text, tmp_path))
    if shutil.which("systemd-analyze"):
        command = ["systemd-analyze", "verify", *tmp_path.glob("*.service")]
        verified = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (verified.returncode, verified.stderr) == (0, "")


def test_the_settings_are_understood_also_those_that_are_only_proposed() -> None:
    text = SETTINGS.read_text()
    Config.from_env(dict(assignments(text)))
    all_of_them = dict(assignments(text.replace("\n#", "\n")))
    assert all_of_them.keys() > dict(assignments(text)).keys()
    assert {name.lower() for name in all_of_them} <= Config.__dataclass_fields__.keys()
    Config.from_env(all_of_them)
